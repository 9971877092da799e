"""Encryption of personal data with a key per contact, so that destroying a key erases one person.

An encrypted body, format 1: a byte 1, a nonce of 12 bytes, then AES-256-GCM (NIST SP 800-38D) over
the salt, the length of the contact's id in 2 bytes, the id, and the personal part. The body is
bound to the hash of the entry's leaf, so that it opens for no other entry.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.entry import SALT_SIZE, PersonalData
from audit.errors import AuditError, AuditErrorCode

KEY_SIZE = 32
_FORMAT = b"\x01"
_NONCE_SIZE = 12
_LENGTH_BYTES = 2


class DecryptionError(AuditError):
    """A body that was not encrypted with this key for this entry."""

    code = AuditErrorCode.NOT_DECRYPTED


def compute_pseudonym(secret: bytes, log: str, contact: str) -> str:
    """Return the name that finds a contact: HMAC-SHA-256 of log and id, keyed by the secret.

    A log's name contains no slash, so different contacts have different pseudonyms.
    """
    return hmac.digest(secret, f"{log}/{contact}".encode(), "sha256").hex()


def encrypt_personal_data(key: bytes, leaf_hash: bytes, personal: PersonalData) -> bytes:
    """Return the encrypted body; it is different each time."""
    contact = personal.contact.encode()
    plaintext = personal.salt + len(contact).to_bytes(_LENGTH_BYTES) + contact + personal.part
    nonce = secrets.token_bytes(_NONCE_SIZE)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, leaf_hash)


def decrypt_personal_data(key: bytes, leaf_hash: bytes, body: bytes) -> PersonalData:
    """Return the personal data of an encrypted body. Raises DecryptionError."""
    if body[:1] != _FORMAT:
        raise DecryptionError("its format is not known")
    nonce, ciphertext = body[1 : 1 + _NONCE_SIZE], body[1 + _NONCE_SIZE :]
    try:
        plaintext = AESGCM(key).decrypt(nonce, ciphertext, leaf_hash)
    except (InvalidTag, ValueError) as error:
        raise DecryptionError("it does not open with the contact's key") from error
    salt, rest = plaintext[:SALT_SIZE], plaintext[SALT_SIZE:]
    length = int.from_bytes(rest[:_LENGTH_BYTES])
    contact, part = rest[_LENGTH_BYTES:][:length], rest[_LENGTH_BYTES + length :]
    return PersonalData(contact.decode(), salt, part)
