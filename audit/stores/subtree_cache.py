"""A cache of the roots of full subtrees, which makes proofs in a large log quick.

The roots are computed from stored leaf hashes on first use. They never change, so a process keeps
them; they are not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import MissingLeavesError
from audit.log.merkle import Frontier, hash_node
from audit.log.tiles import WIDTH, Tree

if TYPE_CHECKING:
    from audit.stores.contract import Snapshot

MAX_CACHED_ROOTS = 1 << 16
"""Maximum number of cached roots, for 16 million leaves; then all are forgotten."""


class SubtreeCache:
    """A cache of roots, safe to share between threads."""

    def __init__(self) -> None:
        self._roots: dict[tuple[str, int, int], bytes] = {}

    def tree(self, snapshot: Snapshot, log: str, size: int) -> Tree:
        """Return the tree over the first `size` leaves, usable while the snapshot is open."""
        return Tree(
            size,
            lambda start, stop: snapshot.leaf_hashes(log, start, stop),
            lambda level, index: self._read_root(snapshot, log, level, index),
        )

    def frontier(self, snapshot: Snapshot, log: str, size: int) -> Frontier:
        """Return the frontier over the first `size` stored leaf hashes of a log.

        Raises MissingLeavesError if not all of them are stored.
        """
        full = size // WIDTH
        subtree_frontier = Frontier()
        for index in range(full):
            subtree_frontier = subtree_frontier.append(self._read_root(snapshot, log, 1, index))
        frontier = Frontier(full * WIDTH, subtree_frontier.subtrees)
        for leaf_hash in _read_hashes(snapshot, log, full * WIDTH, size):
            frontier = frontier.append(leaf_hash)
        return frontier

    def _read_root(self, snapshot: Snapshot, log: str, level: int, index: int) -> bytes:
        key = log, level, index
        if (root := self._roots.get(key)) is not None:
            return root
        start, stop = index * WIDTH, (index + 1) * WIDTH
        hashes = (
            _read_hashes(snapshot, log, start, stop)
            if level == 1
            else [self._read_root(snapshot, log, level - 1, child) for child in range(start, stop)]
        )
        while len(hashes) > 1:
            hashes = [hash_node(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
        if len(self._roots) >= MAX_CACHED_ROOTS:
            self._roots = {}
        self._roots[key] = hashes[0]
        return hashes[0]


def _read_hashes(snapshot: Snapshot, log: str, start: int, stop: int) -> list[bytes]:
    hashes = snapshot.leaf_hashes(log, start, stop)
    if len(hashes) != stop - start:
        raise MissingLeavesError(f"the leaves of {log} from {start} up to {stop} are not all there")
    return hashes
