"""Dry runs: what would be decided, and why; nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from policy_service.api.requests import LARGEST_DOCUMENT_BODY, Number, body, query
from policy_service.api.resources.decisions import admit
from policy_service.api.resources.versions import Written, document_from
from policy_service.api.responses import answer
from policy_service.decisions.dry_run import DryRunRequest, decide_dry_run
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint, InvalidEventError
from rules.formats.strict_json import parse_json, remove_nulls
from rules.model.event import MAX_EVENT_BYTES, Event, complaint_from_error, parse_event
from rules.model.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from policy_service.access.keys import Key
    from policy_service.services import Services


_Stage = Annotated[Stage, Field(strict=False)]


_ONE_OF_THEM: dict[str, Any] = {
    "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("version", "document")]
}
"""That a version and a document are not given together, as JSON Schema says it."""


class Asked(TypedDict):
    """An event, and what to suppose instead of what the ledger says."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra=_ONE_OF_THEM,
    )
    event: Event
    stage: NotRequired[_Stage | None]
    """How far the conversation has come; else as it is recorded."""
    asks: NotRequired[Number | None]
    """How many earlier decisions asked; else as it is recorded."""
    version: NotRequired[Number | None]
    """The version that decides; else the one that would decide now."""
    document: NotRequired[Written | None]
    """A document that decides; not together with a version."""


ASKED = TypeAdapter(Asked)
EVENT = "/event"


def dry_run(service: Services, caller: Key) -> Response:
    """What would be decided on an event now, or under what is supposed; nothing is written.

    Without `version` and `document` the version decides that would decide: the conversation's own,
    else the active one. The event is tried as a new one, also where its id was decided before.
    """
    query()
    trial = _trial(_asked(), caller)
    with service.store.read() as snapshot:
        return answer(decide_dry_run(trial, service.policies, snapshot))


def _asked() -> Asked:
    """The body; in the event alone, null means absent."""
    value = parse_json(body(LARGEST_DOCUMENT_BODY))
    if isinstance(value, dict) and "event" in value:
        value["event"] = remove_nulls(value["event"])
        if len(orjson.dumps(value["event"])) > MAX_EVENT_BYTES:
            raise ProblemError(
                ProblemCode.TOO_LARGE, f"An event has at most {MAX_EVENT_BYTES} bytes"
            )
    try:
        asked = ASKED.validate_python(value)
    except ValidationError as error:
        raise _refused([complaint_from_error(dict(each)) for each in error.errors()]) from None
    if None not in (asked.get("version"), asked.get("document")):
        raise _refused([Complaint("/document", "not_allowed", "Give a version or a document")])
    return asked


def _trial(asked: Asked, caller: Key) -> DryRunRequest:
    try:
        event = parse_event(asked["event"])
    except InvalidEventError as error:
        complaints = [replace(c, pointer=f"{EVENT}{c.pointer}") for c in error.complaints]
        raise _refused(complaints) from None
    admit(caller, event)
    stage = asked.get("stage")
    written: Any = asked.get("document")
    return DryRunRequest(
        event,
        stage=stage.value if stage else None,
        asks=asked.get("asks"),
        version=asked.get("version"),
        document=None if written is None else document_from(written),
    )


def _refused(complaints: Sequence[Complaint]) -> ProblemError:
    """Of the event where nothing else is wrong."""
    of_event = all(f"{each.pointer}/".startswith(f"{EVENT}/") for each in complaints)
    code = ProblemCode.INVALID_EVENT if of_event else ProblemCode.INVALID_REQUEST
    return ProblemError(code, "The dry run was refused", complaints)
