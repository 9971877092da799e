"""The key that checkpoints are signed with: Ed25519 (RFC 8032), as PKCS #8 in PEM, in a file.

It is made once and never overwritten: who lost it cannot go on with a log that others know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.errors import NoSigningKeyError
from audit.log.signed_note import VerifierKey
from audit.stores.files.atomic_write import write_durably
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path

SIGNING_KEY = "signing.key"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `repr` shows nothing of it."""

    _private: Ed25519PrivateKey

    @classmethod
    def create(cls, path: Path) -> None:
        """Make the file, readable by its owner alone; nothing where it is there."""
        if path.exists():
            return
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        try:
            write_durably(path, pem)
        except OSError as error:
            raise translate_error(error) from error

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """The key of the file; NoSigningKeyError."""
        try:
            private = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise NoSigningKeyError(f"the signing key cannot be read: {path}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise NoSigningKeyError(f"the signing key is not one of Ed25519: {path}")
        return cls(private)

    def verifier(self, name: str) -> VerifierKey:
        """Its other half under this name; BadKeyError where no key can have it."""
        return VerifierKey(name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def __repr__(self) -> str:
        return "SigningKey()"
