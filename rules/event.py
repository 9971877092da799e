"""What an event is, and what is wrong with one.

`null` means absent: nulls are gone before anything looks. An event stays the mapping that came, so
that its canonical JSON is what the sender meant; these types say what is in it.
"""

from __future__ import annotations

import re
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

from rules.errors import Complaint, EventRefused, pointer
from rules.time import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STRICT = ConfigDict(extra="forbid", strict=True)

SYSTEM = "system"
"""The log that is no workspace's."""

LARGEST_EVENT = 64 * 1024
"""Bytes of the body, or the line, that an event comes in."""

WORKSPACE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "Use printable characters only")
    return text


def _a_time(text: str) -> str:
    try:
        moment(text)
    except ValueError as error:
        message = "Write an RFC 3339 time with an offset, such as 2026-11-22T10:00:00Z"
        raise PydanticCustomError("invalid_time", message) from error
    return text


def _no_system(workspace: str) -> str:
    if workspace == SYSTEM:
        raise PydanticCustomError("reserved_workspace", "`system` is not a workspace")
    return workspace


EventId = Annotated[
    str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable)
]
LongId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
WorkspaceId = Annotated[
    str, StringConstraints(pattern=WORKSPACE_PATTERN), AfterValidator(_no_system)
]


class EventWorkspace(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    id: WorkspaceId
    plan: Word


class EventConversation(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: LongId
    direction: NotRequired[Literal["inbound", "outbound"]]
    channel: NotRequired[Word]
    assigned: NotRequired[bool]


class EventContact(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: Word
    kind: Literal["visitor", "lead", "user"]
    email: NotRequired[str]
    phone: NotRequired[str]
    name: NotRequired[str]
    identity: NotRequired[Literal["none", "claimed", "verified"]]
    language: NotRequired[str]


class EventMessage(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: NotRequired[str]
    language: NotRequired[str]


class EventAnswer(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    choice: Literal["customer", "not_customer"]


class EventQuestion(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: LongId


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
"""What `_contradictions` refuses, as JSON Schema says it."""


class Event(TypedDict):
    """Something that happened in a conversation, as the platform tells it."""

    __pydantic_config__ = ConfigDict(**_STRICT, json_schema_extra=_AS_SCHEMA)  # type: ignore[misc]
    id: EventId
    type: Literal[
        "conversation.started",
        "contact.replied",
        "contact.identified",
        "qualification.completed",
        "teammate.joined",
        "conversation.closed",
        "question.expired",
    ]
    occurred_at: Annotated[
        str, AfterValidator(_a_time), Field(json_schema_extra={"format": "date-time"})
    ]
    workspace: EventWorkspace
    conversation: EventConversation
    contact: EventContact
    message: NotRequired[EventMessage]
    answer: NotRequired[EventAnswer]
    question: NotRequired[EventQuestion]
    attributes: NotRequired[dict[str, Any]]


ADAPTER = TypeAdapter(Event)

_CODES = {
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
_OURS = frozenset({"not_printable", "invalid_time", "reserved_workspace"})


def is_workspace(text: str) -> bool:
    """Whether this may be a workspace's id."""
    return text != SYSTEM and re.fullmatch(WORKSPACE_PATTERN, text) is not None


def checked_event(value: object) -> Event:
    """The value as an event; raises EventRefused with every complaint."""
    try:
        ADAPTER.validate_python(value)
    except ValidationError as error:
        raise EventRefused([complaint_of(dict(e)) for e in error.errors()]) from None
    event = cast("Event", value)
    if complaints := list(_contradictions(event)):
        raise EventRefused(complaints)
    return event


def complaint_of(error: Mapping[str, Any]) -> Complaint:
    """One of pydantic's errors in our words."""
    kind = error["type"]
    code = kind if kind in _OURS else _CODES.get(kind, "wrong_type")
    return Complaint(pointer(*error["loc"]), code, error["msg"])


def _contradictions(event: Event) -> Iterator[Complaint]:
    kind = event["type"]
    if kind == "contact.replied" and "message" not in event and "answer" not in event:
        yield Complaint("/message", "missing_field", "A reply needs a message or an answer")
    if kind != "question.expired" and "question" in event:
        yield Complaint("/question", "not_allowed", "Only question.expired names a question")
