"""Answers of views, and responses as bytes; nothing here knows the web framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policy_service.api.route import Content

_NO_HEADERS: Mapping[str, str] = {}


class Reply(NamedTuple):
    """The answer of a view: a JSON value, or the text of another media type, and headers."""

    value: Any
    headers: Mapping[str, str] = _NO_HEADERS


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
    return Response(content.status, content.content_type, body, reply.headers)
