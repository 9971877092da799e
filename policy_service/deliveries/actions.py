"""Actions: what the platform is asked to carry out, and what it says became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.projections.action_status import (
    PENDING_STATE,
    ActionState,
    ActionStatus,
    fold_action_states,
)
from audit.stores.contract import EntryFilter
from policy_service.decisions.record import action_view
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction

MAX_DECISIONS_PER_PAGE = 20_000
"""Decisions that one page looks at; a page may hold fewer actions than it may, even none."""
_BATCH_SIZE = 200

RECEIPT_KINDS = {
    ActionStatus.DELIVERED: EntryKind.ACTION_DELIVERED,
    ActionStatus.FAILED: EntryKind.ACTION_FAILED,
}
"""What a receipt may say, and the kind of its entry."""


@dataclass(frozen=True, slots=True, order=True)
class ActionPosition:
    """Where an action stands: the index of its decision, and its number in it, from 0."""

    index: int
    number: int

    def __str__(self) -> str:
        return f"{self.index}.{self.number}"


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """One action with the decision that asks for it and what became of it."""

    decision: Entry
    number: int
    state: ActionState

    @property
    def position(self) -> ActionPosition:
        return ActionPosition(self.decision.index, self.number)

    def view(self) -> dict[str, Any]:
        """The action as it is answered, with its decision and what became of it."""
        leaf = self.decision.value
        return {
            **action_view(leaf["actions"][self.number]),
            "decision": leaf["id"],
            "event": leaf["event"],
            "conversation": leaf["conversation"],
            "index": self.decision.index,
            "status": self.state.status.value,
            "status_at": self.state.at,
            "status_by": self.state.by,
            "detail": self.state.detail,
        }


def list_actions(
    snapshot: Snapshot,
    workspace: str,
    statuses: Collection[ActionStatus],
    after: ActionPosition | None,
    limit: int,
) -> tuple[list[RequestedAction], ActionPosition | None]:
    """The actions with these statuses behind a place, and where the next page begins, if any."""
    page: list[RequestedAction] = []
    for looked_at, decision in enumerate(_list_decisions(snapshot, workspace, after), start=1):
        action = None
        for action in _list_actions_of(snapshot, decision):
            if (after and action.position <= after) or action.state.status not in statuses:
                continue
            if len(page) == limit:
                return page, page[-1].position
            page.append(action)
        if action and looked_at == MAX_DECISIONS_PER_PAGE:
            return page, action.position
    return page, None


def find_action(snapshot: Snapshot, workspace: str, action_id: str) -> RequestedAction:
    """The action with this id; Problem `not_found`."""
    decision = snapshot.acting_decision(workspace, action_id.rpartition(".")[0])
    for action in _list_actions_of(snapshot, decision) if decision else ():
        if action.decision.value["actions"][action.number]["id"] == action_id:
            return action
    raise ProblemError(
        ProblemCode.NOT_FOUND, "No decision of this workspace asks for such an action"
    )


@dataclass(frozen=True, slots=True)
class Receipts:
    """What a key says of a workspace's actions, within one transaction."""

    tx: Transaction
    workspace: str
    by: str

    def receive(self, action_id: str, status: ActionStatus, detail: str | None) -> RequestedAction:
        """Enter that the action was delivered, or failed. The same receipt twice is one entry.

        A delivery after a failure is believed; nothing is believed of an action that was delivered
        or withdrawn (Problem `action_settled`).
        """
        action = find_action(self.tx, self.workspace, action_id)
        if action.state.status is status:
            return action
        if action.state.status not in (ActionStatus.PENDING, ActionStatus.FAILED):
            raise _settled_problem(action)
        detail_members = {} if detail is None else {"detail": detail}
        return self._enter(action, RECEIPT_KINDS[status], {"action": action_id, **detail_members})

    def retry(self, action_id: str) -> RequestedAction:
        """Enter that a failed action is to be tried again: it is pending once more."""
        action = find_action(self.tx, self.workspace, action_id)
        if action.state.status is ActionStatus.PENDING:
            return action
        if action.state.status is not ActionStatus.FAILED:
            raise _settled_problem(action)
        return self._enter(action, EntryKind.ACTION_RETRIED, {"action": action_id})

    def _enter(
        self, action: RequestedAction, kind: EntryKind, members: dict[str, str]
    ) -> RequestedAction:
        leaf = action.decision.value
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {name: leaf[name] for name in ("workspace", "event", "conversation")}
        self.tx.append(self.workspace, {**head, **whose, "by": self.by, **members})
        return find_action(self.tx, self.workspace, members["action"])


def _settled_problem(action: RequestedAction) -> ProblemError:
    return ProblemError(
        ProblemCode.ACTION_SETTLED, f"The action is {action.state.status.value} for good"
    )


def _list_decisions(
    snapshot: Snapshot, workspace: str, after: ActionPosition | None
) -> Iterator[Entry]:
    """The decisions that ask for actions, from the one at `after`, in order."""
    after_index = after.index - 1 if after else None
    while page := snapshot.search(
        workspace, EntryFilter(has_actions=True), after_index, _BATCH_SIZE
    ):
        yield from page
        after_index = page[-1].index


def _list_actions_of(snapshot: Snapshot, decision: Entry) -> Iterator[RequestedAction]:
    leaf = decision.value
    states_by_action = fold_action_states(
        (each.index, each.value) for each in snapshot.receipts(decision.log, leaf["conversation"])
    )
    for number, action in enumerate(leaf["actions"]):
        yield RequestedAction(decision, number, states_by_action.get(action["id"], PENDING_STATE))
