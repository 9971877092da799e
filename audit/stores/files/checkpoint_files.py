"""The last checkpoint of each log, kept outside the database: a file per log, its signed note.

Written after the commit that the checkpoint is of, and durably, so it never says more than the
database on disk. A database that says less is not the one that was signed: `rollback_detection.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import StorageUnavailableError
from audit.log.checkpoint import Checkpoint, parse_checkpoint
from audit.log.signed_note import EvidenceError, parse_note
from audit.stores.files.atomic_write import sync_folder, write_durably
from audit.stores.files.file_locks import hold_lock
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINTS = "checkpoints"
ARCHIVE_FOLDER = "lost"
_REFUSAL_FILE = ".refused"
_LOG = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A note, and what it says; who signed it was not asked."""

    note: bytes
    checkpoint: Checkpoint


class CheckpointFiles:
    """The files of a folder; safe to share between threads and processes.

    Raises StorageUnavailableError.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def logs(self) -> list[str]:
        """The logs that have one, sorted."""
        try:
            names = [path.name for path in self._folder.iterdir() if path.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise translate_error(error) from error
        return sorted(name for name in names if _LOG.fullmatch(name))

    def get(self, log: str) -> StoredCheckpoint | None:
        """The log's; None where there is none. StorageUnavailableError where it cannot be read."""
        path = self._folder / log
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise translate_error(error) from error
        try:
            return StoredCheckpoint(note, parse_checkpoint(parse_note(note).text))
        except EvidenceError as error:
            raise StorageUnavailableError(f"{path} is no checkpoint: {error}") from error

    def save(self, log: str, note: bytes) -> None:
        """Keep the log's newest: nothing is done where there is one of more entries."""
        size = parse_checkpoint(parse_note(note).text).size
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with hold_lock(self._folder / ".lock"):
                previous = self.get(log)
                if previous is None or previous.checkpoint.size <= size:
                    write_durably(self._folder / log, note)
        except OSError as error:
            raise translate_error(error) from error

    def write_refusal(self, words: str) -> None:
        """Keep what was refused a checkpoint, for other processes to tell; empty for nothing."""
        path = self._folder / _REFUSAL_FILE
        try:
            if words:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                path.write_text(words, encoding="utf-8")
            elif path.exists():
                path.unlink(missing_ok=True)
        except OSError as error:
            raise translate_error(error) from error

    def read_refusal(self) -> str:
        try:
            return (self._folder / _REFUSAL_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def archive(self, log: str) -> None:
        """Keep it no longer as the log's last, but below `lost`, under its size."""
        stored_checkpoint = self.get(log)
        if stored_checkpoint is None:
            return
        folder = self._folder / ARCHIVE_FOLDER
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            with hold_lock(self._folder / ".lock"):
                (self._folder / log).replace(folder / f"{log}.{stored_checkpoint.checkpoint.size}")
                sync_folder(folder)
                sync_folder(self._folder)
        except OSError as error:
            raise translate_error(error) from error
