"""What became of actions: a pure fold of the `action.*` entries that follow a decision.

An action is pending until its first receipt. A failed one may be tried again, which makes it
pending once more; a delivered or withdrawn one stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audit.log.leaf import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


class ActionStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ActionState:
    """What became of one action: since when, by the entry at which index, and what was said."""

    status: ActionStatus = ActionStatus.PENDING
    at: str | None = None
    index: int | None = None
    by: str | None = None
    detail: str | None = None


PENDING_STATE = ActionState()

_STATUS = {
    EntryKind.ACTION_DELIVERED: ActionStatus.DELIVERED,
    EntryKind.ACTION_FAILED: ActionStatus.FAILED,
    EntryKind.ACTION_WITHDRAWN: ActionStatus.WITHDRAWN,
    EntryKind.ACTION_RETRIED: ActionStatus.PENDING,
}


def fold_action_states(leaves: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, ActionState]:
    """Return the states of the actions that the leaves are about, by the action's id.

    The leaves come with their indices, in the order of the log. Leaves of other kinds are ignored.
    """
    by_action: dict[str, ActionState] = {}
    for index, leaf in leaves:
        if status := _STATUS.get(leaf["kind"]):
            by_action[leaf["action"]] = ActionState(
                status, leaf["at"], index, leaf.get("by"), leaf.get("detail")
            )
    return by_action
