"""Requests as the pipeline reads them: headers, query and body, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from policy_service.api.media import JSON
from policy_service.api.schemas.base import load
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint, json_pointer
from rules.formats.strict_json import parse_json
from rules.model.event import MAX_EVENT_BYTES, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from policy_service.api.media import SchemaSource
    from policy_service.api.schemas.base import BodySchema, QuerySchema, StrictSchema
    from rules.model.event import Event

MAX_DOCUMENT_BODY = 3 * 1024 * 1024
"""Bytes of a body with a document: a document has up to 1 MiB, and JSON may escape its text."""
MAX_BATCH = 16 * 1024 * 1024
MAX_BATCH_LINES = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body of a request: its schema, its examples, and the function that parses its bytes."""

    schema: SchemaSource
    examples: Mapping[str, Any]
    parse: Callable[[bytes], Any]
    media: str = JSON
    limit: int = MAX_EVENT_BYTES
    """The maximum number of bytes."""

    @property
    def is_json(self) -> bool:
        """True if the body is JSON."""
        return self.media == JSON


def json_body(
    schema: type[BodySchema], example: Mapping[str, Any], limit: int = MAX_EVENT_BYTES
) -> Body:
    """Return the body of a request that a schema checks."""
    return Body(schema, {"example": example}, partial(parse_json_body, schema()), limit=limit)


class Request(Protocol):
    """One HTTP request, as a web framework hands it over."""

    @property
    def parts(self) -> Mapping[str, Any]:
        """The values of the parts of the path."""

    @property
    def query(self) -> str:
        """The query string, without its question mark."""

    def header(self, name: str) -> str:
        """Return a header; an empty text if it was not sent."""

    def read(self, limit: int) -> bytes:
        """Return the body; at most `limit + 1` bytes of a longer body."""

    def identify(self, key_id: str) -> None:
        """Record the key of the request, for the log and for reading the rest of its body."""


def parse_query(schema: QuerySchema | None, text: str) -> Any:  # noqa: ANN401 - the schema's value
    """Return the parameters of a query, or None if the row has no parameters.

    Raises ProblemError `invalid_request` if a parameter is unknown, is given twice or is refused.
    """
    given = parse_qsl(text, keep_blank_values=True) if text else []
    known = schema.names if schema else ()
    names = [name for name, _ in given]
    complaints = [
        Complaint(json_pointer(name), *_wrong(name, known))
        for name in dict.fromkeys(names)
        if name not in known or names.count(name) > 1
    ]
    if complaints:
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The query was refused", complaints)
    return load(schema, dict(given), "The query was refused") if schema else None


def _wrong(name: str, known: Collection[str]) -> tuple[str, str]:
    """Return the code and the message for a parameter that is unknown or was given twice."""
    if name in known:
        return "duplicate_parameter", "Give this parameter once"
    return "unknown_parameter", f"The parameters are {', '.join(known) or 'none'}"


def parse_body(request: Request, body: Body) -> Any:  # noqa: ANN401 - the value of the row's body
    """Return the body as the row parses it; raise ProblemError `too_large` if it is too long.

    A body that is not JSON must name its media type.
    """
    if not body.is_json and _media_type(request) != body.media:
        message = f"Send one event a line, with `Content-Type: {body.media}`"
        complaint = Complaint("", "wrong_media_type", message)
        raise ProblemError(ProblemCode.INVALID_REQUEST, message, [complaint])
    sent = request.read(body.limit)
    if len(sent) > body.limit:
        raise ProblemError(ProblemCode.TOO_LARGE, f"A body has at most {body.limit} bytes here")
    return body.parse(sent)


def _media_type(request: Request) -> str:
    return request.header("Content-Type").partition(";")[0].strip().lower()


def parse_event_body(sent: bytes) -> Event:
    """Return the event of a body, in which null means absent; raise InvalidEventError."""
    return parse_event(parse_json(sent, null_is_absent=True))


def parse_batch_body(sent: bytes) -> list[bytes]:
    """Return the lines that are not blank; raise ProblemError `too_large` if there are too many."""
    lines = list(islice((line for line in BytesIO(sent) if line.strip()), MAX_BATCH_LINES + 1))
    if len(lines) > MAX_BATCH_LINES:
        raise ProblemError(ProblemCode.TOO_LARGE, f"A batch has at most {MAX_BATCH_LINES} lines")
    return lines


def parse_json_body(schema: StrictSchema, sent: bytes) -> Any:  # noqa: ANN401 - the schema's value
    """Return a JSON body as the schema makes it; no body is an empty object."""
    return load(schema, parse_json(sent or b"{}"), "The body was refused")
