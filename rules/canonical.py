"""Canonical JSON (RFC 8785) and digests over it.

What is hashed is always made here. The fast encoder agrees with RFC 8785 wherever a value holds no
floating-point number and no key beyond the Basic Multilingual Plane; the rest goes the slow way.
"""

from __future__ import annotations

import hashlib
import re

import orjson
import rfc8785

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_LAST_OF_THE_BASIC_PLANE = "\uffff"
_FLOAT = re.compile(rb'(?:^|":|[,\[])(?:-?[0-9]+[.e]|null)')
"""The fast encoder writes null for NaN and the infinities."""
_BEYOND_THE_BASIC_PLANE = re.compile(rb"[\xf0-\xf4]")


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises ValueError where I-JSON (RFC 7493) has no place for it: a lone surrogate, NaN, an
    integer beyond 2^53 - 1, a key that is not a string.
    """
    try:
        encoded = orjson.dumps(value, option=_OPTIONS)
        if _may_hold_float(encoded) or _BEYOND_THE_BASIC_PLANE.search(encoded):
            return encoded if _encodes_alike(value) else rfc8785.dumps(value)  # type: ignore[arg-type]  # it checks
    except (TypeError, rfc8785.CanonicalizationError, UnicodeError) as error:
        raise ValueError(f"not a value of I-JSON: {error}") from error
    return encoded


def holds_float(value: object, encoded: bytes) -> bool:
    """Whether there is a floating-point number in the value, which was encoded so."""
    return _may_hold_float(encoded) and _has_float(value)


def _may_hold_float(encoded: bytes) -> bool:
    """False where no number has a point or an exponent; a text may look like one that has."""
    return _FLOAT.search(encoded) is not None


def digest(value: object) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the value's canonical JSON."""
    return digest_of_bytes(canonical(value))


def digest_of_bytes(body: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of bytes that are canonical already."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _encodes_alike(value: object) -> bool:
    return not _has_float(value) and _has_plain_keys(value)


def _has_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_float, value))
    return isinstance(value, float)


def _has_plain_keys(value: object) -> bool:
    if isinstance(value, dict):
        plain = all(max(key, default="") <= _LAST_OF_THE_BASIC_PLANE for key in value)
        return plain and all(map(_has_plain_keys, value.values()))
    return not isinstance(value, list | tuple) or all(map(_has_plain_keys, value))
