"""Proofs that a leaf is in a log, as files that stand alone: c2sp.org/tlog-proof@v1.

The format says no more of base64 than RFC 4648; here it has to be canonical, as in notes.
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
    code = AuditErrorCode.BAD_PROOF


class NotIncludedError(EvidenceError):
    code = AuditErrorCode.NOT_INCLUDED


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Hashes from the leaf's sibling up, and the note of the checkpoint, byte for byte.

    `extra` is whatever the application put there; no signature covers it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def parse_proof(proof: bytes) -> InclusionProof:
    """What the proof says, unverified.

    BadProofError, BadNoteError or BadCheckpointError where it is none.
    """
    if len(proof) > MAX_PROOF_BYTES:
        raise BadProofError(f"the proof is longer than {MAX_PROOF_BYTES} bytes")
    head, blank, checkpoint = proof.partition(b"\n\n")
    if not blank:
        raise BadProofError("the proof has no checkpoint behind an empty line")
    try:
        index, hashes, extra = _parse_head(head.decode("ascii").split("\n"))
    except ValueError as error:
        raise BadProofError(f"the proof cannot be read: {error}") from error
    parse_checkpoint(parse_note(checkpoint).text)
    return InclusionProof(index, hashes, checkpoint, extra)


def format_proof(proof: InclusionProof) -> bytes:
    """The bytes of which `parse_proof` makes this proof; refused as there where there are none."""
    extra = [] if proof.extra is None else [_EXTRA + encode_base64(proof.extra)]
    hashes = [encode_base64(hash_) for hash_ in proof.hashes]
    lines = [HEADER, *extra, f"{_INDEX}{proof.index}", *hashes, "", ""]
    proof_bytes = "\n".join(lines).encode() + proof.checkpoint
    if parse_proof(proof_bytes) != proof:
        raise BadProofError("the proof would be read as another one")
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
    """The checkpoint in whose tree the leaf stands at the proof's index.

    Origin, keys and refusals as for `verify_checkpoint`; NotIncludedError where the leaf does not.
    """
    checkpoint = verify_checkpoint(proof.checkpoint, origin, keys)
    place = proof.index, checkpoint.size
    if not verify_inclusion(leaf_hash, *place, proof.hashes, checkpoint.root):
        raise NotIncludedError(
            f"the leaf is not at index {place[0]} of the tree of {place[1]} leaves"
        )
    return checkpoint


def _parse_head(lines: list[str]) -> tuple[int, tuple[bytes, ...], bytes | None]:
    """Index, hashes and extra data of the lines before the checkpoint; DecodingError."""
    extra = None
    if not lines or lines.pop(0) != HEADER:
        raise DecodingError(f"it does not begin with {HEADER}")
    if lines and lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA))
    if not lines or not lines[0].startswith(_INDEX):
        raise DecodingError("it has no index")
    index = decode_number(lines.pop(0).removeprefix(_INDEX))
    return index, tuple(decode_hash(line) for line in lines), extra
