"""What became of actions: a pure fold of the `action.*` entries that follow a decision.

An action is pending until its first receipt. A failed one may be tried again, which makes it
pending once more; a delivered or withdrawn one stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audit.entry import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry


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


PENDING = ActionState()

_STATUS = {
    Kind.ACTION_DELIVERED: ActionStatus.DELIVERED,
    Kind.ACTION_FAILED: ActionStatus.FAILED,
    Kind.ACTION_WITHDRAWN: ActionStatus.WITHDRAWN,
    Kind.ACTION_RETRIED: ActionStatus.PENDING,
}


def states(entries: Iterable[Entry]) -> dict[str, ActionState]:
    """The states of the actions that these entries are about, by the action's id.

    The entries come in the order of the log; those of other kinds change nothing.
    """
    found: dict[str, ActionState] = {}
    for entry in entries:
        leaf = entry.value
        if status := _STATUS.get(leaf["kind"]):
            found[leaf["action"]] = ActionState(
                status, leaf["at"], entry.index, leaf.get("by"), leaf.get("detail")
            )
    return found
