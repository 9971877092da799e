"""The keys that encrypt personal parts, one per contact, in a separate file.

A key is on disk before it encrypts anything: each process creates many keys in one commit, and uses
them one by one. An unused key is harmless. Its number is never used again.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from audit.errors import StorageUnavailableError
from audit.stores.encryption import KEY_SIZE, compute_pseudonym
from audit.stores.migrations import migrate
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlite_utils import Database

KEYS = "contacts.sqlite3"
APPLICATION_ID = 0x504C434B  # "PLCK"
KEYS_PER_COMMIT = 1024
"""Number of keys that a process creates in one commit."""
MAX_CACHED_KEYS = 4096
"""Maximum number of keys in the memory of a process; then it forgets them all."""


def _create_format_1(db: Database) -> None:
    """Create the tables. Files of this format without recorded migrations have equal tables."""
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("CREATE TABLE secret (value BLOB NOT NULL) STRICT")
    db.execute(
        "CREATE TABLE keys (number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL) STRICT"
    )
    db.execute("PRAGMA user_version = 1")


_MIGRATIONS = (_create_format_1,)


class ContactKeys:
    """The file's keys, by number; safe to share between threads.

    Methods raise StorageUnavailableError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._secret: bytes | None = None
        self._cached_keys: dict[int, bytes] = {}
        self._unused_keys: list[tuple[int, bytes]] = []  # the next one last

    @classmethod
    def create(cls, path: Path) -> None:
        """Create the file, readable by its owner alone; do nothing if it exists."""
        if path.exists():
            return
        unfinished = path.with_name(f"{path.name}.new")
        keys = cls(unfinished)
        try:
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
            migrate(keys._open(), "contact keys", _MIGRATIONS)
            secret = secrets.token_bytes(KEY_SIZE)
            keys._open().execute("INSERT INTO secret VALUES (?)", (secret,))
            keys.close()
            unfinished.rename(path)
        except (OSError, sqlite3.Error) as error:
            raise translate_error(error) from error
        finally:
            keys.close()

    def pseudonym(self, log: str, contact: str) -> str:
        """Return the name that finds the contact."""
        if self._secret is None:
            row = self._fetch_row("SELECT value FROM secret")
            if row is None:
                raise StorageUnavailableError(f"{self._path} has no secret")
            self._secret = bytes(row[0])
        return compute_pseudonym(self._secret, log, contact)

    def key(self, number: int) -> bytes | None:
        """Return the key with this number; None if it was destroyed or never created."""
        key = self._cached_keys.get(number)
        if key is None and (
            row := self._fetch_row("SELECT key FROM keys WHERE number = ?", number)
        ):
            key = bytes(row[0])
            self._remember(number, key)
        return key

    def take_key(self) -> int:
        """Return the number of an unused key that is on disk."""
        if not self._unused_keys:
            self._unused_keys = self._create_keys()
        number, key = self._unused_keys.pop()
        self._remember(number, key)
        return number

    def check_reach(self, number: int) -> None:
        """Raise StorageUnavailableError if the key with this number was never created in this file.

        The file is then older than the ledger that names the number, and would use it again.
        """
        row = self._fetch_row(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'keys'"
        )
        if row is None or int(row[0]) < number:
            raise StorageUnavailableError(
                f"{self._path} is older than the ledger; restore both from the same backup"
            )

    def destroy(self, numbers: Iterable[int]) -> None:
        """Overwrite the keys; when this returns they are gone from the file, on disk."""
        parameters = [(number,) for number in numbers]
        with self._mutex:
            try:
                self._open().execute("BEGIN IMMEDIATE")
                self._open().executemany("DELETE FROM keys WHERE number = ?", parameters)
                self._open().execute("COMMIT")
            except sqlite3.Error as error:
                self._drop()
                raise translate_error(error) from error
        for (number,) in parameters:
            self._cached_keys.pop(number, None)

    def close(self) -> None:
        """Close the connection to the file."""
        with self._mutex:
            self._drop()

    def _create_keys(self) -> list[tuple[int, bytes]]:
        keys = [secrets.token_bytes(KEY_SIZE) for _ in range(KEYS_PER_COMMIT)]
        with self._mutex:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                statement = "INSERT INTO keys (key) VALUES (?)"
                numbers = [connection.execute(statement, (key,)).lastrowid for key in keys]
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._drop()
                raise translate_error(error) from error
        return [(number, key) for number, key in zip(numbers, keys, strict=True) if number][::-1]

    def _fetch_row(self, statement: str, *values: object) -> Any:  # noqa: ANN401 - values of any column
        with self._mutex:
            try:
                row = self._open().execute(statement, values).fetchone()
            except sqlite3.Error as error:
                raise translate_error(error) from error
        return row

    def _remember(self, number: int, key: bytes) -> None:
        if len(self._cached_keys) >= MAX_CACHED_KEYS:
            self._cached_keys = {}
        self._cached_keys[number] = key

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._path.exists():
                raise StorageUnavailableError(f"the keys of contacts are missing: {self._path}")
            self._connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON")
        return self._connection

    def _drop(self) -> None:
        """Close a connection that failed, so that the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
