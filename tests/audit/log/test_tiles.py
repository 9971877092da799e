"""Proofs made from stored subtrees against those made from all leaves, and what they read."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import MissingLeavesError, ProofRangeError
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
from audit.log.tiles import Subtree, Tree, list_filled_subtrees, subtrees_filled_by
from tests.audit.log.test_merkle import ABSENT, CONSISTENCY, HASHES, INCLUSION, SAMPLES, in_hex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LEAVES = [hash_leaf(number.to_bytes(4)) for number in range(70_000)]
FRONTIERS = list(accumulate(LEAVES, Frontier.append, initial=Frontier()))
ALL = {(each.level, each.index): each.root for each in list_filled_subtrees(Frontier(), LEAVES)}
SIZES = (*range(1, 24), 31, 64, 65, 127, 255, 256, 257, 300)


class Reads:
    """Leaves and stored subtrees, and how many hashes were read of them."""

    def __init__(self, leaves: Sequence[bytes], stored: Mapping[tuple[int, int], bytes]) -> None:
        self.leaves, self.subtrees, self.count = leaves, stored, 0

    def hashes(self, start: int, stop: int) -> Sequence[bytes]:
        assert stop - start <= 256
        self.count += stop - start
        return self.leaves[start:stop]

    def stored(self, level: int, index: int) -> bytes | None:
        self.count += 1
        return self.subtrees.get((level, index))


def tree(size: int, stored: Mapping[tuple[int, int], bytes]) -> Tree:
    """The tree over the first leaves, with what was stored when it had that size."""
    there = {place: each for place, each in stored.items() if end(*place) <= size}
    reads = Reads(LEAVES[:size], there)
    return Tree(size, reads.hashes, reads.stored)


def end(level: int, index: int) -> int:
    return (index + 1) * int(256**level)


@pytest.mark.parametrize("size", SIZES)
def test_tree_proofs_equal_those_built_from_all_leaves(size: int) -> None:
    """Of every leaf and every smaller tree, and whether subtrees are stored or not."""
    leaves, some = LEAVES[:size], tree(size, ALL)
    assert some.root() == tree(size, {}).root() == compute_root(leaves)
    for index in range(size):
        expected = build_inclusion_proof(leaves, index)
        assert some.inclusion_proof(index) == expected
        assert verify_inclusion(leaves[index], index, size, expected, compute_root(leaves))
    for first in range(1, size + 1):
        assert some.consistency_proof(first) == build_consistency_proof(leaves, first)


@given(st.data())
def test_large_tree_proofs_equal_those_built_from_all_leaves(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    large, whole = tree(size, ALL), FRONTIERS[size].root()
    assert large.root() == whole
    proof = large.inclusion_proof(index)
    assert verify_inclusion(LEAVES[index], index, size, proof, whole)
    before = tree(index + 1, ALL).root()
    proof = large.consistency_proof(index + 1)
    assert verify_consistency(index + 1, size, before, whole, proof)


def test_tree_computes_a_root_that_is_not_stored() -> None:
    """A store may lack any: those of entries from before there were tiles, for one."""
    gaps = {place: each for place, each in ALL.items() if place[0] == 1 and place[1] % 3}
    for index in (0, 40_000, 69_999):
        expected = tree(70_000, ALL).inclusion_proof(index)
        assert tree(70_000, gaps).inclusion_proof(index) == expected
        assert tree(70_000, {}).inclusion_proof(index) == expected


def test_filled_subtrees_are_those_of_the_standard() -> None:
    """The example of c2sp.org/tlog-tiles: 273 full tiles of leaves, one of subtrees."""
    assert [sum(level == each for each, _ in ALL) for level in (1, 2, 3)] == [273, 1, 0]
    assert [index for level, index in ALL if level == 1] == list(range(273))
    for (level, index), each in ALL.items():
        assert each == compute_root(LEAVES[end(level, index - 1) : end(level, index)])


@given(st.integers(0, 1100), st.integers(0, 600))
def test_subtrees_are_listed_once_in_any_batches(before: int, count: int) -> None:
    leaves = LEAVES[before : before + count]
    found = {(each.level, each.index) for each in list_filled_subtrees(FRONTIERS[before], leaves)}
    assert found == {place for place in ALL if before < end(*place) <= before + count}


def test_subtrees_filled_by_a_leaf_start_with_the_lowest() -> None:
    before = FRONTIERS[65_535]
    assert list(subtrees_filled_by(before, LEAVES[65_535])) == [
        Subtree(1, 255, ALL[1, 255]),
        Subtree(2, 0, ALL[2, 0]),
    ]
    assert list(subtrees_filled_by(before.append(LEAVES[65_535]), LEAVES[65_536])) == []


@pytest.mark.parametrize("size", [1_000_000, 16_777_216, 2**32 - 1, 10**15 + 7])
def test_tree_proof_reads_few_hashes_in_a_large_tree(size: int) -> None:
    """In a tree whose leaves are all the same, so that nobody has to hash them."""
    same = [LEAVES[0]]
    for _ in range(64):
        same.append(hash_node(same[-1], same[-1]))
    reads = Reads([], {})

    def hashes(start: int, stop: int) -> Sequence[bytes]:
        reads.count += stop - start
        return same[:1] * (stop - start)

    def stored(level: int, index: int) -> bytes | None:
        reads.count += 1
        return same[8 * level] if end(level, index) <= size else None

    large = Tree(size, hashes, stored)
    subtrees = tuple(same[bit] for bit in reversed(range(64)) if size >> bit & 1)
    whole = Frontier(size, subtrees).root()
    assert large.root() == whole
    for index in (0, 1, size // 3, size // 2, size - 257, size - 1):
        reads.count = 0
        assert verify_inclusion(same[0], index, size, large.inclusion_proof(index), whole)
        assert reads.count <= 2 * 256 * (size.bit_length() // 8 + 1)
        reads.count = 0
        before = Tree(index + 1, hashes, lambda level, _: same[8 * level]).root()
        proof = large.consistency_proof(index + 1)
        assert verify_consistency(index + 1, size, before, whole, proof)
        assert reads.count <= 4 * 256 * (size.bit_length() // 8 + 1)


def test_empty_tree_has_the_empty_root() -> None:
    assert tree(0, {}).root() == EMPTY_ROOT


def test_proof_fails_when_the_index_is_outside_the_tree() -> None:
    for index in (-1, 8):
        with pytest.raises(ProofRangeError):
            tree(8, ALL).inclusion_proof(index)
    for first in (0, 9):
        with pytest.raises(ProofRangeError, match="nothing to prove"):
            tree(8, ALL).consistency_proof(first)


def test_tree_fails_when_leaves_are_missing() -> None:
    reads = Reads(LEAVES[:7], {})
    with pytest.raises(MissingLeavesError, match="not all there"):
        Tree(8, reads.hashes, reads.stored).root()


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_equal_those_of_the_known_tree(
    index: int, size: int, proof: list[str]
) -> None:
    assert in_hex(known(size).inclusion_proof(index)) == proof


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_consistency_proofs_equal_those_of_the_known_tree(
    first: int, second: int, proof: list[str]
) -> None:
    assert in_hex(known(second).consistency_proof(first)) == proof


GOOD = [
    pytest.param(file, id=str(file.relative_to(SAMPLES)))
    for file in sorted(SAMPLES.rglob("happy-path.json"))
]


@pytest.mark.parametrize("file", GOOD or [ABSENT])
def test_built_proofs_equal_the_shared_vectors(file: Path) -> None:
    """The good vectors of transparency-dev/merkle, which are over the known tree."""
    vector = json.loads(file.read_text())
    if "leafIdx" in vector:
        ours = known(vector["treeSize"]).inclusion_proof(vector["leafIdx"])
    elif vector["size1"]:
        ours = known(vector["size2"]).consistency_proof(vector["size1"])
    else:
        ours = []
    assert ours == [b64decode(each) for each in vector["proof"] or []]


def known(size: int) -> Tree:
    reads = Reads(HASHES[:size], {})
    return Tree(size, reads.hashes, reads.stored)
