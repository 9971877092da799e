"""Holds: an active hold prevents the erasure of its contact, or of everyone in its workspace.

One key sets a hold and another key releases it, so that nobody can release a hold alone in order to
erase. Holds have no table: the `hold.*` entries are their state.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.entry import EntryKind
from audit.log.entries import HoldReleased, HoldSet
from audit.stores.contract import EntryFilter
from policy_service.policies.policy_cache import enter_workspace
from policy_service.privacy.personal_data import enter_with_contact, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction


@dataclass(frozen=True, slots=True)
class HoldStep:
    """The setting or the release of a hold: index and time of its entry, key, and reason."""

    index: int
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One hold, as its entries leave it; its contact is personal data of the entry that set it."""

    id: str
    is_of_contact: bool
    """False for a hold of the whole workspace."""
    set: HoldStep
    released: HoldStep | None = None


def fold_holds(entries: Iterable[Entry]) -> dict[str, HoldRecord]:
    """Return every hold by id, in the order they were set; `entries` are in the log's order."""
    holds: dict[str, HoldRecord] = {}
    for entry in entries:
        if entry.value["kind"] == EntryKind.HOLD_SET:
            opening = HoldSet.from_leaf(entry.value)
            is_of_contact = opening.commitment is not None
            step = HoldStep(entry.index, opening.at, opening.by, opening.reason)
            holds[opening.hold] = HoldRecord(opening.hold, is_of_contact, step)
        else:
            release = HoldReleased.from_leaf(entry.value)
            step = HoldStep(entry.index, release.at, release.by, release.reason)
            holds[release.hold] = replace(holds[release.hold], released=step)
    return holds


def find_active_holds(snapshot: Snapshot, workspace: str, contact: str) -> list[str]:
    """Return the ids of the holds that prevent the contact's erasure, in the order of setting."""
    holds = fold_holds(snapshot.entries_of_family(workspace, "hold.")).values()
    if all(hold.released for hold in holds):
        return []
    naming = EntryFilter(kind=EntryKind.HOLD_SET.value, contact=contact)
    of_contact = {entry.index for entry in snapshot.search(workspace, naming, None, len(holds))}
    return [
        hold.id
        for hold in holds
        if hold.released is None and (not hold.is_of_contact or hold.set.index in of_contact)
    ]


def enter_hold(transaction: WorkspaceTransaction, contact: str | None, reason: str) -> HoldRecord:
    """Enter a hold of the contact, or of the whole workspace if there is no contact.

    The contact may be unknown yet, and may have several holds.
    """
    enter_workspace(transaction.tx, transaction.workspace)
    hold_id = f"hold-{secrets.token_hex(6)}"
    if contact is None:
        entry = transaction.enter(HoldSet, hold=hold_id, reason=reason)
    else:
        entry = enter_with_contact(transaction, HoldSet, contact, hold=hold_id, reason=reason)
    return fold_holds([entry])[hold_id]


def enter_hold_release(transaction: WorkspaceTransaction, hold_id: str, reason: str) -> HoldRecord:
    """Enter the release of a hold.

    Raises ProblemError `not_found`; `setter_may_not_release` for the key that set the hold;
    `hold_released` if it was released before.
    """
    tx, workspace = transaction.tx, transaction.workspace
    hold = fold_holds(tx.entries_of_family(workspace, "hold.")).get(hold_id)
    if hold is None:
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such hold in this workspace")
    if hold.set.by == transaction.by:
        raise ProblemError(
            ProblemCode.SETTER_MAY_NOT_RELEASE, "The key that set a hold may not release it"
        )
    if hold.released:
        raise ProblemError(
            ProblemCode.HOLD_RELEASED, f"The hold was released at {hold.released.at}"
        )
    transaction.enter(HoldReleased, hold=hold_id, reason=reason)
    return fold_holds(tx.entries_of_family(workspace, "hold."))[hold_id]


def set_hold(ledger: WorkspaceLedger, contact: str | None, reason: str) -> dict[str, Any]:
    """Protect a contact, or the whole workspace, from erasure; return the hold."""

    def work(transaction: WorkspaceTransaction) -> dict[str, Any]:
        hold = enter_hold(transaction, contact, reason)
        return hold_view(transaction.tx, ledger.workspace, hold)

    return ledger.transact(work)


def release_hold(ledger: WorkspaceLedger, hold_id: str, reason: str) -> dict[str, Any]:
    """Release a hold for good, by another key than the one that set it; return the hold."""

    def work(transaction: WorkspaceTransaction) -> dict[str, Any]:
        hold = enter_hold_release(transaction, hold_id, reason)
        return hold_view(transaction.tx, ledger.workspace, hold)

    return ledger.transact(work)


def hold_view(snapshot: Snapshot, workspace: str, hold: HoldRecord) -> dict[str, Any]:
    """Return the hold; `contact` is null for a workspace, or if the contact was erased later."""
    named = read_personal(snapshot, workspace, hold.set.index) if hold.is_of_contact else None
    return {
        "id": hold.id,
        "scope": "contact" if hold.is_of_contact else "workspace",
        "contact": named.contact if named else None,
        "status": "released" if hold.released else "active",
        "reason": hold.set.reason,
        "set_by": hold.set.by,
        "set_at": hold.set.at,
        "index": hold.set.index,
        "released": _step_view(hold.released) if hold.released else None,
    }


def _step_view(step: HoldStep) -> dict[str, Any]:
    return {"by": step.by, "at": step.at, "index": step.index, "reason": step.reason}
