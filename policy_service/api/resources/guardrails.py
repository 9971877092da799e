"""Guardrails: properties that every proposal must have, set by keys that are not authors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import STEP
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema
from policy_service.api.schemas.common import ReasonedStepSchema
from policy_service.policies import requirements as use_cases
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services

MAX_GUARDRAILS = 100


@dataclass(frozen=True, slots=True)
class NewGuardrails:
    """A request to replace the guardrails."""

    properties: list[dict[str, Any]]
    reason: str


class NewGuardrailsSchema(BodySchema):
    """The guardrails that replace the current ones, and the reason."""

    value = NewGuardrails
    properties = fields.items(
        fields.object_of(None),
        "Properties as a document has them; an empty list removes all guardrails.",
        max_items=MAX_GUARDRAILS,
    )
    reason = fields.reason()


class GuardrailsSchema(AnswerSchema):
    """The properties that a document must have to be proposed."""

    properties = fields.items(fields.object_of(None), max_items=MAX_GUARDRAILS)
    digest = fields.digest(
        "The digest of their canonical JSON; null if they were never set.", nullable=True
    )
    since = fields.nested(ReasonedStepSchema, nullable=True)


_NEW_GUARDRAILS: dict[str, Any] = {
    "properties": [
        {
            "id": "outbound-is-never-asked",
            "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
            "outcome_in": ["not_triggered", "noted"],
        }
    ],
    "reason": "Agreed with the works council",
}
_GUARDRAILS: dict[str, Any] = {
    "properties": _NEW_GUARDRAILS["properties"],
    "digest": "sha256:c72459bb6ff214ee5766f47215200b46c7dc37a2e0caa84f13ca04513544c7c8",
    "since": {**STEP, "reason": _NEW_GUARDRAILS["reason"]},
}


def get_guardrails(services: Services, caller: Key, *, workspace: str) -> Reply:
    """Get the guardrails."""
    return Reply(use_cases.get_guardrails(services.workspace_ledger(caller, workspace)))


def set_guardrails(
    services: Services, caller: Key, *, workspace: str, body: NewGuardrails
) -> Reply:
    """Replace the guardrails.

    Every later proposal must have these properties. The properties are checked against the
    vocabulary of the active version. Neither the active version nor earlier proposals need to have
    them. If they are not properties, the answer is 422 with every complaint.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.set_guardrails(ledger, body.properties, body.reason))


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/guardrails",
        get_guardrails,
        Permission.READ_POLICIES,
        Content(GuardrailsSchema, _GUARDRAILS),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/guardrails",
        set_guardrails,
        Permission.SET_GUARDRAILS,
        Content(GuardrailsSchema, _GUARDRAILS),
        body=json_body(NewGuardrailsSchema, _NEW_GUARDRAILS),
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
)
