"""Keys that tests sign notes with, from secrets that anybody may know."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.log.signed_note import VerifierKey

if TYPE_CHECKING:
    from collections.abc import Callable


class Signer(NamedTuple):
    key: VerifierKey
    sign: Callable[[bytes], bytes]


def signer(name: str, secret: bytes = b"") -> Signer:
    """The same for the same name and secret; of 32 bytes, the secret is the private key itself."""
    seed = secret if len(secret) == 32 else hashlib.sha256(name.encode() + secret).digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Signer(VerifierKey(name, private.public_key().public_bytes_raw()), private.sign)


def flipped(whole: bytes) -> list[bytes]:
    """The same bytes with one bit another, for every bit."""
    number = int.from_bytes(whole)
    return [(number ^ 1 << bit).to_bytes(len(whole)) for bit in range(len(whole) * 8)]
