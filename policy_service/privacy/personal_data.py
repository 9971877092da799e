"""What stands beside an entry: how it is made for one that names a contact, how auditors see it."""

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
    from audit.stores.contract import Snapshot, Transaction


def append_with_contact(tx: Transaction, log: str, leaf: dict[str, Any], contact: str) -> Entry:
    """Append a leaf that commits to the contact's id, which stands beside it and may be erased."""
    salt, part = secrets.token_bytes(SALT_SIZE), encode_canonical({"contact": contact})
    committed = {**leaf, "commitment": compute_commitment(salt, part)}
    return tx.append(log, committed, PersonalData(contact, salt, part))


def read_personal(snapshot: Snapshot, log: str, index: int) -> PersonalData | None:
    """What stands beside the entry; None where it was erased, also after the snapshot was taken."""
    try:
        return snapshot.personal(log, index)
    except PersonalDataErasedError:
        return None


def personal_view(personal: PersonalData | None) -> dict[str, Any] | None:
    """Salt and personal part, so that the commitment can be opened; null where there is none."""
    if personal is None:
        return None
    salt = base64.b64encode(personal.salt).decode()
    return {"salt": salt, "part": orjson.loads(personal.part)}
