"""The tree of a large log, read through the roots of its full subtrees: c2sp.org/tlog-tiles.

Level 1 has a root for every 256 leaves, level 2 for every 256 roots of level 1, and so on: a root
of level L and index N is the MTH of RFC 9162, section 2.1.1, over the leaves from N * 256**L up to
before (N + 1) * 256**L. Level 0 are the leaf hashes. With the stored roots, a proof in a tree of
any size needs a few hundred hashes.
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
    """The root of a full subtree, of level 1 or above."""

    level: int
    index: int
    root: bytes


def subtrees_filled_by(before: merkle.Frontier, leaf_hash: bytes) -> Iterator[Subtree]:
    """Yield the subtrees that appending a leaf fills, lowest first, given its leaf hash.

    Only every 256th leaf fills a subtree.
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
    """Yield the subtrees that appending the leaf hashes fills, in the order of filling."""
    frontier = before
    for leaf in leaves:
        yield from subtrees_filled_by(frontier, leaf)
        frontier = frontier.append(leaf)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of `size` leaves that reads only the hashes that a proof needs.

    `leaf_hashes(start, stop)` returns the hashes from `start` up to before `stop`, at most 256 at a
    time. `stored(level, index)` returns the root of a full subtree; if it returns None, the tree
    computes the root from the level below.
    """

    size: int
    leaf_hashes: Callable[[int, int], Sequence[bytes]]
    read_root: Callable[[int, int], bytes | None]

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return self._compute_root(0, self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return PATH of RFC 9162, section 2.1.3.1.

        Raises ProofRangeError if the tree has no such leaf.
        """
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
        """Return PROOF of RFC 9162, section 2.1.4.1: the first `first` leaves are the smaller tree.

        Raises ProofRangeError if `first` is not between 1 and the size.
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
        """Return the MTH over the leaves of a node, in subtrees that are as large as possible."""
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
    """Return the first leaf of the node's right half: RFC 9162, section 2.1.1."""
    return start + (1 << (stop - start - 1).bit_length() - 1)
