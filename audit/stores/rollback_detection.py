"""Detection of a rollback: a database that lacks entries which were signed.

A checkpoint that is stored outside the database binds its log forever. A database in which the log
is shorter, or has a different root at that size, is an older copy. Continuing it would create a
different log under the same name.
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
    """A log that lacks signed entries: `size` and `root` were signed, `actual_size` is stored."""

    log: str
    size: int
    root: bytes
    actual_size: int

    def __str__(self) -> str:
        if self.actual_size < self.size:
            return f"{self.log} has {self.actual_size} entries, but {self.size} were signed"
        return f"{self.log} has a different root at {self.size} entries than was signed"


def find_missing_entries(
    snapshot: Snapshot, checkpoints: StoredCheckpoints
) -> list[MissingEntries]:
    """Return the logs that contradict their stored checkpoints, sorted.

    1. A log that ends at its checkpoint has its size and root in its head.
    2. A log that continues after it is right if `system` records that checkpoint as the newest at
       its size or below: an older copy cannot contain the record.
    3. For other logs, and for `system`, the root is computed from the leaf hashes. Two processes
       that signed at the same time can cause this.
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
    """Return a message that names the first few logs."""
    suffix = f"; and {len(losses) - _MAX_DESCRIBED} more" if len(losses) > _MAX_DESCRIBED else ""
    return "; ".join(map(str, losses[:_MAX_DESCRIBED])) + suffix


def _select_unrecorded(
    snapshot: Snapshot, losses: Mapping[str, MissingEntries]
) -> list[MissingEntries]:
    """Return the checkpoints that differ from the newest one recorded in `system`.

    The record counts if it is of the same log at that size or smaller. The entries are read
    backwards as far as needed. `system` records no checkpoints of itself.
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
    """Return True if the log did not have the signed root at the signed size."""
    try:
        return SubtreeCache().frontier(snapshot, loss.log, loss.size).root() != loss.root
    except MissingLeavesError:  # entries are missing that its head counts
        return True
