"""A log recomputed from its leaves as they are on disk: what may be signed.

The writer makes roots from the hashes of what it is given. Here leaves are read again, hashed
again, and added to a frontier that began from the last checkpoint, or from nothing; so what a
second brings costs what it brought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import MissingLeavesError, NotSignedError
from audit.log.merkle import Frontier, hash_leaf

if TYPE_CHECKING:
    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot
    from audit.stores.subtree_cache import SubtreeCache


def begun(
    snapshot: Snapshot, log: str, signed: Checkpoint | None, subtrees: SubtreeCache
) -> Frontier:
    """The frontier of what was signed; NotSignedError where the log does not begin with that."""
    if signed is None or signed.size == 0:
        return Frontier()
    try:
        there = subtrees.frontier(snapshot, log, signed.size)
    except MissingLeavesError as error:
        raise NotSignedError(
            f"{log} lacks some of the {signed.size} entries that were signed"
        ) from error
    if there.root() != signed.root:
        raise NotSignedError(f"{log} has another root at {signed.size} entries than was signed")
    return there


def advanced(snapshot: Snapshot, log: str, before: Frontier) -> Frontier:
    """The frontier of the whole log, of which `before` is the beginning.

    NotSignedError, saying where, if an entry is not the one that was hashed, or the head says
    otherwise.
    """
    head = snapshot.head(log)
    if head.size < before.size:
        raise NotSignedError(f"{log} has {head.size} entries where {before.size} were signed")
    after = before
    for entry in snapshot.entries(log, before.size, head.size):
        hashed = hash_leaf(entry.leaf)
        if (entry.index, entry.leaf_hash) != (after.size, hashed):
            raise NotSignedError(f"entry {after.size} of {log} is not what was hashed")
        after = after.append(hashed)
    if (after.size, after.root()) != (head.size, head.root):
        raise NotSignedError(f"the head of {log} is not that of its entries")
    return after
