"""A copy of the ledger that is made while it is served, and held against what was signed."""

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
class Copied:
    """A log of the copy, recomputed from its leaves; `wrong` says what it does not agree with."""

    log: str
    size: int
    root: bytes
    wrong: str | None


def back_up(data: Path, to: Path) -> list[Copied]:
    """Copy the ledger of a folder into another, which is empty, and recompute the copy.

    1. the checkpoints first, so that the copy holds at least what they say
    2. the databases, each as it is at one moment
    3. every leaf of the copy is hashed again, and every root compared with head and checkpoint

    The signing key is not copied: it belongs where backups are not.
    """
    notes = {log: kept for log in _kept(data).logs() if (kept := _kept(data).get(log))}
    (to / CHECKPOINTS).mkdir(mode=0o700)
    for log, kept in notes.items():
        write_durably(to / CHECKPOINTS / log, kept.note)
    copy_ledger(data, to)
    with SqliteStore.open(to) as copy, copy.read() as snapshot:
        logs = sorted({*snapshot.logs(), *notes})
        said = {log: kept.checkpoint for log, kept in notes.items()}
        copied = [_recomputed(snapshot, log, said.get(log)) for log in logs]
    remove_reader_files(to)
    return copied


def _kept(folder: Path) -> CheckpointFiles:
    return CheckpointFiles(folder / CHECKPOINTS)


def _recomputed(snapshot: Snapshot, log: str, signed: Checkpoint | None) -> Copied:
    frontier = Frontier()
    root_then = frontier.root() if signed and not signed.size else None
    unlike: int | None = None
    for entry in snapshot.entries(log):
        hashed = hash_leaf(entry.leaf)
        if unlike is None and entry.leaf_hash != hashed:
            unlike = entry.index
        frontier = frontier.append(hashed)
        if signed and frontier.size == signed.size:
            root_then = frontier.root()
    wrong = None
    head = snapshot.head(log)
    if (head.size, head.root) != (frontier.size, frontier.root()):
        wrong = "its head is not that of its entries"
    elif signed and root_then is None:
        wrong = f"it has {frontier.size} entries where {signed.size} were signed"
    elif signed and root_then != signed.root:
        wrong = f"it has another root at {signed.size} entries than was signed"
    elif unlike is not None:
        wrong = f"its entry {unlike} is not the one that was hashed"
    return Copied(log, frontier.size, frontier.root(), wrong)
