"""Checkpoints, signed statements of a log's size and root: c2sp.org/tlog-checkpoint@v1.0.0.

A checkpoint is the text of a signed note. What the log's own keys did not sign says nothing.
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
    code = AuditErrorCode.BAD_CHECKPOINT


class WrongOriginError(EvidenceError):
    code = AuditErrorCode.WRONG_ORIGIN


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log had which root with how many leaves; extension lines are kept, not understood."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that is a note's text, its last newline included; BadCheckpointError."""
    *lines, end = text.split("\n")
    if end or "" in lines:
        raise BadCheckpointError("the checkpoint's lines are not non-empty lines")
    try:
        origin, size, root, *extensions = lines
    except ValueError as error:
        raise BadCheckpointError("the checkpoint has not three lines") from error
    try:
        checkpoint = Checkpoint(origin, decode_number(size), decode_hash(root), tuple(extensions))
    except ValueError as error:
        raise BadCheckpointError(f"the checkpoint cannot be read: {error}") from error
    if not checkpoint.size and checkpoint.root != EMPTY_ROOT:
        raise BadCheckpointError("a log without leaves has another root")
    return checkpoint


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text of which `parse_checkpoint` makes this checkpoint; BadCheckpointError."""
    lines = checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root)
    text = "".join(f"{line}\n" for line in (*lines, *checkpoint.extensions))
    if parse_checkpoint(text) != checkpoint:
        raise BadCheckpointError("the checkpoint would be read as another one")
    return text


def sign_checkpoint(
    checkpoint: Checkpoint, key: VerifierKey, sign: Callable[[bytes], bytes]
) -> bytes:
    """The checkpoint as a note, signed as `sign_note` does; BadCheckpointError, BadNoteError.

    A log may not sign what is inconsistent with anything that it signed before: that is for the
    caller to know.
    """
    return sign_note(format_checkpoint(checkpoint), key, sign)


def verify_checkpoint(note: bytes, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint that the log of this origin signed.

    `keys` are those of the log alone, because any of them is enough. Raises as `verify_note`
    does, BadCheckpointError, WrongOriginError.
    """
    checkpoint = parse_checkpoint(verify_note(note, keys).text)
    if checkpoint.origin != origin:
        raise WrongOriginError(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def decode_number(text: str) -> int:
    """A size or index: ASCII decimal without leading zeros, below 2**64; DecodingError."""
    if not _NUMBER.fullmatch(text) or (number := int(text)) >= _NUMBER_LIMIT:
        raise DecodingError("a number is not a plain decimal one")
    return number


def decode_hash(text: str) -> bytes:
    """The base64 of 32 bytes; DecodingError."""
    decoded = decode_base64(text)
    if len(decoded) != HASH_SIZE:
        raise DecodingError(f"a hash is not {HASH_SIZE} bytes long")
    return decoded
