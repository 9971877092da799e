"""What an event is, and what is wrong with one.

`null` means absent: nulls are gone before anything looks. An event stays the mapping that came, so
that its canonical JSON is what the sender meant; these types say what is in it.
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
"""Bytes of the body, or the line, that an event comes in."""

MAX_EVENT_YEAR = 9997
"""Of an event, so that a deadline after it can still be written."""


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
        raise PydanticCustomError("reserved_workspace", "`system` is not a workspace")
    return workspace


_PRINTABLE = Field(json_schema_extra={"format": "printable"})
"""No pattern can say it: it is what Unicode assigns, but for controls and separators."""
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
"""What `check_not_system` refuses, as JSON Schema says it."""
WorkspaceId = Annotated[
    str,
    StringConstraints(pattern=WORKSPACE_PATTERN),
    AfterValidator(check_not_system),
    Field(json_schema_extra=NOT_SYSTEM_SCHEMA),
]


class EventWorkspace(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    id: WorkspaceId
    plan: ShortText
    """The plan at that moment: a fact, recorded with the decision."""


class EventConversation(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: LongId
    direction: NotRequired[Literal["inbound", "outbound"]]
    """Who began; where it is absent nothing is routed."""
    channel: NotRequired[ShortText]
    """`messenger` where it is absent."""
    assigned: NotRequired[bool]
    """Whether a teammate is on it; false where it is absent."""


class EventContact(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: ShortText
    kind: Literal["visitor", "lead", "user"]
    """What the platform takes the person for."""
    email: NotRequired[str]
    """With an e-mail or a phone the contact is reachable."""
    phone: NotRequired[str]
    name: NotRequired[str]
    identity: NotRequired[Literal["none", "claimed", "verified"]]
    """How sure it is who this is; `none` where it is absent."""
    language: NotRequired[str]
    """A BCP 47 tag, for messages that have none."""


class EventMessage(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: NotRequired[str]
    language: NotRequired[str]
    """Its BCP 47 tag."""


class EventAnswer(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    choice: Literal["customer", "not_customer"]
    """The button that was pressed."""


class EventQuestion(TypedDict):
    """The action that asked; without an id, the one whose question is open."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
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
"""What `_find_contradictions` refuses, as JSON Schema says it."""


class Event(TypedDict):
    """Something that happened in a conversation, as the platform tells it."""

    __pydantic_config__ = ConfigDict(**_STRICT, json_schema_extra=_AS_SCHEMA)  # type: ignore[misc]
    id: EventId
    """With the workspace the idempotency key: sent again, the event gets the same decision."""
    type: Literal[
        "conversation.started",
        "contact.replied",
        "contact.identified",
        "qualification.completed",
        "teammate.joined",
        "conversation.closed",
        "question.expired",
    ]
    """What happened."""
    occurred_at: Annotated[Timestamp, AfterValidator(_check_year)]
    """The only clock that a rule ever sees."""
    workspace: EventWorkspace
    conversation: EventConversation
    contact: EventContact
    message: NotRequired[EventMessage]
    """`contact.replied` needs it, or `answer`; its text may be empty."""
    answer: NotRequired[EventAnswer]
    question: NotRequired[EventQuestion]
    """With `question.expired` alone: the action that asked; absent means the open one."""
    attributes: NotRequired[dict[str, Any]]
    """What the platform knows beside this; personal unless the document declares it."""


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
"""Our codes by pydantic's types of error; any other but our own is a wrong type."""
_OWN_CODES = frozenset({"not_printable", "invalid_time", "reserved_workspace"})


def parse_event(value: object) -> Event:
    """The value as an event; raises InvalidEventError with every complaint."""
    try:
        EVENT_ADAPTER.validate_python(value)
    except ValidationError as error:
        raise InvalidEventError([complaint_from_error(dict(e)) for e in error.errors()]) from None
    event = cast("Event", value)
    if complaints := list(_find_contradictions(event)):
        raise InvalidEventError(complaints)
    return event


def complaint_from_error(error: Mapping[str, Any]) -> Complaint:
    """One of pydantic's errors in our words."""
    kind = error["type"]
    code = kind if kind in _OWN_CODES else _CODE_BY_ERROR_TYPE.get(kind, "wrong_type")
    return Complaint(json_pointer(*error["loc"]), code, error["msg"])


def _find_contradictions(event: Event) -> Iterator[Complaint]:
    kind = event["type"]
    if kind == "contact.replied" and "message" not in event and "answer" not in event:
        yield Complaint("/message", "missing_field", "A reply needs a message or an answer")
    if kind != "question.expired" and "question" in event:
        yield Complaint("/question", "not_allowed", "Only question.expired names a question")
