"""The personal data of an entry: written for an entry that names a contact, read for auditors."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import SALT_SIZE, PersonalData, compute_commitment
from audit.errors import PersonalDataErasedError
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.log.entries import ErasureRefused, HoldSet
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceTransaction


def enter_with_contact(
    transaction: WorkspaceTransaction,
    content_class: type[ErasureRefused | HoldSet],
    contact: str,
    **members: Any,  # noqa: ANN401 - the members of the class
) -> Entry:
    """Append an entry that commits to the contact's id, which is personal data of the entry."""
    salt, part = secrets.token_bytes(SALT_SIZE), encode_canonical({"contact": contact})
    commitment = compute_commitment(salt, part)
    content = transaction.content(content_class, commitment=commitment, **members)
    personal = PersonalData(contact, salt, part)
    return transaction.tx.append(transaction.workspace, content.to_leaf(), personal)


def read_personal(snapshot: Snapshot, log: str, index: int) -> PersonalData | None:
    """Return the personal data of an entry; None if it was erased, also after the snapshot."""
    try:
        return snapshot.personal(log, index)
    except PersonalDataErasedError:
        return None


def personal_view(personal: PersonalData | None) -> dict[str, Any] | None:
    """Return the salt and the personal part, which open the commitment; null if there are none."""
    if personal is None:
        return None
    salt = base64.b64encode(personal.salt).decode()
    return {"salt": salt, "part": orjson.loads(personal.part)}
