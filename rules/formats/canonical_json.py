"""Canonical JSON (RFC 8785) and digests over it.

Every text that is hashed is made here. The fast encoder agrees with RFC 8785 if a value holds no
floating-point number and no key beyond the Basic Multilingual Plane. All other values take the slow
encoder.
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
"""The types of nearly all members of an object."""


def encode_canonical(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises ValueError if the value is not I-JSON (RFC 7493): a lone surrogate, NaN, an integer
    beyond 2^53 - 1, or a key that is not a string.
    """
    return _encode(value, exact=not contains_float(value))


def encode_float_free(value: object) -> bytes:
    """Return the RFC 8785 bytes of a value that holds no floating-point number.

    The caller has checked that with `contains_float`; it is not checked again.
    """
    return _encode(value, exact=True)


def _encode(value: object, *, exact: bool) -> bytes:
    """Encode the value; take the fast encoder if no number in it can be written in two ways."""
    try:
        encoded = orjson.dumps(value, option=_OPTIONS)
        if not exact or not (encoded.isascii() or _has_basic_plane_keys(value)):
            return rfc8785.dumps(value)  # type: ignore[arg-type]  # rfc8785 checks the value more strictly itself
    except (TypeError, rfc8785.CanonicalizationError, UnicodeError) as error:
        raise ValueError(f"The value is not I-JSON: {error}") from error
    return encoded


def contains_float(value: object) -> bool:
    """Return True if the JSON value holds a floating-point number at any depth."""
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
    """Return `sha256:` and the hexadecimal SHA-256 of the value's canonical JSON."""
    return digest_bytes(encode_canonical(value))


def digest_bytes(body: bytes) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of canonical bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _has_basic_plane_keys(value: object) -> bool:
    if isinstance(value, dict):
        plain = all(max(key, default="") <= _MAX_BASIC_PLANE_CHARACTER for key in value)
        return plain and all(map(_has_basic_plane_keys, value.values()))
    return not isinstance(value, list | tuple) or all(map(_has_basic_plane_keys, value))
