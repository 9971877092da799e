"""Actions that decisions ask the platform to carry out, and the receipts that it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.log.entries import ActionDelivered, ActionFailed, ActionRetried
from audit.projections.action_status import (
    OPEN_STATUSES,
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
    from audit.log.entries import ActionReceipt
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction

MAX_DECISIONS_PER_PAGE = 20_000
"""Decisions that one page reads; a page may hold fewer actions than its limit, even none."""
_BATCH_SIZE = 200

RECEIPTS: dict[ActionStatus, type[ActionReceipt]] = {
    ActionStatus.DELIVERED: ActionDelivered,
    ActionStatus.FAILED: ActionFailed,
}
"""The statuses that a receipt may report, and the content of its entry."""


@dataclass(frozen=True, slots=True, order=True)
class ActionPosition:
    """The position of an action: the index of its decision, and its number there, from 0."""

    index: int
    number: int

    def __str__(self) -> str:
        return f"{self.index}.{self.number}"


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """One action, with the decision that asks for it and its state."""

    decision: Entry
    number: int
    state: ActionState

    @property
    def position(self) -> ActionPosition:
        """The position of the action in its log."""
        return ActionPosition(self.decision.index, self.number)

    def view(self) -> dict[str, Any]:
        """Return the action with its decision and its state."""
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
    """Return the actions with these statuses after a position, and the next page's position."""
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
    """Return the action with this id; raise ProblemError `not_found` if there is none."""
    decision = snapshot.acting_decision(workspace, action_id.rpartition(".")[0])
    for action in _list_actions_of(snapshot, decision) if decision else ():
        if action.decision.value["actions"][action.number]["id"] == action_id:
            return action
    raise ProblemError(
        ProblemCode.NOT_FOUND, "No decision of this workspace asks for such an action"
    )


def enter_receipt(
    transaction: WorkspaceTransaction, action_id: str, status: ActionStatus, detail: str | None
) -> RequestedAction:
    """Enter that the action was delivered or failed; the same receipt again writes nothing.

    A delivery may follow a failure. Raises ProblemError `action_settled` if the action was
    delivered or withdrawn before.
    """
    action = find_action(transaction.tx, transaction.workspace, action_id)
    if action.state.status is status:
        return action
    if action.state.status not in OPEN_STATUSES:
        raise _settled_problem(action)
    return _enter(transaction, action, RECEIPTS[status], detail)


def enter_retry(transaction: WorkspaceTransaction, action_id: str) -> RequestedAction:
    """Enter that a failed action is tried again: it is pending then.

    Raises ProblemError `action_settled` if the action was delivered or withdrawn.
    """
    action = find_action(transaction.tx, transaction.workspace, action_id)
    if action.state.status is ActionStatus.PENDING:
        return action
    if action.state.status is not ActionStatus.FAILED:
        raise _settled_problem(action)
    return _enter(transaction, action, ActionRetried)


def record_receipt(
    ledger: WorkspaceLedger, action_id: str, status: ActionStatus, detail: str | None = None
) -> dict[str, Any]:
    """Record that the platform delivered an action or failed to; return the action."""
    return ledger.transact(
        lambda transaction: enter_receipt(transaction, action_id, status, detail).view()
    )


def retry_action(ledger: WorkspaceLedger, action_id: str) -> dict[str, Any]:
    """Have a failed action tried again; return the action."""
    return ledger.transact(lambda transaction: enter_retry(transaction, action_id).view())


def _enter(
    transaction: WorkspaceTransaction,
    action: RequestedAction,
    content_class: type[ActionReceipt],
    detail: str | None = None,
) -> RequestedAction:
    leaf = action.decision.value
    action_id = leaf["actions"][action.number]["id"]
    transaction.enter(
        content_class,
        action=action_id,
        event=leaf["event"],
        conversation=leaf["conversation"],
        detail=detail,
    )
    return find_action(transaction.tx, transaction.workspace, action_id)


def _settled_problem(action: RequestedAction) -> ProblemError:
    status = action.state.status.value
    return ProblemError(
        ProblemCode.ACTION_SETTLED, f"The action is {status}, which is a final status"
    )


def _list_decisions(
    snapshot: Snapshot, workspace: str, after: ActionPosition | None
) -> Iterator[Entry]:
    """Yield the decisions that ask for actions, from the one at `after`, in order."""
    after_index = after.index - 1 if after else None
    while page := snapshot.search(
        workspace, EntryFilter(has_actions=True), after_index, _BATCH_SIZE
    ):
        yield from page
        after_index = page[-1].index


def _list_actions_of(snapshot: Snapshot, decision: Entry) -> Iterator[RequestedAction]:
    leaf = decision.value
    states_by_action = fold_action_states(snapshot.receipts(decision.log, leaf["conversation"]))
    for number, action in enumerate(leaf["actions"]):
        yield RequestedAction(decision, number, states_by_action.get(action["id"], PENDING_STATE))
