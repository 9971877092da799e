"""Whether a database still holds what was signed of it: a restored copy is no fork.

A checkpoint that was kept outside binds its log for good. A database in which the log is shorter,
or has another root at that size, is an older copy, and what it would go on with is another log
under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.entry import Kind
from audit.notes import encode_base64
from audit.subtrees import Subtrees
from rules.event import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.checkpoints import Checkpoint
    from audit.store import Snapshot

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

    Where a log went on after its checkpoint, it is enough that this was entered in `system`, which
    no older copy can hold; of `system` itself the root is made from the leaf hashes.
    """
    missing, entered = [], {}
    for log, checkpoint in sorted(kept.items()):
        head = snapshot.head(log)
        loss = Lost(log, checkpoint.size, checkpoint.root, head.size)
        if head.size > checkpoint.size > 0:
            entered[log] = loss
        elif (head.size, head.root) != (checkpoint.size, checkpoint.root) and checkpoint.size:
            missing.append(loss)
    if loss_of_system := entered.pop(SYSTEM, None):
        there = Subtrees().frontier(snapshot, SYSTEM, loss_of_system.size)
        if there.root() != loss_of_system.root:
            missing.append(loss_of_system)
    return sorted([*missing, *_not_entered(snapshot, entered)], key=lambda each: each.log)


def in_words(losses: Sequence[Lost]) -> str:
    more = f"; and {len(losses) - _SAID} more" if len(losses) > _SAID else ""
    return "; ".join(map(str, losses[:_SAID])) + more


def _not_entered(snapshot: Snapshot, wanted: dict[str, Lost]) -> list[Lost]:
    """Those of which `system` holds no checkpoint; read from its end, as far as is needed."""
    left, missing = dict(wanted), []
    for entry in snapshot.backwards(SYSTEM, Kind.CHECKPOINT):
        if not left:
            break
        leaf = entry.value
        loss = left.get(leaf.get("log", ""))
        if loss is None or leaf["size"] > loss.size:
            continue
        if (leaf["size"], leaf["root"]) != (loss.size, encode_base64(loss.root)):
            missing.append(loss)
        del left[loss.log]
    return [*missing, *left.values()]
