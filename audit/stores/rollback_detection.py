"""Whether a database still holds what was signed of it: a restored copy is no fork.

A checkpoint that was kept outside binds its log for good. A database in which the log is shorter,
or has another root at that size, is an older copy, and what it would go on with is another log
under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.errors import BadLeafError, MissingLeavesError
from audit.log.entries import CheckpointSigned
from audit.log.signed_note import encode_base64
from audit.stores.subtree_cache import SubtreeCache
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.stores.contract import Snapshot
    from audit.stores.signing import StoredCheckpoints

_MAX_DESCRIBED = 5


@dataclass(frozen=True, slots=True)
class MissingEntries:
    """A log of which `size` entries with this root were signed, and the entries it has."""

    log: str
    size: int
    root: bytes
    actual_size: int

    def __str__(self) -> str:
        if self.actual_size < self.size:
            return f"{self.log} has {self.actual_size} entries where {self.size} were signed"
        return f"{self.log} has another root at {self.size} entries than was signed"


def find_missing_entries(
    snapshot: Snapshot, checkpoints: StoredCheckpoints
) -> list[MissingEntries]:
    """The logs that lack what their checkpoints, by log, say; sorted.

    Where a log went on after its checkpoint, it is enough that this is the last one that was
    entered of it in `system`, which no older copy can hold. Where it is not, because two processes
    signed at once, and for `system` itself, the root is made from the leaf hashes.
    """
    losses, to_check = [], {}
    for log in checkpoints.logs():
        stored_checkpoint = checkpoints.newest(log)
        if stored_checkpoint is None:
            continue
        checkpoint = stored_checkpoint.checkpoint
        head = snapshot.head(log)
        loss = MissingEntries(log, checkpoint.size, checkpoint.root, head.size)
        if head.size > checkpoint.size > 0:
            to_check[log] = loss
        elif (head.size, head.root) != (checkpoint.size, checkpoint.root) and checkpoint.size:
            losses.append(loss)
    losses += [
        loss for loss in _select_unrecorded(snapshot, to_check) if _root_differs(snapshot, loss)
    ]
    return sorted(losses, key=lambda loss: loss.log)


def describe_missing_entries(losses: Sequence[MissingEntries]) -> str:
    suffix = f"; and {len(losses) - _MAX_DESCRIBED} more" if len(losses) > _MAX_DESCRIBED else ""
    return "; ".join(map(str, losses[:_MAX_DESCRIBED])) + suffix


def _select_unrecorded(
    snapshot: Snapshot, losses: Mapping[str, MissingEntries]
) -> list[MissingEntries]:
    """Those that are not the last one that `system` holds of their log, at their size or below.

    Read from its end, as far as is needed; of `system` itself it holds none.
    """
    open_losses = {log: loss for log, loss in losses.items() if log != SYSTEM_LOG}
    unrecorded = [loss for log, loss in losses.items() if log == SYSTEM_LOG]
    for entry in snapshot.reversed_entries(SYSTEM_LOG, EntryKind.CHECKPOINT):
        if not open_losses:
            break
        try:
            signed = CheckpointSigned.from_leaf(entry.value)
        except BadLeafError:  # it records nothing; the verifier reports it
            continue
        loss = open_losses.get(signed.log)
        if loss is None or signed.size > loss.size:
            continue
        if (signed.size, signed.root) != (loss.size, encode_base64(loss.root)):
            unrecorded.append(loss)
        del open_losses[loss.log]
    return [*unrecorded, *open_losses.values()]


def _root_differs(snapshot: Snapshot, loss: MissingEntries) -> bool:
    """Whether the log, which is longer, did not begin with what was signed."""
    try:
        return SubtreeCache().frontier(snapshot, loss.log, loss.size).root() != loss.root
    except MissingLeavesError:  # entries are missing that its head counts
        return True
