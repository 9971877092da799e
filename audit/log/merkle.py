"""The Merkle tree over a log: RFC 6962 section 2.1, RFC 9162 section 2.1.

Pure functions over leaf hashes, and `Frontier`, the part of a tree that appending needs. Every hash
is the 32 bytes of a SHA-256. Proofs list their hashes from the leaf upwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import DecodingError, ProofRangeError

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_SIZE_BYTES = 8


def hash_leaf(leaf: bytes) -> bytes:
    """Return SHA-256 over byte 0 and the leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256 over byte 1 and the hashes of both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the full subtrees of a tree of `size` leaves, largest first.

    There is one root for every bit that is set in `size`.
    """

    size: int = 0
    subtrees: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """Return the frontier after one more leaf, given its leaf hash."""
        subtrees, merged, size = list(self.subtrees), leaf, self.size
        while size & 1:
            merged = hash_node(subtrees.pop(), merged)
            size >>= 1
        return Frontier(self.size + 1, (*subtrees, merged))

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        if not self.subtrees:
            return EMPTY_ROOT
        *larger, merged = self.subtrees
        for subtree in reversed(larger):
            merged = hash_node(subtree, merged)
        return merged

    def encode(self) -> bytes:
        """Return the size in 8 bytes, big-endian, then the subtrees' hashes, largest first."""
        return self.size.to_bytes(_SIZE_BYTES) + b"".join(self.subtrees)

    @classmethod
    def decode(cls, encoded: bytes) -> Frontier:
        """Decode the bytes that `encode` wrote. Raises DecodingError for other bytes."""
        size, hashes = int.from_bytes(encoded[:_SIZE_BYTES]), encoded[_SIZE_BYTES:]
        if len(encoded) < _SIZE_BYTES or len(hashes) != size.bit_count() * HASH_SIZE:
            raise DecodingError("not a frontier: its length does not fit its size")
        starts = range(0, len(hashes), HASH_SIZE)
        return cls(size, tuple(hashes[start : start + HASH_SIZE] for start in starts))


def compute_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes: MTH of RFC 9162, section 2.1.1."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


def build_inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return PATH of RFC 9162, section 2.1.3.1.

    Raises ProofRangeError if the tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ProofRangeError(f"a tree of {len(leaves)} leaves has no leaf {index}")
    if len(leaves) == 1:
        return []
    split = _split_size(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*build_inclusion_proof(left, index), compute_root(right)]
    return [*build_inclusion_proof(right, index - split), compute_root(left)]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> bool:
    """Return True if the leaf hash is at `index` of the tree: RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, merged = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            merged = hash_node(sibling, merged)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            merged = hash_node(merged, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and merged == expected_root


def build_consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return PROOF of RFC 9162, section 2.1.4.1: the first `first` leaves are the smaller tree.

    Raises ProofRangeError if `first` is not between 1 and the number of leaves.
    """
    if not 0 < first <= len(leaves):
        raise ProofRangeError(f"nothing to prove between {first} and {len(leaves)} leaves")
    return _subproof(leaves, first, whole=True)


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [compute_root(leaves)]
    split = _split_size(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if first <= split:
        return [*_subproof(left, first, whole=whole), compute_root(right)]
    return [*_subproof(right, first - split, whole=False), compute_root(left)]


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return True if the second tree begins with the first: RFC 9162, section 2.1.4.2.

    Return False if the first tree has no leaves: that cannot be proved.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = hash_node(sibling, old), hash_node(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = hash_node(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split_size(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
