"""What comes in: bodies and query parameters, read strictly and within bounds."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from flask import g, request
from pydantic import Field, ValidationError

from policy_service.api.route import NDJSON, Parameter
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint, json_pointer
from rules.formats.strict_json import MAX_SAFE_INTEGER, parse_json
from rules.formats.timestamps import parse_timestamp
from rules.model.event import MAX_EVENT_BYTES, complaint_from_error

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pydantic import TypeAdapter

T = TypeVar("T")


LARGEST_DOCUMENT_BODY = 3 * 1024 * 1024
"""A document may be 1 MiB, and JSON may write a text of it at more than its length."""

LARGEST_BATCH = 16 * 1024 * 1024
MOST_LINES = 5_000

MOST_DISCARDED = 4 * LARGEST_BATCH
_AT_ONCE = 64 * 1024

MOST_ITEMS = 500
ITEMS = 100

Number = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
PAGE = {
    "after": Parameter(Number, "Go on behind this one: the `next` of the page before.", 4),
    "limit": Parameter(
        Annotated[int, Field(ge=1, le=MOST_ITEMS, json_schema_extra={"default": ITEMS})],
        "How many at most.",
        ITEMS,
    ),
}
"""The parameters of every list."""


def body(largest: int = MAX_EVENT_BYTES) -> bytes:
    """The body; 413 where it is larger than `largest` bytes."""
    request.max_content_length = largest + 1  # a body in chunks is cut off there, without a word
    read = request.get_data(cache=False)
    if len(read) > largest:
        raise ProblemError(ProblemCode.TOO_LARGE, f"A body has at most {largest} bytes here")
    return read


def discard_rest() -> None:
    """Read what is left of a body that was refused, up to `MOST_DISCARDED` bytes of it.

    Whoever is still sending when the connection closes may never see the answer. One that waits to
    be asked for its body is not asked; nor is one without a key, who could keep a thread for long.
    """
    sent = request.environ
    if "key_id" not in g or "HTTP_EXPECT" in sent or not sent.get("wsgi.input_terminated"):
        return
    with suppress(OSError):
        for _ in range(MOST_DISCARDED // _AT_ONCE):
            if not sent["wsgi.input"].read(_AT_ONCE):
                break


def event_json() -> Any:  # noqa: ANN401 - any JSON value
    """The body as I-JSON, in which null means absent."""
    return parse_json(body(), null_is_absent=True)


def ndjson() -> list[bytes]:
    """The lines of a body of NDJSON, without the blank ones; 413 where they are too many."""
    if request.mimetype != NDJSON:
        message = f"Send one event a line, with `Content-Type: {NDJSON}`"
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, message, [Complaint("", "wrong_media_type", message)]
        )
    whole = body(LARGEST_BATCH)
    lines = list(islice((line for line in BytesIO(whole) if line.strip()), MOST_LINES + 1))
    if len(lines) > MOST_LINES:
        raise ProblemError(ProblemCode.TOO_LARGE, f"A batch has at most {MOST_LINES} lines")
    return lines


def json_as(adapter: TypeAdapter[T], largest: int = MAX_EVENT_BYTES) -> T:
    """The body as what the adapter describes; no body is an empty object."""
    value = parse_json(body(largest) or b"{}")
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        complaints = [complaint_from_error(dict(each)) for each in error.errors()]
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, "The body was refused", complaints
        ) from None


def query(*names: str) -> dict[str, str]:
    """The query parameters that are given; each of these names at most once, and no other."""
    complaints = [
        Complaint(json_pointer(name), *_unacceptable(name, names))
        for name in request.args
        if name not in names or len(request.args.getlist(name)) > 1
    ]
    if complaints:
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The query was refused", complaints)
    return request.args.to_dict()


def _unacceptable(name: str, names: Collection[str]) -> tuple[str, str]:
    if name in names:
        return "duplicate_parameter", "Give this parameter once"
    return "unknown_parameter", f"The parameters are {', '.join(names) or 'none'}"


def whole_number(name: str, text: str, most: int, least: int = 0) -> int:
    """A parameter as a number from `least` to `most`."""
    digits = text.isascii() and text.isdigit() and len(text) < 20  # noqa: PLR2004 - longer ones are not converted
    if not (digits and least <= int(text) <= most):
        raise _refused(name, "not_allowed", f"Give a whole number from {least} to {most}")
    return int(text)


def time(name: str, text: str) -> datetime:
    """A parameter as a moment; a `+` that the query made a blank is a `+`."""
    try:
        return parse_timestamp(text.replace(" ", "+"))
    except ValueError as error:
        raise _refused(name, "invalid_time", f"Give an RFC 3339 time: {error}") from None


def page(given: dict[str, str], most_after: int) -> tuple[int | None, int]:
    """`after` and `limit`: where to go on, and how many at most."""
    after = given.get("after")
    limit = whole_number("limit", given.get("limit", str(ITEMS)), MOST_ITEMS, least=1)
    return None if after is None else whole_number("after", after, most_after), limit


def _refused(name: str, code: str, message: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_REQUEST,
        "The query was refused",
        [Complaint(json_pointer(name), code, message)],
    )
