"""The status of actions: a pure fold of the `action.*` entries that follow a decision.

An action is pending until its first receipt. A retry makes a failed action pending again. A
delivered or withdrawn action keeps its status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audit.log.entries import (
    ActionDelivered,
    ActionFailed,
    ActionReceipt,
    ActionRetried,
    ActionWithdrawn,
    parse_leaf,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.projections.versions import IndexedLeaf


class ActionStatus(StrEnum):
    """The status of one action."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ActionState:
    """The status of one action, with the time, index, author and detail of its last entry.

    These are None if no entry is about the action yet.
    """

    status: ActionStatus = ActionStatus.PENDING
    at: str | None = None
    index: int | None = None
    by: str | None = None
    detail: str | None = None


PENDING_STATE = ActionState()
OPEN_STATUSES = frozenset({ActionStatus.PENDING, ActionStatus.FAILED})
"""The statuses of actions that may still be carried out or withdrawn."""

_STATUS: dict[type[ActionReceipt], ActionStatus] = {
    ActionDelivered: ActionStatus.DELIVERED,
    ActionFailed: ActionStatus.FAILED,
    ActionWithdrawn: ActionStatus.WITHDRAWN,
    ActionRetried: ActionStatus.PENDING,
}


def receipt_status(receipt: ActionReceipt) -> ActionStatus:
    """Return the status of an action after this entry."""
    return _STATUS[type(receipt)]


def fold_action_states(entries: Iterable[IndexedLeaf]) -> dict[str, ActionState]:
    """Return the states of the actions that the entries are about, by the action's id.

    The entries come in the order of the log; other kinds are ignored. Raises BadLeafError if an
    entry lacks a member.
    """
    by_action: dict[str, ActionState] = {}
    for entry in entries:
        content = parse_leaf(entry.value)
        if isinstance(content, ActionReceipt):
            by_action[content.action] = ActionState(
                receipt_status(content), content.at, entry.index, content.by, content.detail
            )
    return by_action
