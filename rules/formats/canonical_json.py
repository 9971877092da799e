"""Canonical JSON (RFC 8785) and digests over it.

What is hashed is always made here. The fast encoder agrees with RFC 8785 wherever a value holds no
floating-point number and no key beyond the Basic Multilingual Plane; the rest goes the slow way.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson
import rfc8785

if TYPE_CHECKING:
    from collections.abc import Iterable

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_MAX_BASIC_PLANE_CHARACTER = "\uffff"
_FLOAT_FREE_TYPES = frozenset({str, int, bool, type(None)})
"""Nearly every member of an object is of one of these."""


def encode_canonical(value: object) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises ValueError where I-JSON (RFC 7493) has no place for it: a lone surrogate, NaN, an
    integer beyond 2^53 - 1, a key that is not a string.
    """
    return _encode(value, exact=not contains_float(value))


def encode_float_free(value: object) -> bytes:
    """The same for a value in which `contains_float` found none, without looking again."""
    return _encode(value, exact=True)


def _encode(value: object, *, exact: bool) -> bytes:
    """Encode, the fast way where no number can be written in two ways."""
    try:
        encoded = orjson.dumps(value, option=_OPTIONS)
        if not exact or not (encoded.isascii() or _has_basic_plane_keys(value)):
            return rfc8785.dumps(value)  # type: ignore[arg-type]  # its own check is the stricter one
    except (TypeError, rfc8785.CanonicalizationError, UnicodeError) as error:
        raise ValueError(f"not a value of I-JSON: {error}") from error
    return encoded


def contains_float(value: object) -> bool:
    """Whether there is a floating-point number anywhere in the JSON value."""
    if isinstance(value, dict):
        members: Iterable[object] = value.values()
    elif isinstance(value, list | tuple):
        members = value
    else:
        return isinstance(value, float)
    for member in members:
        if type(member) not in _FLOAT_FREE_TYPES and contains_float(member):
            return True
    return False


def digest_value(value: object) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the value's canonical JSON."""
    return digest_bytes(encode_canonical(value))


def digest_bytes(body: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of bytes that are canonical already."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _has_basic_plane_keys(value: object) -> bool:
    if isinstance(value, dict):
        plain = all(max(key, default="") <= _MAX_BASIC_PLANE_CHARACTER for key in value)
        return plain and all(map(_has_basic_plane_keys, value.values()))
    return not isinstance(value, list | tuple) or all(map(_has_basic_plane_keys, value))
