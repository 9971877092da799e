"""Verification of Ed25519 signatures: RFC 8032, section 5.1.7, with Python's integers alone.

Strict: S is below the order of the group, and key and R are canonical encodings of points. Without
the cofactor: [S]B - [k]A is encoded and compared with the bytes of R. RFC 8032 allows this and
OpenSSL does it, so that `cryptography` gives the same verdict. The verdicts differ only for keys
that are not canonically encoded: OpenSSL reduces such keys, this module refuses them. All inputs
are public, so the code need not run in constant time.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TypeAlias

KEY_SIZE = 32
SIGNATURE_SIZE = 64

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_BASE = bytes.fromhex("58" + "66" * 31)
_SIGN = 1 << 255
_BASE_WIDTH, _KEY_WIDTH = 8, 5

_Point: TypeAlias = tuple[int, int, int, int]
"""X, Y, Z, T of section 5.1.4: x = X/Z, y = Y/Z, x * y = T/Z."""
_Addend: TypeAlias = tuple[int, int, int, int]
"""Y - X, Y + X, 2dT and 2Z of a point: the part of an addition that can be precomputed."""

_NEUTRAL: _Point = (0, 1, 1, 0)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return True if the 64 bytes are the key's signature of the message. Never raises."""
    point = _decode(key)
    if point is None or len(signature) != SIGNATURE_SIZE:
        return False
    encoded_r, s = signature[:KEY_SIZE], int.from_bytes(signature[KEY_SIZE:], "little")
    if s >= _ORDER:
        return False
    digest = hashlib.sha512(encoded_r + key + message).digest()
    k = int.from_bytes(digest, "little") % _ORDER
    return _encode(_base_minus(s, k, point)) == encoded_r


def is_key(key: bytes) -> bool:
    """Return True if the 32 bytes are a canonical point that only the key's owner can sign for.

    Anyone can make signatures for a point of small order that `verify` accepts.
    """
    point = _decode(key)
    return point is not None and _double(_double(_double(point)))[0] != 0


def _decode(encoded: bytes) -> _Point | None:
    """Decode a point: section 5.1.3. Return None if decoding fails."""
    if len(encoded) != KEY_SIZE:
        return None
    number = int.from_bytes(encoded, "little")
    y, negative = number & (_SIGN - 1), bool(number & _SIGN)
    if y >= _P:
        return None
    u, v = y * y - 1, _D * y * y + 1
    x = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _SQRT_OF_MINUS_1 % _P
    if (v * x * x - u) % _P or (x == 0 and negative):
        return None
    if bool(x & 1) != negative:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    """Encode a point: section 5.1.2."""
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(KEY_SIZE, "little")


def _base_minus(s: int, k: int, point: _Point) -> _Point:
    """Compute [s]B - [k]point, with one series of doublings for both."""
    x, y, z, t = point
    base, negatives = _base_multiples(), _multiples((_P - x, y, z, _P - t), _KEY_WIDTH)
    of_base, of_point = _digits(s, _BASE_WIDTH), _digits(k, _KEY_WIDTH)
    result = _NEUTRAL
    for place in reversed(range(max(of_base.keys() | of_point.keys(), default=-1) + 1)):
        result = _double(result)
        if place in of_base:
            result = _add(result, base[of_base[place]])
        if place in of_point:
            result = _add(result, negatives[of_point[place]])
    return result


def _digits(scalar: int, width: int) -> dict[int, int]:
    """Return the scalar as the sum of digit << place, in odd digits between ±2**(width - 1)."""
    digits, place = {}, 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar, place = scalar >> zeros, place + zeros
        digit = scalar & ((1 << width) - 1)
        if digit >> (width - 1):
            digit -= 1 << width
        digits[place] = digit
        scalar -= digit
    return digits


def _multiples(point: _Point, width: int) -> dict[int, _Addend]:
    """Return the odd multiples that `_digits` needs, as addends."""
    double, multiples = _addend(_double(point)), {}
    for factor in range(1, 1 << (width - 1), 2):
        minus, plus, t, z = multiples[factor] = _addend(point)
        multiples[-factor] = plus, minus, -t, z
        point = _add(point, double)
    return multiples


@cache
def _base_multiples() -> dict[int, _Addend]:
    base = _decode(_BASE)
    return _multiples(base or _NEUTRAL, _BASE_WIDTH)


def _addend(point: _Point) -> _Addend:
    x, y, z, t = point
    return y - x, y + x, 2 * _D * t % _P, 2 * z


def _add(point: _Point, addend: _Addend) -> _Point:
    """Add any two points: section 5.1.4."""
    x, y, z, t = point
    minus, plus, twice_dt, twice_z = addend
    a, b = (y - x) * minus % _P, (y + x) * plus % _P
    c, d = t * twice_dt % _P, z * twice_z % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(point: _Point) -> _Point:
    """Double a point: section 5.1.4."""
    x, y, z, _ = point
    a, b, x_plus_y = x * x % _P, y * y % _P, x + y
    h, g = a + b, a - b
    e, f = h - x_plus_y * x_plus_y % _P, 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P
