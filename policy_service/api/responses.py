"""Answers of views, and responses as bytes; nothing here knows the web framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from policy_service.api.media import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marshmallow.fields import Field

    from policy_service.api.media import SchemaSource

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A good answer: its schema, an example, its status and its media type."""

    schema: SchemaSource
    example: Any
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, Field[Any]] = field(default_factory=dict)
    other_statuses: tuple[int, ...] = ()
    """Statuses that the same answer has in other cases."""

    @property
    def is_json(self) -> bool:
        """True if the answer is JSON."""
        return self.content_type == JSON

    @property
    def media(self) -> str:
        """The media type without its parameters."""
        return self.content_type.partition(";")[0]

    @property
    def acceptable(self) -> list[str]:
        """The media types that a client may accept to get this answer."""
        _, *parameters = self.content_type.split("; ")
        return [self.media, *(f"{self.media};{each}" for each in parameters)]


class Reply(NamedTuple):
    """The answer of a view: a JSON value, or the text of another media type, and headers."""

    value: Any
    headers: Mapping[str, str] = _NO_HEADERS
    status: int | None = None
    """One of the other statuses of the content; None for its usual status."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def page_reply(items: Sequence[Any], after: object | None) -> Reply:
    """Return a page of a list; `after` is the position of the next page, None on the last."""
    return Reply({"items": items, "next": None if after is None else str(after)})


def response(content: Content, reply: Reply) -> Response:
    """Return the reply as the content that its row declares; equal values give equal bytes."""
    value = reply.value
    if content.is_json:
        body = orjson.dumps(value)
    else:
        body = value if isinstance(value, bytes) else value.encode()
    return Response(reply.status or content.status, content.content_type, body, reply.headers)
