"""Proofs that a leaf is in a log, as self-contained files: c2sp.org/tlog-proof@v1.

The format refers to RFC 4648 for base64; this module requires canonical base64, as in notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.errors import AuditErrorCode, DecodingError
from audit.log.checkpoint import decode_hash, decode_number, parse_checkpoint, verify_checkpoint
from audit.log.merkle import verify_inclusion
from audit.log.signed_note import EvidenceError, decode_base64, encode_base64, parse_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.log.checkpoint import Checkpoint
    from audit.log.signed_note import VerifierKey

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 1 << 21
_EXTRA, _INDEX = "extra ", "index "


class BadProofError(EvidenceError):
    """Bytes that are not a proof."""

    code = AuditErrorCode.BAD_PROOF


class NotIncludedError(EvidenceError):
    """A leaf that is not at the proof's index, or not in this tree."""

    code = AuditErrorCode.NOT_INCLUDED


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Hashes from the leaf's sibling upwards, and the note of the checkpoint, byte for byte.

    `extra` is data of the application; no signature covers it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def parse_proof(proof: bytes) -> InclusionProof:
    """Parse a proof without verifying it.

    Raises BadProofError, BadNoteError or BadCheckpointError for other bytes.
    """
    if len(proof) > MAX_PROOF_BYTES:
        raise BadProofError(f"the proof is longer than {MAX_PROOF_BYTES} bytes")
    head, blank, checkpoint = proof.partition(b"\n\n")
    if not blank:
        raise BadProofError("the proof has no checkpoint after an empty line")
    try:
        index, hashes, extra = _parse_head(head.decode("ascii").split("\n"))
    except ValueError as error:
        raise BadProofError(f"the proof cannot be read: {error}") from error
    parse_checkpoint(parse_note(checkpoint).text)
    return InclusionProof(index, hashes, checkpoint, extra)


def format_proof(proof: InclusionProof) -> bytes:
    """Return the bytes of a proof, the inverse of `parse_proof`; raises the same errors."""
    extra = [] if proof.extra is None else [_EXTRA + encode_base64(proof.extra)]
    hashes = [encode_base64(hash_) for hash_ in proof.hashes]
    lines = [HEADER, *extra, f"{_INDEX}{proof.index}", *hashes, "", ""]
    proof_bytes = "\n".join(lines).encode() + proof.checkpoint
    if parse_proof(proof_bytes) != proof:
        raise BadProofError("the proof would be read as a different proof")
    return proof_bytes


def proof_as_json(proof: InclusionProof, leaf_hash: bytes, size: int) -> dict[str, Any]:
    """Return a proof as JSON, with the hash of its leaf and the size of its checkpoint's tree."""
    return {
        "index": proof.index,
        "size": size,
        "leaf_hash": encode_base64(leaf_hash),
        "hashes": [encode_base64(each) for each in proof.hashes],
        "checkpoint": proof.checkpoint.decode(),
    }


def verify_proof(
    proof: InclusionProof, leaf_hash: bytes, origin: str, keys: Iterable[VerifierKey]
) -> Checkpoint:
    """Return the checkpoint if its tree has the leaf at the proof's index.

    Raises NotIncludedError if it does not, and the errors of `verify_checkpoint`.
    """
    checkpoint = verify_checkpoint(proof.checkpoint, origin, keys)
    place = proof.index, checkpoint.size
    if not verify_inclusion(leaf_hash, *place, proof.hashes, checkpoint.root):
        raise NotIncludedError(
            f"the leaf is not at index {place[0]} of the tree of {place[1]} leaves"
        )
    return checkpoint


def _parse_head(lines: list[str]) -> tuple[int, tuple[bytes, ...], bytes | None]:
    """Parse index, hashes and extra data of the lines before the checkpoint.

    Raises DecodingError.
    """
    extra = None
    if not lines or lines.pop(0) != HEADER:
        raise DecodingError(f"it does not begin with {HEADER}")
    if lines and lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA))
    if not lines or not lines[0].startswith(_INDEX):
        raise DecodingError("it has no index")
    index = decode_number(lines.pop(0).removeprefix(_INDEX))
    return index, tuple(decode_hash(line) for line in lines), extra
