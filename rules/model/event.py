"""Events: their shape, and the complaints about a wrong one.

`null` means absent: nulls are removed before any other step. An event stays the mapping that was
sent, so that its canonical JSON is the sender's. The types describe its members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, cast

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from rules.errors import Complaint, InvalidEventError, json_pointer
from rules.formats.timestamps import parse_timestamp
from rules.model.workspace import SYSTEM_LOG, WORKSPACE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

MAX_EVENT_BYTES = 64 * 1024
"""Maximum size of an event's body or line, in bytes."""

MAX_EVENT_YEAR = 9997
"""Latest year of an event, so that a deadline after it can still be written."""


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "Use printable characters only")
    return text


def _check_timestamp(text: str) -> str:
    try:
        parse_timestamp(text)
    except ValueError as error:
        message = "Write an RFC 3339 time with an offset, such as 2026-11-22T10:00:00Z"
        raise PydanticCustomError("invalid_time", message) from error
    return text


def _check_year(text: str) -> str:
    if parse_timestamp(text).year > MAX_EVENT_YEAR:
        message = f"Write a time in the years 1 to {MAX_EVENT_YEAR}"
        raise PydanticCustomError("invalid_time", message)
    return text


def check_not_system(workspace: str) -> str:
    """Return the workspace; raise PydanticCustomError if it is the log `system`."""
    if workspace == SYSTEM_LOG:
        raise PydanticCustomError(
            "reserved_workspace", "`system` is reserved: use a different workspace"
        )
    return workspace


_PRINTABLE = Field(json_schema_extra={"format": "printable"})
"""The characters of ids: those that Unicode assigns, without controls and separators.
No pattern can express it.
"""
EventId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    AfterValidator(_check_printable),
    _PRINTABLE,
]
LongId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_check_printable),
    _PRINTABLE,
]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Timestamp = Annotated[
    str, AfterValidator(_check_timestamp), Field(json_schema_extra={"format": "date-time"})
]
"""An RFC 3339 time with an offset."""
NOT_SYSTEM_SCHEMA = {"not": {"const": SYSTEM_LOG}}
"""The JSON Schema of the check in `check_not_system`."""
WorkspaceId = Annotated[
    str,
    StringConstraints(pattern=WORKSPACE_PATTERN),
    AfterValidator(check_not_system),
    Field(json_schema_extra=NOT_SYSTEM_SCHEMA),
]


@with_config(_STRICT)
class EventWorkspace(TypedDict):
    """The workspace of an event."""

    id: WorkspaceId
    plan: ShortText
    """The plan at that time: a fact, recorded with the decision."""


@with_config(_STRICT)
class EventConversation(TypedDict):
    """The conversation of an event."""

    id: LongId
    direction: NotRequired[Literal["inbound", "outbound"]]
    """The side that began. If it is absent, routing does not start."""
    channel: NotRequired[ShortText]
    """The default is `messenger`."""
    assigned: NotRequired[bool]
    """True if a teammate is assigned. The default is false."""


@with_config(_STRICT)
class EventContact(TypedDict):
    """The contact of an event."""

    id: ShortText
    kind: Literal["visitor", "lead", "user"]
    """The platform's classification of the person."""
    email: NotRequired[str]
    """The contact is reachable by an e-mail address that HTML's `<input type=email>` accepts."""
    phone: NotRequired[str]
    """The contact is reachable by a phone number with at least 5 digits."""
    name: NotRequired[str]
    identity: NotRequired[Literal["none", "claimed", "verified"]]
    """The certainty about the person's identity. The default is `none`."""
    language: NotRequired[str]
    """A BCP 47 tag, for messages without a tag."""


@with_config(_STRICT)
class EventMessage(TypedDict):
    """The message of an event."""

    text: NotRequired[str]
    language: NotRequired[str]
    """The BCP 47 tag of the text."""


@with_config(_STRICT)
class EventAnswer(TypedDict):
    """The contact's answer to a question."""

    choice: Literal["customer", "not_customer"]
    """The button that the contact pressed."""


@with_config(_STRICT)
class EventQuestion(TypedDict):
    """The action that asked; without an id, the open question."""

    id: NotRequired[LongId]


_AS_SCHEMA: dict[str, Any] = {
    "allOf": [
        {
            "if": {"properties": {"type": {"const": "contact.replied"}}},
            "then": {
                "anyOf": [
                    {"required": [name], "properties": {name: {"type": "object"}}}
                    for name in ("message", "answer")
                ]
            },
        },
        {
            "if": {"not": {"properties": {"type": {"const": "question.expired"}}}},
            "then": {"properties": {"question": {"type": "null"}}},
        },
    ]
}
"""The JSON Schema of the check in `_find_contradictions`."""


@with_config(ConfigDict(**_STRICT, json_schema_extra=_AS_SCHEMA))
class Event(TypedDict):
    """Something that happened in a conversation, as the platform reports it."""

    id: EventId
    """The idempotency key, together with the workspace.
    Sent again, the event gets the same decision.
    """
    type: Literal[
        "conversation.started",
        "contact.replied",
        "contact.identified",
        "qualification.completed",
        "teammate.joined",
        "conversation.closed",
        "question.expired",
    ]
    """The kind of event."""
    occurred_at: Annotated[Timestamp, AfterValidator(_check_year)]
    """The time of the event, the only clock that rules see."""
    workspace: EventWorkspace
    conversation: EventConversation
    contact: EventContact
    message: NotRequired[EventMessage]
    """Required in `contact.replied` if there is no `answer`; its text may be empty."""
    answer: NotRequired[EventAnswer]
    question: NotRequired[EventQuestion]
    """Only with `question.expired`. If it is absent, the open question is meant."""
    attributes: NotRequired[dict[str, Any]]
    """Further data about the contact. It is personal unless the document declares it."""


EVENT_ADAPTER = TypeAdapter(Event)

_CODE_BY_ERROR_TYPE = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "greater_than_equal": "not_allowed",
    "less_than_equal": "not_allowed",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "not_allowed",
}
"""Our codes by pydantic's types of error. All other types are a wrong type."""
_OWN_CODES = frozenset({"not_printable", "invalid_time", "reserved_workspace"})


def parse_event(value: object) -> Event:
    """Return the value as an event; raise InvalidEventError with every complaint."""
    try:
        EVENT_ADAPTER.validate_python(value)
    except ValidationError as error:
        raise InvalidEventError([complaint_from_error(dict(e)) for e in error.errors()]) from None
    event = cast("Event", value)
    if complaints := list(_find_contradictions(event)):
        raise InvalidEventError(complaints)
    return event


def complaint_from_error(error: Mapping[str, Any]) -> Complaint:
    """Return the complaint for one of pydantic's errors."""
    kind = error["type"]
    code = kind if kind in _OWN_CODES else _CODE_BY_ERROR_TYPE.get(kind, "wrong_type")
    return Complaint(json_pointer(*error["loc"]), code, error["msg"])


def _find_contradictions(event: Event) -> Iterator[Complaint]:
    kind = event["type"]
    if kind == "contact.replied" and "message" not in event and "answer" not in event:
        yield Complaint(
            "/message", "missing_field", "A contact.replied event needs a message or an answer"
        )
    if kind != "question.expired" and "question" in event:
        yield Complaint(
            "/question", "not_allowed", "Only question.expired may have a question: remove it"
        )
