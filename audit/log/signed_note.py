"""Signed notes: c2sp.org/signed-note@v1.0.0, with Ed25519 signatures (type 0x01) alone.

A note is a text, a blank line and signature lines. Trust nothing in it before a known key's
signature is verified. The standard leaves three points open, decided here: a wrong signature of a
known key refuses the note, base64 must be canonical, and a note above MAX_NOTE_BYTES or
MAX_SIGNATURES is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import AuditError, AuditErrorCode, DecodingError
from audit.log import ed25519

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 100
_KEY_ID_SIZE = 4
_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE = re.compile(r"— ([^ ]+) ([^ ]+)")


class EvidenceError(AuditError):
    """A key, note, checkpoint or proof that is not to be trusted."""

    code = AuditErrorCode.REFUSED


class BadKeyError(EvidenceError):
    """A text that is not a verifier key, or keys that cannot be distinguished."""

    code = AuditErrorCode.BAD_KEY


class BadNoteError(EvidenceError):
    """Bytes that are not a signed note."""

    code = AuditErrorCode.BAD_NOTE


class BadSignatureError(EvidenceError):
    """A signature that bears the name of a known key, which did not make it."""

    code = AuditErrorCode.BAD_SIGNATURE


class UnknownSignerError(EvidenceError):
    """A note that no known key signed."""

    code = AuditErrorCode.UNKNOWN_SIGNER


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and the 32 bytes of its Ed25519 key.

    Raises BadKeyError for a name that no key can have, for bytes that are not a point, and for a
    point that anyone can sign for.
    """

    name: str
    key: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadKeyError(f"a key cannot have the name {self.name!r}")
        if not ed25519.is_key(self.key):
            raise BadKeyError(f"the key {self.name!r} is not an Ed25519 public key")

    @property
    def id(self) -> bytes:
        """The first 4 bytes of SHA-256 over name, newline, type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[
            :_KEY_ID_SIZE
        ]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature line: the claimed signer, and the signature without the key's id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text, including its last newline, and its signatures in order, at least one."""

    text: str
    signatures: tuple[NoteSignature, ...]


def parse_key(text: str) -> VerifierKey:
    """Parse `<name>+<id in hex>+<base64 of type and key>`. Raises BadKeyError for other texts."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key_bytes = decode_base64(encoded)
    except DecodingError as error:
        raise BadKeyError(f"the verifier key cannot be read: {error}") from error
    if key_bytes[:1] != _ED25519:
        raise BadKeyError("the verifier key is not an Ed25519 key")
    key = VerifierKey(name, key_bytes[1:])
    if key.id.hex() != key_id:
        raise BadKeyError(f"the verifier key {name!r} has a different id than it states")
    return key


def format_key(key: VerifierKey) -> str:
    """Return the text of a key, the inverse of `parse_key`."""
    return f"{key.name}+{key.id.hex()}+{encode_base64(_ED25519 + key.key)}"


def parse_note(note: bytes) -> SignedNote:
    """Parse a note without verifying it. Raises BadNoteError for other bytes."""
    if len(note) > MAX_NOTE_BYTES:
        raise BadNoteError(f"the note is longer than {MAX_NOTE_BYTES} bytes")
    try:
        note_text = note.decode()
    except UnicodeDecodeError as error:
        raise BadNoteError("the note is not UTF-8") from error
    if _CONTROL.search(note_text):
        raise BadNoteError("the note contains a control character")
    text, blank, signatures = note_text.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise BadNoteError("the note does not end in a blank line and signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNoteError(f"the note has more than {MAX_SIGNATURES} signatures")
    return SignedNote(text + "\n", tuple(_parse_signature(line) for line in lines))


def format_note(note: SignedNote) -> bytes:
    """Return the bytes of a note, the inverse of `parse_note`.

    Raises BadNoteError if no bytes stand for it.
    """
    lines = [
        f"— {signature.name} {encode_base64(signature.key_id + signature.signature)}\n"
        for signature in note.signatures
    ]
    try:
        note_bytes = "".join([note.text, "\n", *lines]).encode()
    except UnicodeEncodeError as error:
        raise BadNoteError("the note cannot be written in UTF-8") from error
    if parse_note(note_bytes) != note:
        raise BadNoteError("the note would be read as a different note")
    return note_bytes


def sign_note(text: str, key: VerifierKey, sign: Callable[[bytes], bytes]) -> bytes:
    """Return a note with one signature: the result of `sign` for the text's bytes.

    The caller must make sure that `sign` uses the private key of `key`; this is not checked.
    """
    try:
        signature = sign(text.encode())
    except UnicodeEncodeError as error:
        raise BadNoteError("the note cannot be written in UTF-8") from error
    if len(signature) != ed25519.SIGNATURE_SIZE:
        raise BadSignatureError("the signature is not an Ed25519 signature")
    return format_note(SignedNote(text, (NoteSignature(key.name, key.id, signature),)))


def verify_note(note: bytes, keys: Iterable[VerifierKey]) -> SignedNote:
    """Return the note with only the signatures by known keys, at least one.

    A signature belongs to a known key if name and id agree; other signatures are ignored. Raises
    BadNoteError, BadSignatureError if a known key's signature is wrong, and UnknownSignerError if
    no known key signed.
    """
    keys_by_id, parsed = _index_keys(keys), parse_note(note)
    text, verified = parsed.text.encode(), []
    for signature in parsed.signatures:
        if (key := keys_by_id.get((signature.name, signature.key_id))) is None:
            continue
        if not ed25519.verify(key.key, text, signature.signature):
            raise BadSignatureError(f"the signature was not made by the key {format_key(key)}")
        verified.append(signature)
    if not verified:
        raise UnknownSignerError("none of the known keys signed the note")
    return SignedNote(parsed.text, tuple(verified))


def encode_base64(decoded: bytes) -> str:
    """Return the standard base64 of the bytes: RFC 4648, section 4."""
    return base64.b64encode(decoded).decode()


def decode_base64(encoded: str) -> bytes:
    """Decode canonical base64 (RFC 4648, sections 4 and 3.5). Raises DecodingError."""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise DecodingError(str(error)) from error
    if encode_base64(decoded) != encoded:
        raise DecodingError("the base64 is not canonical")
    return decoded


def _parse_signature(line: str) -> NoteSignature:
    match = _SIGNATURE.fullmatch(line)
    if not match or not _NAME.fullmatch(match[1]):
        raise BadNoteError("the note has a line among its signatures that is not one")
    try:
        signature = decode_base64(match[2])
    except DecodingError as error:
        raise BadNoteError(f"a signature of the note cannot be read: {error}") from error
    if len(signature) <= _KEY_ID_SIZE:
        raise BadNoteError("a signature of the note is too short")
    return NoteSignature(match[1], signature[:_KEY_ID_SIZE], signature[_KEY_ID_SIZE:])


def _index_keys(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    keys_by_id: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if keys_by_id.setdefault((key.name, key.id), key) != key:
            raise BadKeyError(f"two keys have the name and id of {format_key(key)}")
    return keys_by_id
