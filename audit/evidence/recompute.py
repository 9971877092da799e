"""Recomputation of a log from its stored leaves, before it is signed.

The writer makes roots from the hashes of the leaves that it is given. Here the leaves are read and
hashed again, and appended to the frontier of the last checkpoint. The cost of a checkpoint is that
of the new entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import MissingLeavesError, NotSignedError
from audit.log.merkle import Frontier, hash_leaf

if TYPE_CHECKING:
    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot
    from audit.stores.subtree_cache import SubtreeCache


def frontier_at_checkpoint(
    snapshot: Snapshot, log: str, checkpoint: Checkpoint | None, subtrees: SubtreeCache
) -> Frontier:
    """Return the frontier at the checkpoint's size.

    Raises NotSignedError if the log does not begin with the signed entries.
    """
    if checkpoint is None or checkpoint.size == 0:
        return Frontier()
    try:
        frontier = subtrees.frontier(snapshot, log, checkpoint.size)
    except MissingLeavesError as error:
        raise NotSignedError(
            f"{log} lacks some of the {checkpoint.size} entries that were signed"
        ) from error
    if frontier.root() != checkpoint.root:
        raise NotSignedError(
            f"{log} has a different root at {checkpoint.size} entries than was signed"
        )
    return frontier


def extend_frontier(snapshot: Snapshot, log: str, signed_frontier: Frontier) -> Frontier:
    """Return the frontier of the whole log, which must begin with `signed_frontier`.

    Raises NotSignedError, with the entry's index, if an entry is not the hashed one, or if the head
    differs.
    """
    head = snapshot.head(log)
    if head.size < signed_frontier.size:
        raise NotSignedError(
            f"{log} has {head.size} entries, but {signed_frontier.size} were signed"
        )
    frontier = signed_frontier
    for entry in snapshot.entries(log, signed_frontier.size, head.size):
        leaf_hash = hash_leaf(entry.leaf)
        if (entry.index, entry.leaf_hash) != (frontier.size, leaf_hash):
            raise NotSignedError(f"entry {frontier.size} of {log} does not have the stored hash")
        frontier = frontier.append(leaf_hash)
    if (frontier.size, frontier.root()) != (head.size, head.root):
        raise NotSignedError(f"the head of {log} does not match its entries")
    return frontier
