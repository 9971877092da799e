"""I-JSON (RFC 7493) from bytes, strictly: what two readers could understand differently is refused.

Refused are duplicate keys, lone surrogates, bad UTF-8, NaN and the infinities, numbers beyond a
double, integers beyond 2^53 - 1, and nesting deeper than 64.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from rules.errors import Complaint
from rules.formats.canonical_json import holds_float

DEEPEST = 64
LARGEST_INTEGER = 2**53 - 1
_WHITE_SPACE = b" \t\r\n"
_LONGEST_INTEGER = len(str(-LARGEST_INTEGER))


class NotIJson(ValueError):  # noqa: N818 - it says what the text is not
    """The text is not I-JSON; the complaint holds nothing of the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.complaint = Complaint("", code, message)


def loads(body: bytes, *, null_is_absent: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text; members that are null are left out where `null_is_absent`.

    A whole number up to 2^53 - 1 is an integer, however it was written.
    """
    plain = _plain(body)
    if plain is not None:
        return without_nulls(plain) if null_is_absent and b"null" in body else plain
    decoder = _NULL_IS_ABSENT if null_is_absent else _NULL_IS_NULL
    try:
        value = decoder.decode(body.decode())
    except NotIJson:
        raise
    except UnicodeDecodeError:
        raise NotIJson("not_utf_8", "The body is not UTF-8") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise NotIJson("not_json", f"The body is not JSON: {error.msg} at {at}") from None
    except RecursionError:
        raise _too_deep() from None
    if body.count(b"[") + body.count(b"{") > DEEPEST and not _shallow(value, DEEPEST):
        raise _too_deep()
    if b"\\u" in body:
        _refuse_surrogates(value)
    return value


def _plain(body: bytes) -> Any:  # noqa: ANN401 - any JSON value, or None where it is not plain
    """The value of an object or array that the fast encoder writes as it came.

    Then no key came twice, no text held half a surrogate, and no integer is too large: as many
    members were read as were written. Spaces after commas and colons, which many encoders write,
    are passed over. What holds a fraction, or might be too deep, is left to the strict decoder.
    """
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        return None
    try:
        value = orjson.loads(body)
        written = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONDecodeError, TypeError):
        return None
    body = body.strip(_WHITE_SPACE)
    came = written == body or written == body.replace(b'": ', b'":').replace(b", ", b",")
    return value if came and isinstance(value, dict | list) and not holds_float(value) else None


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value as it is read where null is absent: without the members that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def _too_deep() -> NotIJson:
    return NotIJson("too_deep", f"Nested deeper than {DEEPEST}")


def _shallow(value: object, levels: int) -> bool:
    members = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return True
    return levels > 0 and all(_shallow(member, levels - 1) for member in members)  # type: ignore[attr-defined]  # a dict's or a list's


def _refuse_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotIJson("lone_surrogate", "A text holds half a surrogate pair") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotIJson("duplicate_key", "An object has the same key twice")
    return members


def _object_without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = _object(pairs)
    if None in members.values():
        return {key: member for key, member in members.items() if member is not None}
    return members


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER or abs(int(digits)) > LARGEST_INTEGER:
        raise NotIJson("number_out_of_range", "An integer lies beyond 2^53 - 1")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotIJson("number_out_of_range", "A number lies beyond a double")
    exact = number.is_integer() and abs(number) <= LARGEST_INTEGER
    return int(number) if exact else number


def _constant(name: str) -> None:
    raise NotIJson("not_json", f"The body is not JSON: {name} is no number")


_NULL_IS_NULL = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)
_NULL_IS_ABSENT = json.JSONDecoder(
    object_pairs_hook=_object_without_nulls,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_constant,
)
