"""Proofs in files against the format's own example, fixed bytes, and every way to spoil them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.log.checkpoint import BadCheckpointError, Checkpoint, WrongOriginError, sign_checkpoint
from audit.log.merkle import build_inclusion_proof, compute_root, hash_leaf
from audit.log.signed_note import (
    BadNoteError,
    EvidenceError,
    UnknownSignerError,
    decode_base64,
    parse_key,
    sign_note,
)
from audit.log.tlog_proof import (
    MAX_PROOF_BYTES,
    BadProofError,
    InclusionProof,
    NotIncludedError,
    format_proof,
    parse_proof,
)
from audit.log.tlog_proof import verify_proof as verified
from tests.audit.signers import flipped, signer

ORIGIN = "example.com/log"
LOG = signer(ORIGIN)
KEYS = [LOG.key]
LEAVES = [hash_leaf(bytes([number])) for number in range(7)]
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 7, compute_root(LEAVES)), *LOG)
PROOF = InclusionProof(4, tuple(build_inclusion_proof(LEAVES, 4)), NOTE)
# PROOF in bytes, and the key that verifies it.
KEY = "example.com/log+af60b360+AfJB15Qpxeic+ZntpPy674LLlMFfxnd2TtNHdwz1iemk"
FIXED = (
    "c2sp.org/tlog-proof@v1\n"
    "index 4\n"
    "nxr6TcEky6cxNOgv9Q8XyPcWQlfHn+2aE/WUOmrLjj0=\n"
    "QNiBJ9TTGjiR9BWY7u1BF05byJseubvWaoy/wJlWo/0=\n"
    "m81RJAr0AFFo8DMSG6hb5abtTw5qX6wmIGZym4+/3ss=\n"
    "\n"
    "example.com/log\n"
    "7\n"
    "NWAZGAMChESyMgGKwEf9tWHAnCOnpodsheCLXk1I6fM=\n"
    "\n"
    "— example.com/log r2CzYGAVyFT3wQpjwypUn85Jxa6sz88i01YYyDHectmmxEQotu7gEMZKH8iO42RR/a/"
    "rspCt6EYBu5ScEPc9AYZ8IQk=\n"
)
# The hashes of the format's example; its checkpoint is abridged there.
EXAMPLE = [
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
    "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
    "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
    "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=",
]

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=64).map(tuple)
proofs = st.builds(
    InclusionProof,
    st.integers(0, 2**64 - 1),
    hashes,
    st.just(NOTE),
    st.none() | st.binary(max_size=90),
)


def file(*head: str, checkpoint: bytes = NOTE) -> bytes:
    return "".join(f"{line}\n" for line in (*head, "")).encode() + checkpoint


def test_format_proof_writes_the_recorded_bytes() -> None:
    """What was handed out stays readable, and is verified with nothing but the key."""
    assert format_proof(PROOF) == FIXED.encode()
    proof = parse_proof(FIXED.encode())
    assert proof == PROOF
    checkpoint = verified(proof, LEAVES[4], ORIGIN, [parse_key(KEY)])
    assert (checkpoint.size, checkpoint.root) == (7, compute_root(LEAVES))


def test_parse_proof_reads_the_example_of_the_format() -> None:
    extra = "YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ"
    head = "c2sp.org/tlog-proof@v1", f"extra {extra}", "index 73894", *EXAMPLE
    path = tuple(decode_base64(each) for each in EXAMPLE)
    assert parse_proof(file(*head)) == InclusionProof(73894, path, NOTE, decode_base64(extra))


def test_format_proof_writes_the_bytes_of_the_go_library() -> None:
    """The cases of github.com/transparency-dev/formats/proof, with a checkpoint that is one."""
    one, two = (sha256(each).digest() for each in (b"hash1", b"hash2"))
    first = "rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4="
    second = "5784L25ZFbP4hhm4ZiI+vx1RxMUyHMzeLp/3AKMlkIY="
    assert decode_base64(first) == one
    assert decode_base64(second) == two
    header = "c2sp.org/tlog-proof@v1"
    for proof, head in [
        (InclusionProof(5, (one, two), NOTE), (header, "index 5", first, second)),
        (
            InclusionProof(10, (one,), NOTE, b"extra information"),
            (header, "extra ZXh0cmEgaW5mb3JtYXRpb24=", "index 10", first),
        ),
        (InclusionProof(0, (), NOTE), (header, "index 0")),
        (
            InclusionProof(2**64 - 1, (), NOTE, b""),
            (header, "extra ", "index 18446744073709551615"),
        ),
    ]:
        assert format_proof(proof) == file(*head)
        assert parse_proof(file(*head)) == proof


@pytest.mark.parametrize("index", range(7))
def test_verify_proof_accepts_its_own_leaf_only(index: int) -> None:
    proof = InclusionProof(index, tuple(build_inclusion_proof(LEAVES, index)), NOTE)
    for leaf in LEAVES:
        if leaf == LEAVES[index]:
            assert verified(proof, leaf, ORIGIN, KEYS).size == 7
        else:
            with pytest.raises(NotIncludedError):
                verified(proof, leaf, ORIGIN, KEYS)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PROOF, index=5),
        replace(PROOF, index=7),
        replace(PROOF, index=4 + 8),
        replace(PROOF, hashes=()),
        replace(PROOF, hashes=PROOF.hashes[1:]),
        replace(PROOF, hashes=PROOF.hashes[::-1]),
        replace(PROOF, hashes=(*PROOF.hashes, LEAVES[0])),
    ],
)
def test_verify_proof_refuses_another_index_or_path(wrong: InclusionProof) -> None:
    with pytest.raises(NotIncludedError):
        verified(wrong, LEAVES[4], ORIGIN, KEYS)


def test_proof_of_the_only_leaf_has_no_hashes() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, LEAVES[0]), *LOG)
    proof = parse_proof(format_proof(InclusionProof(0, (), note)))
    assert verified(proof, LEAVES[0], ORIGIN, KEYS).size == 1


def test_verify_proof_refuses_a_checkpoint_of_another_signer() -> None:
    other = signer(ORIGIN, b"other")
    with pytest.raises(UnknownSignerError):
        verified(PROOF, LEAVES[4], ORIGIN, [other.key])
    with pytest.raises(WrongOriginError):
        verified(PROOF, LEAVES[4], "example.com/other", KEYS)


def test_proof_keeps_extra_data_that_is_not_covered() -> None:
    proof = parse_proof(format_proof(replace(PROOF, extra=b"whatever")))
    assert proof.extra == b"whatever"
    assert verified(proof, LEAVES[4], ORIGIN, KEYS).size == 7


def test_verification_fails_when_any_bit_is_flipped() -> None:
    for each in flipped(FIXED.encode()):
        with pytest.raises(EvidenceError):
            verified(parse_proof(each), LEAVES[4], ORIGIN, KEYS)


@pytest.mark.parametrize(
    "head",
    [
        (),
        ("wrong-header", "index 0"),
        ("c2sp.org/tlog-proof@v2", "index 0"),
        ("c2sp.org/tlog-proof@v1\r", "index 0"),
        ("c2sp.org/tlog-proof@v1",),
        ("", "c2sp.org/tlog-proof@v1", "index 0"),
        ("c2sp.org/tlog-proof@v1", "extra AA=="),
        ("c2sp.org/tlog-proof@v1", "extra", "index 0"),
        ("c2sp.org/tlog-proof@v1", "extra AB==", "index 0"),
        ("c2sp.org/tlog-proof@v1", "extra !!", "index 0"),
        ("c2sp.org/tlog-proof@v1", "index 0", "extra AA=="),
        ("c2sp.org/tlog-proof@v1", "extra AA==", "extra AA==", "index 0"),
        ("c2sp.org/tlog-proof@v1", "Index 0"),
        ("c2sp.org/tlog-proof@v1", "index"),
        ("c2sp.org/tlog-proof@v1", "index "),
        ("c2sp.org/tlog-proof@v1", "index  0"),
        ("c2sp.org/tlog-proof@v1", "index 007"),
        ("c2sp.org/tlog-proof@v1", "index -5"),
        ("c2sp.org/tlog-proof@v1", "index +1"),
        ("c2sp.org/tlog-proof@v1", "index 0\r"),
        ("c2sp.org/tlog-proof@v1", "index 18446744073709551616"),
        ("c2sp.org/tlog-proof@v1", "index 0", "!!"),
        ("c2sp.org/tlog-proof@v1", "index 0", EXAMPLE[0] + " "),
        ("c2sp.org/tlog-proof@v1", "index 0", EXAMPLE[0][:-2] + "R="),
        ("c2sp.org/tlog-proof@v1", "index 0", "AAAA"),
        ("c2sp.org/tlog-proof@v1", "index 0", "ü"),
    ],
)
def test_parse_proof_refuses_bytes_of_another_format(head: tuple[str, ...]) -> None:
    with pytest.raises(EvidenceError):
        parse_proof(file(*head))


def test_parse_proof_requires_a_checkpoint() -> None:
    """Signed by whomever: who did is for the verifier to look at."""
    head = "c2sp.org/tlog-proof@v1", "index 0"
    assert parse_proof(file(*head)).checkpoint == NOTE
    with pytest.raises(BadProofError):
        parse_proof("\n".join(head).encode())
    with pytest.raises(BadNoteError):
        parse_proof(file(*head, checkpoint=b""))
    with pytest.raises(BadNoteError):
        parse_proof(file(*head, checkpoint=NOTE[:-1]))
    with pytest.raises(BadCheckpointError):
        parse_proof(file(*head, "", checkpoint=NOTE))
    with pytest.raises(BadCheckpointError):
        parse_proof(file(*head, checkpoint=sign_note("hello\n", *LOG)))


def test_parse_proof_refuses_a_proof_above_the_limit() -> None:
    with pytest.raises(BadProofError, match="longer"):
        parse_proof(bytes(MAX_PROOF_BYTES + 1))


@pytest.mark.parametrize(
    "wrong", [replace(PROOF, index=-1), replace(PROOF, hashes=(b"",)), replace(PROOF, index=2**64)]
)
def test_format_refuses_values_without_a_round_trip(wrong: InclusionProof) -> None:
    with pytest.raises(EvidenceError):
        format_proof(wrong)


@given(proofs)
def test_format_is_the_inverse_of_parse(proof: InclusionProof) -> None:
    assert parse_proof(format_proof(proof)) == proof


@given(st.binary(max_size=300))
def test_parse_proof_raises_only_its_own_errors(data: bytes) -> None:
    for each in (
        data,
        b"c2sp.org/tlog-proof@v1\n" + data,
        b"c2sp.org/tlog-proof@v1\nindex " + data,
    ):
        with pytest.raises(EvidenceError):
            parse_proof(each)
