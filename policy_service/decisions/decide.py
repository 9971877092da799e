"""The main use case: an event gets exactly one decision.

`decide_event` runs inside a transaction of the ledger. It reads the entries of the event and its
conversation, lets the rules decide, and appends the decision. The entries that withdraw actions
follow the decision in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from audit.entry import compute_commitment, format_time
from policy_service.decisions.record import new_record
from policy_service.decisions.withdrawals import withdraw_open_actions
from policy_service.policies.activation import apply_due_activations
from policy_service.policies.choose_version import choose_policies
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemCode, ProblemError
from rules.formats.canonical_json import encode_canonical
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import LookupKey, Snapshot, Store, Transaction
    from policy_service.decisions.precompute import PrecomputedDecision
    from policy_service.policies.policy_cache import PolicyCache
    from rules.model.event import Event


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """The entry of a decision; `replayed` if the event had it already and nothing was written."""

    entry: Entry
    replayed: bool


def event_key(store: Store, event: Event) -> LookupKey:
    """Return the names under which the ledger finds an event, its conversation and its contact."""
    names = event["id"], event["conversation"]["id"], event["contact"]["id"]
    return store.lookup_key(event["workspace"]["id"], *names)


def decide_event(
    event: Event,
    key: LookupKey,
    policies: PolicyCache,
    tx: Transaction,
    precomputed: PrecomputedDecision | None = None,
) -> RecordedDecision:
    """Decide an event, or return the decision that it has.

    Raises Problem `event_id_reused` if the id belongs to another event.
    """
    # 1. The same event again gets the same decision, and nothing is written.
    if entry := tx.decision(key.log, key.event):
        return RecordedDecision(
            require_same_event(tx, entry, encode_canonical(event)), replayed=True
        )
    # 2. Due activations come before the decision.
    transaction = WorkspaceTransaction(tx, policies, key.log, SYSTEM_LOG)
    versions = apply_due_activations(transaction)
    # 3. A precomputed decision is appended if the log still has the state it depends on.
    latest = tx.latest_index(key.log, key.conversation)
    if precomputed and precomputed.is_valid(latest, versions):
        entry = tx.append_prepared(precomputed.ready)
    # 4. Else the rules decide now.
    else:
        before = tx.latest_decision(key.log, key.conversation)
        compiled = partial(policies.compiled, tx)
        chosen = choose_policies(versions, key, before, compiled)
        leaf, personal = new_record(event, chosen, before, format_time(tx.now))
        entry = tx.append(key.log, leaf, personal)
    # 5. A decision that ends the bot's work withdraws the open actions of earlier decisions.
    if latest is not None:
        withdraw_open_actions(transaction, entry)
    return RecordedDecision(entry, replayed=False)


def require_same_event(snapshot: Snapshot, entry: Entry, body: bytes) -> Entry:
    """Return the entry if it decided the event with this canonical JSON.

    The commitment tells. If the personal part was erased, the event's id alone does. Raises Problem
    `event_id_reused` if the events differ.
    """
    personal = snapshot.personal(entry.log, entry.index)
    if personal and compute_commitment(personal.salt, body) != entry.value["commitment"]:
        raise ProblemError(ProblemCode.EVENT_ID_REUSED, "Another event was decided under this id")
    return entry
