"""The erasure of a contact: key, encrypted parts and pseudonym are destroyed, and an entry says so.

The entry names the entries whose personal data was destroyed, and not the contact. Leaves, proofs
and facts stay.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from audit.entry import EntryKind
from audit.log.entries import ContactErased, ErasureRefused
from audit.stores.contract import EntryFilter
from policy_service.policies.policy_cache import enter_workspace
from policy_service.privacy.holds import find_active_holds
from policy_service.privacy.personal_data import enter_with_contact, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Collection

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction

_BATCH_SIZE = 200


def enter_erasure(transaction: WorkspaceTransaction, contact: str, reason: str) -> Entry:
    """Erase all personal data of the contact; return the entry that records the result.

    That is `contact.erased`, also if there was no data: the request is on record. Under a hold
    nothing is erased, and the entry is `erasure.refused`. It is returned and not raised, because an
    exception would undo it; `erasure_view` raises then.
    """
    tx, workspace = transaction.tx, transaction.workspace
    enter_workspace(tx, workspace)
    if holds := find_active_holds(tx, workspace, contact):
        return enter_with_contact(
            transaction, ErasureRefused, contact, reason=reason, holds=tuple(holds)
        )
    indices = tuple(tx.erase(workspace, contact))
    return transaction.enter(ContactErased, reason=reason, entries=indices)


def erase_contact(ledger: WorkspaceLedger, contact: str, reason: str) -> dict[str, Any]:
    """Erase all personal data of a contact; return the erasure.

    Raises ProblemError `under_hold` if a hold prevents it; an entry records the refusal.
    """
    return erasure_view(
        ledger.transact(lambda transaction: enter_erasure(transaction, contact, reason))
    )


def erasure_view(entry: Entry) -> dict[str, Any]:
    """Return an erasure; raise ProblemError `under_hold` if the entry records a refusal."""
    if entry.value["kind"] == EntryKind.ERASURE_REFUSED:
        holds = ", ".join(ErasureRefused.from_leaf(entry.value).holds)
        raise ProblemError(
            ProblemCode.UNDER_HOLD,
            f"Nothing was erased; entry {entry.index} records the refusal. Active holds: {holds}",
        )
    erasure = ContactErased.from_leaf(entry.value)
    return {
        "entries": list(erasure.entries),
        "reason": erasure.reason,
        "by": erasure.by,
        "at": erasure.at,
        "ledger": {
            "log": entry.log,
            "index": entry.index,
            "leaf_hash": base64.b64encode(entry.leaf_hash).decode(),
        },
    }


def find_erasures(
    snapshot: Snapshot, log: str, indices: Collection[int]
) -> dict[int, dict[str, Any]]:
    """Return the erasure, by index, of each of these entries whose personal data was erased."""
    erased_indices = {index for index in indices if read_personal(snapshot, log, index) is None}
    erasures_by_index: dict[int, dict[str, Any]] = {}
    after = min(erased_indices, default=None)
    while erased_indices:
        page = snapshot.search(
            log, EntryFilter(kind=EntryKind.CONTACT_ERASED.value), after, _BATCH_SIZE
        )
        if not page:
            break
        for entry in page:
            erasure = ContactErased.from_leaf(entry.value)
            view = {"index": entry.index, "at": erasure.at}
            erasures_by_index |= dict.fromkeys(erased_indices.intersection(erasure.entries), view)
        erased_indices -= erasures_by_index.keys()
        after = page[-1].index
    return erasures_by_index
