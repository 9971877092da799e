"""Erasures of contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import LEAF_HASH
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema
from policy_service.api.schemas.common import LedgerPositionSchema
from policy_service.privacy import erasures as use_cases
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services


@dataclass(frozen=True, slots=True)
class NewErasure:
    """A request to erase a contact."""

    contact: str
    reason: str


class NewErasureSchema(BodySchema):
    """The contact to erase from the workspace, and the reason."""

    value = NewErasure
    contact = fields.word()
    reason = fields.reason()


class ErasureSchema(AnswerSchema):
    """The record of an erasure; it does not name the contact."""

    entries = fields.items(
        fields.number(), "The entries whose personal data were destroyed; may be empty."
    )
    reason = fields.text()
    by = fields.text("The id of a key; `system` for the command line.")
    at = fields.time()
    ledger = fields.nested(LedgerPositionSchema, "The entry that records the erasure.")


_NEW_ERASURE: dict[str, Any] = {
    "contact": "ct-1",
    "reason": "Asked for by the person, ticket 4711",
}
_ERASURE: dict[str, Any] = {
    "entries": [2, 4, 7],
    "reason": _NEW_ERASURE["reason"],
    "by": "key-3c28b8f6b7fe",
    "at": "2026-11-30T09:00:00.000Z",
    "ledger": {"log": "acme", "index": 9, "leaf_hash": LEAF_HASH},
}


def erase_contact(services: Services, caller: Key, *, workspace: str, body: NewErasure) -> Reply:
    """Erase a contact.

    Its personal data in the workspace are destroyed, and every decision stays. An entry records the
    erasure, also if the ledger held no data of the contact. Under a hold nothing is erased, and an
    entry records the refusal.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.erase_contact(ledger, body.contact, body.reason))


ROUTES = (
    Route(
        "POST",
        f"{WORKSPACE}/erasures",
        erase_contact,
        Permission.ERASE_CONTACTS,
        Content(ErasureSchema, _ERASURE, status=201),
        body=json_body(NewErasureSchema, _NEW_ERASURE),
        problems=(ProblemCode.UNDER_HOLD,),
    ),
)
