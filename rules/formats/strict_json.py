"""I-JSON (RFC 7493) from bytes. Text that two readers could understand differently is refused.

The reader refuses duplicate keys, lone surrogates, bad UTF-8, NaN and the infinities, numbers
beyond a double, integers beyond 2^53 - 1, and nesting deeper than 64 levels.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from rules.errors import Complaint
from rules.formats.canonical_json import contains_float
from rules.formats.utf8 import TextEncodingError, decode_text, remove_byte_order_mark

MAX_DEPTH = 64
MAX_SAFE_INTEGER = 2**53 - 1
_WHITE_SPACE = b" \t\r\n"
_MAX_INTEGER_LENGTH = len(str(-MAX_SAFE_INTEGER))


class StrictJsonError(ValueError):
    """A text that is not I-JSON. The complaint quotes nothing from the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.complaint = Complaint("", code, message)


def parse_json(body: bytes, *, null_is_absent: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text; leave out null members if `null_is_absent`.

    A whole number up to 2^53 - 1 becomes an integer in every notation. Raises StrictJsonError.
    """
    value = _parse_plain(remove_byte_order_mark(body))
    if value is not None:
        return remove_nulls(value) if null_is_absent and b"null" in body else value
    decoder = _NULL_DROPPING_DECODER if null_is_absent else _NULL_KEEPING_DECODER
    try:
        value = decoder.decode(decode_text(body))
    except StrictJsonError:
        raise
    except TextEncodingError as error:
        raise StrictJsonError("not_utf_8", error.complaint.message) from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise StrictJsonError(
            "not_json", f"The body is not JSON: {error.msg} at {position}"
        ) from None
    except RecursionError:
        raise _depth_error() from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and not _is_within_depth(value, MAX_DEPTH):
        raise _depth_error()
    if b"\\u" in body:
        _check_surrogates(value)
    return value


def _parse_plain(body: bytes) -> Any:  # noqa: ANN401 - any JSON value, or None if it is not plain
    """Return the value if the fast encoder writes it back as the same bytes, else None.

    1. Equal bytes prove that no key came twice, no text held half a surrogate, and no integer is
       too large: as many members were read as were written.
    2. A space after a comma or colon, as many encoders write, is removed before the comparison.
    3. Values with fractions, and values that may be nested too deep, go to the strict decoder.
    """
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        return None
    try:
        value = orjson.loads(body)
        encoded = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONDecodeError, TypeError):
        return None
    body = body.strip(_WHITE_SPACE)
    is_unchanged = encoded == body or encoded == body.replace(b'": ', b'":').replace(b", ", b",")
    return (
        value
        if is_unchanged and isinstance(value, dict | list) and not contains_float(value)
        else None
    )


def remove_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value without its members that are null."""
    if isinstance(value, dict):
        return {key: remove_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [remove_nulls(member) for member in value]
    return value


def _depth_error() -> StrictJsonError:
    return StrictJsonError("too_deep", f"The body is nested deeper than {MAX_DEPTH} levels")


def _is_within_depth(value: object, levels: int) -> bool:
    members = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return True
    return levels > 0 and all(_is_within_depth(member, levels - 1) for member in members)  # type: ignore[attr-defined]  # the value is a dict or a list here


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StrictJsonError("lone_surrogate", "A text contains half a surrogate pair") from None


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("duplicate_key", "An object has the same key twice")
    return members


def _build_object_without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = _build_object(pairs)
    if None in members.values():
        return {key: member for key, member in members.items() if member is not None}
    return members


def _parse_integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_LENGTH or abs(int(digits)) > MAX_SAFE_INTEGER:
        raise StrictJsonError("number_out_of_range", "An integer is beyond 2^53 - 1")
    return int(digits)


def _parse_number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise StrictJsonError("number_out_of_range", "A number is beyond the range of a double")
    exact = number.is_integer() and abs(number) <= MAX_SAFE_INTEGER
    return int(number) if exact else number


def _refuse_constant(name: str) -> None:
    raise StrictJsonError("not_json", f"The body is not JSON: {name} is not a number")


_NULL_KEEPING_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=_parse_integer,
    parse_float=_parse_number,
    parse_constant=_refuse_constant,
)
_NULL_DROPPING_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object_without_nulls,
    parse_int=_parse_integer,
    parse_float=_parse_number,
    parse_constant=_refuse_constant,
)
