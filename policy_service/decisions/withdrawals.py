"""The withdrawal of actions that a decision makes pointless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.log.entries import ActionWithdrawn
from audit.projections.action_status import (
    OPEN_STATUSES,
    PENDING_STATE,
    fold_action_states,
)
from audit.stores.contract import EntryFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceTransaction

WITHDRAWING_REASONS = frozenset({"teammate_took_over", "conversation_closed"})
"""The reasons of decisions after which the bot does nothing more in the conversation."""
_PAGE_SIZE = 200


def withdraw_open_actions(transaction: WorkspaceTransaction, decision: Entry) -> None:
    """Withdraw the open actions of earlier decisions, if this decision ends the bot's work.

    The actions that the decision itself asks for stay pending.
    """
    if decision.value["reason"] not in WITHDRAWING_REASONS:
        return
    conversation = decision.value["conversation"]
    tx, workspace = transaction.tx, transaction.workspace
    asking = [
        earlier
        for earlier in _list_decisions(tx, workspace, conversation)
        if earlier.index != decision.index
    ]
    if not asking:
        return
    states = fold_action_states(tx.receipts(workspace, conversation))
    for earlier in asking:
        for action in earlier.value["actions"]:
            if states.get(action["id"], PENDING_STATE).status in OPEN_STATUSES:
                transaction.enter(
                    ActionWithdrawn,
                    action=action["id"],
                    event=earlier.value["event"],
                    conversation=conversation,
                    detail=decision.value["reason"],
                )


def _list_decisions(snapshot: Snapshot, workspace: str, conversation: str) -> Iterator[Entry]:
    """Yield the decisions of a conversation that ask for actions, in order."""
    asking = EntryFilter(kind=EntryKind.DECISION.value, conversation=conversation, has_actions=True)
    after: int | None = None
    while True:
        page = snapshot.search(workspace, asking, after, _PAGE_SIZE)
        yield from page
        if len(page) < _PAGE_SIZE:
            return
        after = page[-1].index
