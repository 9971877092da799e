"""Canonical JSON (RFC 8785) and digests over it.

What is hashed is always made here. The fast encoder agrees with RFC 8785 wherever a value holds no
floating-point number and no key beyond the Basic Multilingual Plane; the rest goes the slow way.
"""

from __future__ import annotations

import hashlib

import orjson
import rfc8785

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_LAST_OF_THE_BASIC_PLANE = "\uffff"


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises ValueError where I-JSON (RFC 7493) has no place for it: a lone surrogate, NaN, an
    integer beyond 2^53 - 1, a key that is not a string.
    """
    try:
        if _encodes_alike(value):
            return orjson.dumps(value, option=_OPTIONS)
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # its own check is the stricter one
    except (TypeError, rfc8785.CanonicalizationError, UnicodeError) as error:
        raise ValueError(f"not a value of I-JSON: {error}") from error


def digest(value: object) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the value's canonical JSON."""
    return digest_of_bytes(canonical(value))


def digest_of_bytes(body: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of bytes that are canonical already."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _encodes_alike(value: object) -> bool:
    if isinstance(value, dict):
        return all(
            isinstance(key, str)
            and max(key, default="") <= _LAST_OF_THE_BASIC_PLANE
            and _encodes_alike(member)
            for key, member in value.items()
        )
    if isinstance(value, list | tuple):
        return all(map(_encodes_alike, value))
    return not isinstance(value, float)
