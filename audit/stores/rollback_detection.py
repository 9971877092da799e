"""Whether a database still holds what was signed of it: a restored copy is no fork.

A checkpoint that was kept outside binds its log for good. A database in which the log is shorter,
or has another root at that size, is an older copy, and what it would go on with is another log
under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.errors import MissingLeavesError
from audit.log.signed_note import encode_base64
from audit.stores.subtree_cache import Subtrees
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot

_SAID = 5


@dataclass(frozen=True, slots=True)
class Lost:
    """A log of which `size` entries with this root were signed, and the entries it has."""

    log: str
    size: int
    root: bytes
    there: int

    def __str__(self) -> str:
        if self.there < self.size:
            return f"{self.log} has {self.there} entries where {self.size} were signed"
        return f"{self.log} has another root at {self.size} entries than was signed"


def lost(snapshot: Snapshot, kept: Mapping[str, Checkpoint]) -> list[Lost]:
    """The logs that lack what their checkpoints, by log, say; sorted.

    Where a log went on after its checkpoint, it is enough that this is the last one that was
    entered of it in `system`, which no older copy can hold. Where it is not, because two processes
    signed at once, and for `system` itself, the root is made from the leaf hashes.
    """
    missing, longer = [], {}
    for log, checkpoint in sorted(kept.items()):
        head = snapshot.head(log)
        loss = Lost(log, checkpoint.size, checkpoint.root, head.size)
        if head.size > checkpoint.size > 0:
            longer[log] = loss
        elif (head.size, head.root) != (checkpoint.size, checkpoint.root) and checkpoint.size:
            missing.append(loss)
    missing += [loss for loss in _not_entered(snapshot, longer) if _differs(snapshot, loss)]
    return sorted(missing, key=lambda each: each.log)


def in_words(losses: Sequence[Lost]) -> str:
    more = f"; and {len(losses) - _SAID} more" if len(losses) > _SAID else ""
    return "; ".join(map(str, losses[:_SAID])) + more


def _not_entered(snapshot: Snapshot, wanted: Mapping[str, Lost]) -> list[Lost]:
    """Those that are not the last one that `system` holds of their log, at their size or below.

    Read from its end, as far as is needed; of `system` itself it holds none.
    """
    left = {log: loss for log, loss in wanted.items() if log != SYSTEM_LOG}
    others = [loss for log, loss in wanted.items() if log == SYSTEM_LOG]
    for entry in snapshot.backwards(SYSTEM_LOG, EntryKind.CHECKPOINT):
        if not left:
            break
        leaf = entry.value
        loss = left.get(leaf.get("log", ""))
        if loss is None or leaf["size"] > loss.size:
            continue
        if (leaf["size"], leaf["root"]) != (loss.size, encode_base64(loss.root)):
            others.append(loss)
        del left[loss.log]
    return [*others, *left.values()]


def _differs(snapshot: Snapshot, loss: Lost) -> bool:
    """Whether the log, which is longer, did not begin with what was signed."""
    try:
        return Subtrees().frontier(snapshot, loss.log, loss.size).root() != loss.root
    except MissingLeavesError:  # entries are missing that its head counts
        return True
