"""Checkpoints, signed statements of a log's size and root: c2sp.org/tlog-checkpoint@v1.0.0.

A checkpoint is the text of a signed note. It proves nothing unless the log's own key signed it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import AuditErrorCode, DecodingError
from audit.log.merkle import EMPTY_ROOT, HASH_SIZE
from audit.log.signed_note import (
    EvidenceError,
    decode_base64,
    encode_base64,
    sign_note,
    verify_note,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from audit.log.signed_note import VerifierKey

_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_NUMBER_LIMIT = 1 << 64


class BadCheckpointError(EvidenceError):
    """A text that is not a checkpoint."""

    code = AuditErrorCode.BAD_CHECKPOINT


class WrongOriginError(EvidenceError):
    """A checkpoint of another log."""

    code = AuditErrorCode.WRONG_ORIGIN


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of a log at a size. Extension lines are kept, but not interpreted."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse the text of a note, including its last newline. Raises BadCheckpointError."""
    *lines, end = text.split("\n")
    if end or "" in lines:
        raise BadCheckpointError("the checkpoint has an empty line, or no newline at its end")
    try:
        origin, size, root, *extensions = lines
    except ValueError as error:
        raise BadCheckpointError("the checkpoint has fewer than three lines") from error
    try:
        checkpoint = Checkpoint(origin, decode_number(size), decode_hash(root), tuple(extensions))
    except ValueError as error:
        raise BadCheckpointError(f"the checkpoint cannot be read: {error}") from error
    if not checkpoint.size and checkpoint.root != EMPTY_ROOT:
        raise BadCheckpointError("an empty log has a different root than the checkpoint")
    return checkpoint


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text of a checkpoint, the inverse of `parse_checkpoint`.

    Raises BadCheckpointError if no text stands for it.
    """
    lines = checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root)
    text = "".join(f"{line}\n" for line in (*lines, *checkpoint.extensions))
    if parse_checkpoint(text) != checkpoint:
        raise BadCheckpointError("the checkpoint would be read as a different checkpoint")
    return text


def sign_checkpoint(
    checkpoint: Checkpoint, key: VerifierKey, sign: Callable[[bytes], bytes]
) -> bytes:
    """Return the checkpoint as a note, signed as `sign_note` does.

    The caller must make sure that it is consistent with every checkpoint that the log signed
    before. Raises BadCheckpointError, BadNoteError or BadSignatureError.
    """
    return sign_note(format_checkpoint(checkpoint), key, sign)


def verify_checkpoint(note: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint if the log of this origin signed it.

    `keys` must be keys of this log only, because a signature by any of them is enough. Raises
    BadCheckpointError, WrongOriginError, and the errors of `verify_note`.
    """
    checkpoint = parse_checkpoint(verify_note(note, keys).text)
    if checkpoint.origin != origin:
        raise WrongOriginError(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def decode_number(text: str) -> int:
    """Parse a size or index: ASCII decimal, no leading zeros, below 2**64. Raises DecodingError."""
    if not _NUMBER.fullmatch(text) or (number := int(text)) >= _NUMBER_LIMIT:
        raise DecodingError("a number is not a plain decimal number")
    return number


def decode_hash(text: str) -> bytes:
    """Decode the base64 of 32 bytes. Raises DecodingError."""
    decoded = decode_base64(text)
    if len(decoded) != HASH_SIZE:
        raise DecodingError(f"a hash is not {HASH_SIZE} bytes long")
    return decoded
