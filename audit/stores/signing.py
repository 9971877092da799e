"""The parts of a store that a signer of checkpoints needs: the signing key and stored checkpoints.

The key is Ed25519 (RFC 8032), stored as PKCS #8 in PEM. A store creates it once and never
overwrites it: a ledger without its key cannot continue a log that others know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.errors import NoSigningKeyError
from audit.log.checkpoint import Checkpoint, parse_checkpoint
from audit.log.signed_note import VerifierKey, parse_note


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `repr` does not show it."""

    _private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Return the key of a PEM file's content. Raises NoSigningKeyError for another content."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise NoSigningKeyError("the signing key cannot be read") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise NoSigningKeyError("the signing key is not an Ed25519 key")
        return cls(private)

    def to_pem(self) -> bytes:
        """Return the content of a PEM file with this key, unencrypted."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def verifier(self, name: str) -> VerifierKey:
        """Return the public key under this name. Raises BadKeyError if no key can have the name."""
        return VerifierKey(name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the message, 64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return "SigningKey()"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note and its parsed checkpoint; the signature was not verified."""

    note: bytes
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, note: bytes) -> Self:
        """Return the checkpoint of a note. Raises EvidenceError for other bytes."""
        return cls(note, parse_checkpoint(parse_note(note).text))


class StoredCheckpoints(Protocol):
    """The newest checkpoint of each log, stored outside the logs, and the last refusal to sign.

    Safe to share between threads and processes. Methods raise StorageUnavailableError.
    """

    def logs(self) -> list[str]:
        """Return the names of the logs that have a checkpoint, sorted."""

    def newest(self, log: str) -> StoredCheckpoint | None:
        """Return the newest checkpoint of the log.

        Raises StorageUnavailableError if the stored bytes are not a checkpoint.
        """

    def save(self, log: str, note: bytes) -> None:
        """Store the note as the newest of its log, durably.

        A note of fewer entries than the stored one changes nothing.
        """

    def archive(self, log: str) -> None:
        """Keep the newest checkpoint of the log for inspection; the log has none from then on."""

    def write_refusal(self, message: str) -> None:
        """Store why checkpoints were refused, for other processes; an empty message clears it."""

    def read_refusal(self) -> str:
        """Return the stored refusal; empty if there is none."""
