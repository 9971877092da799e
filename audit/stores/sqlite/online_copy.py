"""Copies of a ledger's databases while they are in use: SQLite's online backup, in one step each.

The copy of the entries is of one moment. The keys of contacts are copied after it, because a key
exists before the data that it encrypts. A key that is destroyed in between is missing in the copy.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from audit.stores.files.atomic_write import sync_folder
from audit.stores.files.contact_keys import KEYS
from audit.stores.sqlite.store import LEDGER
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path


def copy_ledger(folder: Path, to: Path) -> None:
    """Copy entries and keys into an empty folder, durably. Raises StorageUnavailableError."""
    try:
        for name in (LEDGER, KEYS):
            if (folder / name).exists():
                _copy(folder / name, to / name)
        sync_folder(to)
    except (OSError, sqlite3.Error) as error:
        raise translate_error(error) from error


def remove_reader_files(folder: Path) -> None:
    """Remove the empty files that read-only connections leave next to a copy."""
    try:
        with closing(sqlite3.connect(folder / LEDGER)) as connection:
            connection.execute(
                "SELECT 1 FROM logs"
            )  # a connection that has read may remove the WAL
    except sqlite3.Error as error:
        raise translate_error(error) from error


def _copy(path: Path, to: Path) -> None:
    os.close(os.open(to, os.O_CREAT | os.O_EXCL, 0o600))
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    target = sqlite3.connect(to)
    with closing(source), closing(target):
        source.backup(target)
    descriptor = os.open(to, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
