"""The tree against the trees and proofs of others, and against itself."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import DecodingError, ProofRangeError
from audit.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    build_consistency_proof,
    build_inclusion_proof,
    compute_root,
    hash_leaf,
    hash_node,
    verify_consistency,
    verify_inclusion,
)
from tests.folders import SHARED

if TYPE_CHECKING:
    from pathlib import Path

# The test tree of certificate-transparency: its leaves, and its root at every size.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HASHES = [hash_leaf(leaf) for leaf in LEAVES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Inclusion proofs of the same tree: index, size, hashes.
INCLUSION = [
    (0, 1, []),
    (
        *(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (1, 1, []),
    (
        *(1, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(6, 8),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]
SAMPLES = SHARED / "vectors" / "merkle"

hashes = st.lists(st.binary(max_size=4).map(hash_leaf), min_size=1, max_size=70)


def in_hex(proof: list[bytes]) -> list[str]:
    return [each.hex() for each in proof]


@pytest.mark.parametrize("size", range(9))
def test_roots_equal_those_of_the_known_tree(size: int) -> None:
    """RFC 6962, section 2.1, on the tree that certificate-transparency tests with."""
    assert compute_root(HASHES[:size]).hex() == ROOTS[size]


def test_empty_root_is_the_hash_of_no_bytes() -> None:
    assert Frontier().root() == compute_root([]) == EMPTY_ROOT


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_equal_those_of_the_known_tree(
    index: int, size: int, proof: list[str]
) -> None:
    assert in_hex(build_inclusion_proof(HASHES[:size], index)) == proof


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_consistency_proofs_equal_those_of_the_known_tree(
    first: int, second: int, proof: list[str]
) -> None:
    assert in_hex(build_consistency_proof(HASHES[:second], first)) == proof


def test_frontier_encodes_size_and_hashes() -> None:
    """What is on disk stays readable: 7 leaves are subtrees of 4, 2 and 1."""
    frontier = Frontier()
    for leaf in HASHES[:7]:
        frontier = frontier.append(leaf)
    encoded = bytes.fromhex(
        "0000000000000007"
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
    )
    assert frontier.encode() == encoded
    assert Frontier.decode(encoded) == frontier


@pytest.mark.parametrize("encoded", [b"", b"\0" * 7, b"\0" * 9, b"\0" * 7 + b"\3" + b"\0" * 32])
def test_frontier_decode_refuses_another_length(encoded: bytes) -> None:
    with pytest.raises(DecodingError, match="not a frontier"):
        Frontier.decode(encoded)


@given(hashes)
def test_frontier_root_equals_the_root_of_all_leaves(leaves: list[bytes]) -> None:
    """Appending needs no more than the frontier, and writing it loses nothing."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = Frontier.decode(frontier.encode()).append(leaf)
    assert frontier.root() == by_definition(leaves)
    assert frontier.size == len(leaves)


@given(hashes, st.data())
def test_inclusion_proof_verifies_its_own_leaf_only(
    leaves: list[bytes], data: st.DataObject
) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = build_inclusion_proof(leaves, index)
    assert verify_inclusion(leaves[index], index, size, proof, compute_root(leaves))
    assert not verify_inclusion(hash_leaf(b"other"), index, size, proof, compute_root(leaves))
    assert not verify_inclusion(leaves[index], size, size, proof, compute_root(leaves))
    assert not verify_inclusion(
        leaves[index], index, size, [*proof, proof_end()], compute_root(leaves)
    )


@given(hashes, st.data())
def test_consistency_proof_verifies_every_earlier_tree(
    leaves: list[bytes], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(leaves)))
    before, after = compute_root(leaves[:first]), compute_root(leaves)
    proof = build_consistency_proof(leaves, first)
    assert verify_consistency(first, len(leaves), before, after, proof)
    assert not verify_consistency(first, len(leaves), hash_leaf(b"other"), after, proof)
    assert not verify_consistency(first, len(leaves), before, hash_leaf(b"other"), proof)
    assert not verify_consistency(first, len(leaves), before, after, [*proof, proof_end()])


def test_proof_fails_when_the_index_is_outside_the_tree() -> None:
    with pytest.raises(ProofRangeError):
        build_inclusion_proof(HASHES, 8)
    for first in (0, 9):
        with pytest.raises(ProofRangeError, match="nothing to prove"):
            build_consistency_proof(HASHES, first)
    assert not verify_consistency(0, 8, EMPTY_ROOT, compute_root(HASHES), [])


VECTORS = [
    pytest.param(file, id=str(file.relative_to(SAMPLES)))
    for file in sorted(SAMPLES.rglob("*.json"))
]
ABSENT = pytest.param(None, marks=pytest.mark.skip(f"the shared vectors are not in {SAMPLES}"))


@pytest.mark.parametrize("file", VECTORS or [ABSENT])
def test_verification_agrees_with_the_shared_vectors(file: Path) -> None:
    """The vectors of transparency-dev/merkle, good and bad."""
    vector = json.loads(file.read_text())
    proof = [base64.b64decode(each) for each in vector["proof"] or []]
    assert judged(vector, proof) is not vector["wantErr"]


def judged(vector: dict[str, Any], proof: list[bytes]) -> bool:
    def hash_of(name: str) -> bytes:
        return base64.b64decode(vector[name] or "")

    if "leafIdx" in vector:
        place = vector["leafIdx"], vector["treeSize"]
        return verify_inclusion(hash_of("leafHash"), *place, proof, hash_of("root"))
    sizes = vector["size1"], vector["size2"]
    return verify_consistency(*sizes, hash_of("root1"), hash_of("root2"), proof)


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 section 2.1.1 writes it."""
    if len(leaves) == 1:
        return leaves[0]
    split = max(1 << bit for bit in range(10) if 1 << bit < len(leaves))
    return hash_node(by_definition(leaves[:split]), by_definition(leaves[split:]))


def proof_end() -> bytes:
    return hash_leaf(b"one hash too many")
