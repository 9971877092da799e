"""Dry runs: the decision that would be made, and its explanation; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import EVENT, EXPLANATION, NOT_ENTITLED
from policy_service.api.requests import MAX_DOCUMENT_BODY, Body
from policy_service.api.resources.decisions import require_reach
from policy_service.api.responses import Content, Reply
from policy_service.api.route import Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import BodySchema, load
from policy_service.api.schemas.explanations import DryRunSchema
from policy_service.decisions.dry_run import DryRunRequest, decide_dry_run
from policy_service.policies.proposals import document_from
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.formats.strict_json import MAX_SAFE_INTEGER, parse_json, remove_nulls
from rules.model.event import MAX_EVENT_BYTES
from rules.model.vocabulary import Stage

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services
    from rules.model.event import Event

EVENT_POINTER = "/event"


@dataclass(frozen=True, slots=True)
class DryRunBody:
    """An event, and assumptions in place of what the ledger says."""

    event: Event
    stage: Stage | None = None
    asks: int | None = None
    version: int | None = None
    document: dict[str, Any] | str | None = None


class DryRunRequestSchema(BodySchema):
    """An event, and assumptions in place of what the ledger says."""

    json_schema: ClassVar = {
        "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("version", "document")]
    }

    value = DryRunBody
    event = fields.event()
    stage = fields.choice(
        Stage,
        "The stage of the conversation; the recorded stage if absent.",
        optional=True,
        nullable=True,
    )
    asks = fields.number(
        "The number of earlier decisions that asked; the recorded number if absent.",
        least=0,
        most=MAX_SAFE_INTEGER,
        optional=True,
        nullable=True,
    )
    version = fields.number(
        "The version that decides; the version that would decide now if absent.",
        least=0,
        most=MAX_SAFE_INTEGER,
        optional=True,
        nullable=True,
    )
    document = fields.received_document(
        "A document that decides, as JSON or as YAML in a text; not together with a version.",
        optional=True,
        nullable=True,
    )


_SCHEMA = DryRunRequestSchema()
_DECISION: dict[str, Any] = {**NOT_ENTITLED, "decided_at": None, "ledger": None}
_DRY_RUN: dict[str, Any] = {
    "decision": _DECISION,
    "explanation": {**EXPLANATION, "decision": _DECISION},
}


def dry_run(services: Services, caller: Key, *, body: DryRunBody) -> Reply:
    """Try an event without deciding it.

    The answer has the decision that would be made, and its explanation. Without `version` and
    `document`, the version of the conversation decides, or the active one. The event counts as a
    new event, even if its id was decided before. Nothing is written.
    """
    require_reach(caller, body.event)
    request = DryRunRequest(
        body.event,
        stage=body.stage.value if body.stage else None,
        asks=body.asks,
        version=body.version,
        document=None if body.document is None else document_from(body.document),
    )
    with services.store.read() as snapshot:
        return Reply(decide_dry_run(request, services.policies, snapshot))


def parse_dry_run(sent: bytes) -> DryRunBody:
    """Return the request; raise ProblemError `invalid_event` if only the event is wrong."""
    value = parse_json(sent or b"{}")
    event = remove_nulls(value.get("event")) if isinstance(value, dict) else None
    if len(orjson.dumps(event)) > MAX_EVENT_BYTES:
        raise ProblemError(ProblemCode.TOO_LARGE, f"An event has at most {MAX_EVENT_BYTES} bytes")
    try:
        body: DryRunBody = load(_SCHEMA, value, "The body was refused")
    except ProblemError as problem:
        raise _of_event(problem) from None
    if None not in (body.version, body.document):
        complaint = Complaint("/document", "not_allowed", "Send a version or a document, not both")
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The dry run was refused", [complaint])
    return body


def _of_event(problem: ProblemError) -> ProblemError:
    """Return the problem as `invalid_event` if every complaint is about the event."""
    about_event = problem.complaints and all(
        f"{each.pointer}/".startswith(f"{EVENT_POINTER}/") for each in problem.complaints
    )
    code = ProblemCode.INVALID_EVENT if about_event else problem.code
    return ProblemError(code, problem.detail, problem.complaints)


ROUTES = (
    Route(
        "POST",
        "/v1/decisions/dry-run",
        dry_run,
        Permission.TRY_EVENTS,
        Content(DryRunSchema, _DRY_RUN),
        body=Body(
            DryRunRequestSchema,
            {"example": {"event": EVENT, "stage": "new", "asks": 0, "version": 1}},
            parse_dry_run,
            limit=MAX_DOCUMENT_BODY,
        ),
        problems=(
            ProblemCode.NOT_FOUND,
            ProblemCode.INVALID_EVENT,
            ProblemCode.INVALID_DOCUMENT,
        ),
    ),
)
