"""Erasing a person: key, sealed parts and pseudonym are destroyed, and an entry says that it was.

The entry names the entries beside which something stood, never whom. Leaves, proofs and facts stay.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.stores.contract import EntryFilter
from policy_service.policies.policy_cache import enter_workspace
from policy_service.privacy.holds import find_active_holds
from policy_service.privacy.personal_data import append_with_contact, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Collection

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction

_BATCH_SIZE = 200


def erase_contact(tx: Transaction, workspace: str, contact: str, *, by: str, reason: str) -> Entry:
    """Erase all that is kept of the contact; the entry that says what came of it.

    That is `contact.erased`, also where nothing was kept: that someone asked, and that nothing is
    left, is on record. Under a hold nothing is erased and it is `erasure.refused`: returned and not
    raised, because it must last. `erasure_view` then refuses.
    """
    enter_workspace(tx, workspace, format_time(tx.now))
    head = {"format": FORMAT, "at": format_time(tx.now), "workspace": workspace}
    members = {**head, "by": by, "reason": reason}
    if holds := find_active_holds(tx, workspace, contact):
        refused = {**members, "kind": EntryKind.ERASURE_REFUSED.value, "holds": holds}
        return append_with_contact(tx, workspace, refused, contact)
    indices = tx.erase(workspace, contact)
    return tx.append(
        workspace, {**members, "kind": EntryKind.CONTACT_ERASED.value, "entries": indices}
    )


def erasure_view(entry: Entry) -> dict[str, Any]:
    """The erasure as it is answered; Problem `under_hold` where it was refused."""
    leaf = entry.value
    if leaf["kind"] == EntryKind.ERASURE_REFUSED:
        holds = ", ".join(leaf["holds"])
        raise ProblemError(
            ProblemCode.UNDER_HOLD, f"Nothing was erased, as entry {entry.index} says: {holds}"
        )
    return {
        "entries": leaf["entries"],
        "reason": leaf["reason"],
        "by": leaf["by"],
        "at": leaf["at"],
        "ledger": {
            "log": entry.log,
            "index": entry.index,
            "leaf_hash": base64.b64encode(entry.leaf_hash).decode(),
        },
    }


def find_erasures(
    snapshot: Snapshot, log: str, indices: Collection[int]
) -> dict[int, dict[str, Any]]:
    """By which entry, and when, what stood beside these entries was erased, where it was."""
    erased_indices = {index for index in indices if read_personal(snapshot, log, index) is None}
    erasures_by_index: dict[int, dict[str, Any]] = {}
    after = min(erased_indices, default=None)
    while erased_indices:
        erasures = snapshot.search(
            log, EntryFilter(kind=EntryKind.CONTACT_ERASED.value), after, _BATCH_SIZE
        )
        if not erasures:
            break
        for erasure in erasures:
            by = {"index": erasure.index, "at": erasure.value["at"]}
            erasures_by_index |= dict.fromkeys(
                erased_indices.intersection(erasure.value["entries"]), by
            )
        erased_indices -= erasures_by_index.keys()
        after = erasures[-1].index
    return erasures_by_index
