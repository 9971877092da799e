"""Backups of a ledger in use, compared with its signed checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.log.merkle import Frontier, hash_leaf
from audit.stores.files.atomic_write import write_durably
from audit.stores.files.checkpoint_files import CHECKPOINTS, CheckpointFiles
from audit.stores.sqlite.online_copy import copy_ledger, remove_reader_files
from audit.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot


@dataclass(frozen=True, slots=True)
class CopiedLog:
    """A log of the copy, recomputed from its leaves; `problem` describes a contradiction."""

    log: str
    size: int
    root: bytes
    problem: str | None


def back_up(data: Path, to: Path) -> list[CopiedLog]:
    """Copy the ledger of a folder into an empty folder, and recompute the copy.

    1. Copy the checkpoints first, so that the copy has at least the entries that they cover.
    2. Copy the databases, each as it is at one moment.
    3. Hash every leaf of the copy again, and compare every root with head and checkpoint.

    The signing key is not copied: keep it apart from backups.
    """
    notes = {
        log: stored_checkpoint
        for log in _checkpoint_files(data).logs()
        if (stored_checkpoint := _checkpoint_files(data).newest(log))
    }
    (to / CHECKPOINTS).mkdir(mode=0o700)
    for log, stored_checkpoint in notes.items():
        write_durably(to / CHECKPOINTS / log, stored_checkpoint.note)
    copy_ledger(data, to)
    with SqliteStore.open(to) as copy, copy.read() as snapshot:
        logs = sorted({*snapshot.logs(), *notes})
        checkpoints = {
            log: stored_checkpoint.checkpoint for log, stored_checkpoint in notes.items()
        }
        copied_logs = [_recompute_log(snapshot, log, checkpoints.get(log)) for log in logs]
    remove_reader_files(to)
    return copied_logs


def _checkpoint_files(folder: Path) -> CheckpointFiles:
    return CheckpointFiles(folder / CHECKPOINTS)


def _recompute_log(snapshot: Snapshot, log: str, checkpoint: Checkpoint | None) -> CopiedLog:
    frontier = Frontier()
    root_at_checkpoint = frontier.root() if checkpoint and not checkpoint.size else None
    first_mismatch: int | None = None
    for entry in snapshot.entries(log):
        leaf_hash = hash_leaf(entry.leaf)
        if first_mismatch is None and entry.leaf_hash != leaf_hash:
            first_mismatch = entry.index
        frontier = frontier.append(leaf_hash)
        if checkpoint and frontier.size == checkpoint.size:
            root_at_checkpoint = frontier.root()
    problem = None
    head = snapshot.head(log)
    if (head.size, head.root) != (frontier.size, frontier.root()):
        problem = "its head does not match its entries"
    elif checkpoint and root_at_checkpoint is None:
        problem = f"it has {frontier.size} entries, but {checkpoint.size} were signed"
    elif checkpoint and root_at_checkpoint != checkpoint.root:
        problem = f"it has a different root at {checkpoint.size} entries than was signed"
    elif first_mismatch is not None:
        problem = f"its entry {first_mismatch} does not have the stored hash"
    return CopiedLog(log, frontier.size, frontier.root(), problem)
