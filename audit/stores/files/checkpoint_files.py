"""The newest checkpoint of each log, outside the database: one file per log with its signed note.

A file is written durably after the commit that its checkpoint covers. It therefore never states
more than the database on disk. `rollback_detection.py` finds a database that has less.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.errors import StorageUnavailableError
from audit.log.signed_note import EvidenceError
from audit.stores.files.atomic_write import sync_folder, write_durably
from audit.stores.files.file_locks import hold_lock
from audit.stores.signing import StoredCheckpoint
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINTS = "checkpoints"
ARCHIVE_FOLDER = "lost"
_REFUSAL_FILE = ".refused"
_LOG = re.compile(r"[a-z0-9][a-z0-9_-]*")


class CheckpointFiles:
    """The files of a folder, as `StoredCheckpoints`; archived ones are below `lost`, by size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def logs(self) -> list[str]:
        """Return the names of the logs that have a file, sorted."""
        try:
            names = [path.name for path in self._folder.iterdir() if path.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise translate_error(error) from error
        return sorted(name for name in names if _LOG.fullmatch(name))

    def newest(self, log: str) -> StoredCheckpoint | None:
        """Return the checkpoint of the log's file.

        Raises StorageUnavailableError if the file cannot be read or has another content.
        """
        path = self._folder / log
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise translate_error(error) from error
        try:
            return StoredCheckpoint.parse(note)
        except EvidenceError as error:
            raise StorageUnavailableError(f"{path} is not a checkpoint: {error}") from error

    def save(self, log: str, note: bytes) -> None:
        """Write the note to the log's file, unless the file has one of more entries."""
        size = StoredCheckpoint.parse(note).checkpoint.size
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with hold_lock(self._folder / ".lock"):
                previous = self.newest(log)
                if previous is None or previous.checkpoint.size <= size:
                    write_durably(self._folder / log, note)
        except OSError as error:
            raise translate_error(error) from error

    def archive(self, log: str) -> None:
        """Move the log's file below `lost`, named after log and size; do nothing without a file."""
        stored_checkpoint = self.newest(log)
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

    def write_refusal(self, message: str) -> None:
        """Write why checkpoints were refused, for other processes; an empty message removes it."""
        path = self._folder / _REFUSAL_FILE
        try:
            if message:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                path.write_text(message, encoding="utf-8")
            elif path.exists():
                path.unlink(missing_ok=True)
        except OSError as error:
            raise translate_error(error) from error

    def read_refusal(self) -> str:
        """Return the written refusal; empty if there is none or it cannot be read."""
        try:
            return (self._folder / _REFUSAL_FILE).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
