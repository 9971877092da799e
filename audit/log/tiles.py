"""The tree of a large log, read through the roots of its full subtrees: c2sp.org/tlog-tiles.

Level 1 has a root for every 256 leaves, level 2 for every 256 of those, and so on: a root of level
L and index N is the MTH of RFC 9162, section 2.1.1, over the leaves from N * 256**L up to before
(N + 1) * 256**L. Level 0 are the leaf hashes themselves. Stored with the leaf that fills a subtree,
they let proofs in a tree of any size be made from a few hundred hashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import MissingLeavesError, ProofRangeError
from audit.log import merkle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

HEIGHT = 8
WIDTH = 1 << HEIGHT


@dataclass(frozen=True, slots=True)
class Subtree:
    """The root of a full subtree, of a level from 1 on."""

    level: int
    index: int
    root: bytes


def subtrees_filled_by(before: merkle.Frontier, leaf_hash: bytes) -> Iterator[Subtree]:
    """The subtrees that appending the leaf, of which this is the leaf hash, fills: lowest first.

    That is none but for every 256th leaf.
    """
    size = before.size + 1
    if size % WIDTH:
        return
    root, height = leaf_hash, 0
    for subtree in reversed(before.subtrees):
        if size >> height & 1:
            return
        root, height = merkle.hash_node(subtree, root), height + 1
        if height % HEIGHT == 0:
            yield Subtree(height // HEIGHT, (size >> height) - 1, root)


def list_filled_subtrees(before: merkle.Frontier, leaves: Iterable[bytes]) -> Iterator[Subtree]:
    """The subtrees that appending the leaf hashes fills, in the order in which they are filled."""
    frontier = before
    for leaf in leaves:
        yield from subtrees_filled_by(frontier, leaf)
        frontier = frontier.append(leaf)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of `size` leaves, of which as little is read as a question needs.

    `leaf_hashes(start, stop)` are those from `start` up to before `stop`, at most 256 at a time;
    `stored(level, index)` is the root of a full subtree, or None where none is stored: then it is
    made of those below it.
    """

    size: int
    leaf_hashes: Callable[[int, int], Sequence[bytes]]
    read_root: Callable[[int, int], bytes | None]

    def root(self) -> bytes:
        return self._compute_root(0, self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """PATH of RFC 9162, section 2.1.3.1. ProofRangeError if the tree has no such leaf."""
        if not 0 <= index < self.size:
            raise ProofRangeError(f"a tree of {self.size} leaves has no leaf {index}")
        siblings, start, stop = [], 0, self.size
        while stop - start > 1:
            split = _split_range(start, stop)
            if index < split:
                siblings.append((split, stop))
                stop = split
            else:
                siblings.append((start, split))
                start = split
        return [self._compute_root(*leaves) for leaves in reversed(siblings)]

    def consistency_proof(self, first: int) -> list[bytes]:
        """PROOF of RFC 9162, section 2.1.4.1: that the first `first` leaves are the smaller tree.

        ProofRangeError if `first` is not between 1 and the size.
        """
        if not 0 < first <= self.size:
            raise ProofRangeError(f"nothing to prove between {first} and {self.size} leaves")
        siblings, start, stop = [], 0, self.size
        while stop != first:
            split = _split_range(start, stop)
            if first <= split:
                siblings.append((split, stop))
                stop = split
            else:
                siblings.append((start, split))
                start = split
        if start:
            siblings.append((start, stop))
        return [self._compute_root(*leaves) for leaves in reversed(siblings)]

    def _compute_root(self, start: int, stop: int) -> bytes:
        """MTH over the leaves of a node of the tree, in subtrees as large as fit."""
        count = stop - start
        level = max(count.bit_length() - 1, 0) // HEIGHT
        if level == 0:
            return merkle.compute_root(self._leaf_hashes(start, stop))
        width = WIDTH**level
        first, full = start // width, count // width
        roots = [self._read_subtree(level, first + offset) for offset in range(full)]
        if count % width:
            roots.append(self._compute_root(start + full * width, stop))
        return merkle.compute_root(roots)

    def _read_subtree(self, level: int, index: int) -> bytes:
        if (root := self.read_root(level, index)) is not None:
            return root
        start, stop = index * WIDTH, (index + 1) * WIDTH
        if level == 1:
            return merkle.compute_root(self._leaf_hashes(start, stop))
        return merkle.compute_root(
            [self._read_subtree(level - 1, child) for child in range(start, stop)]
        )

    def _leaf_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        hashes = self.leaf_hashes(start, stop)
        if len(hashes) != stop - start:
            raise MissingLeavesError(f"the leaves from {start} up to {stop} are not all there")
        return hashes


def _split_range(start: int, stop: int) -> int:
    """Where the node over these leaves has its right half, RFC 9162, section 2.1.1."""
    return start + (1 << (stop - start - 1).bit_length() - 1)
