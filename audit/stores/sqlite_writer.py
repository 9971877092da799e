"""Writing a ledger in SQLite: one connection per process, one process at a time.

Whoever commits holds a lock on the file beside the ledger from before BEGIN IMMEDIATE until after
COMMIT. SQLite's own lock would do, but it is waited for by sleeping, and automatic checkpoints,
which run at the end of a commit, must never run in two connections at once. So this connection is
also the only one that checkpoints.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from audit.entry import Entry, Personal, new_entry
from audit.errors import StorageUnavailable
from audit.group import Raised, Returned
from audit.merkle import Frontier
from audit.store import Head
from audit.stores.sqlite_snapshot import SqliteSnapshot, encoded_personal
from audit.stores.sqlite_trouble import in_our_words
from rules.canonical import digest_of_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

T = TypeVar("T")


class SqliteTransaction(SqliteSnapshot):
    """A `Transaction`: what one work sees and appends."""

    def __init__(self, commit: SqliteCommit, connection: sqlite3.Connection, now: datetime) -> None:
        super().__init__(connection)
        self._commit = commit
        self._now = now
        self.spoilt: StorageUnavailable | None = None  # by an append that was left half done

    @property
    def now(self) -> datetime:
        return self._now

    def head(self, log: str) -> Head:
        frontier = self._commit.frontiers.get(log)
        if frontier is None:
            return super().head(log)
        return Head(frontier.size, frontier.root(), frontier)

    def append(self, log: str, leaf: Mapping[str, Any], personal: Personal | None = None) -> Entry:
        frontier = self._commit.frontiers.get(log) or super().head(log).frontier
        entry = new_entry(log, frontier.size, leaf, personal)
        try:
            self._insert(entry, personal)
        except StorageUnavailable as error:
            self.spoilt = error
            raise
        self._commit.next_seq += 1
        self._commit.frontiers[log] = frontier.append(entry.leaf_hash)
        return entry

    def add_document(self, body: bytes) -> str:
        digest = digest_of_bytes(body)
        if self.document(digest) is None:
            self._rows("INSERT INTO documents (digest, body) VALUES (?, ?)", digest, body)
        return digest

    def _insert(self, entry: Entry, personal: Personal | None) -> None:
        log_id = self._id_of_log(entry.log)
        seq = self._commit.next_seq
        self._rows(
            "INSERT INTO entries (seq, log, idx, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?)",
            *(seq, log_id, entry.index, entry.leaf.decode(), entry.leaf_hash),
        )
        if personal is not None:
            self._rows(
                "INSERT INTO personal (entry, contact, body) VALUES (?, ?, ?)",
                *(seq, self._id_of_contact(log_id, personal.contact), encoded_personal(personal)),
            )

    def _id_of_log(self, log: str) -> int:
        row = self._row("SELECT id FROM logs WHERE name = ?", log)
        if row is None:
            empty = Frontier()
            row = self._row(
                "INSERT INTO logs (name, size, root, frontier) VALUES (?, 0, ?, ?) RETURNING id",
                *(log, empty.root(), empty.encode()),
            )
        return int(row[0])

    def _id_of_contact(self, log_id: int, contact: str) -> int:
        wanted = (log_id, contact)
        row = self._row("SELECT ref FROM contacts WHERE log = ? AND contact = ?", *wanted)
        if row is None:
            row = self._row(
                "INSERT INTO contacts (log, contact) VALUES (?, ?) RETURNING ref", *wanted
            )
        return int(row[0])


class SqliteCommit:
    """A `Commit` under way: works run in it one after the other, each in a savepoint of its own."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        row = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM entries").fetchone()
        self.next_seq: int = row[0]
        self.frontiers: dict[str, Frontier] = {}  # of the logs that were appended to

    def attempt(self, work: Callable[[SqliteTransaction], T]) -> Returned[T] | Raised:
        before = self.next_seq, self.frontiers.copy()
        self._execute("SAVEPOINT work")
        transaction = SqliteTransaction(self, self._connection, self._clock())
        outcome: Returned[T] | Raised
        try:
            outcome = Returned(work(transaction))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            outcome = Raised(error)
        finally:
            transaction.end()
        if transaction.spoilt is not None:
            outcome = Raised(transaction.spoilt)
        if isinstance(outcome, Raised):
            self.next_seq, self.frontiers = before
            self._execute("ROLLBACK TO work")
        self._execute("RELEASE work")
        return outcome

    def commit(self) -> None:
        for log, frontier in self.frontiers.items():
            self._execute(
                "UPDATE logs SET size = ?, root = ?, frontier = ? WHERE name = ?",
                *(frontier.size, frontier.root(), frontier.encode(), log),
            )
        self._execute("COMMIT")

    def _execute(self, statement: str, *values: object) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise in_our_words(error) from error


class SqliteWriter:
    """The connection that writes, opened at the first write, and the lock around it."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        lock_file: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._connect = connect
        self._lock_file = lock_file
        self._clock = clock
        self._mutex = threading.Lock()  # against `close`; writers are in line already
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    @contextmanager
    def begin(self) -> Iterator[SqliteCommit]:
        """A commit under way, while every other writer waits; undone unless it is committed."""
        with self._mutex, locked(self._lock_file):
            if self._closed:
                raise StorageUnavailable("the ledger is closed")
            try:
                connection = self._connection = self._connection or self._connect()
                connection.execute("BEGIN IMMEDIATE")
                commit = SqliteCommit(connection, self._clock)
            except sqlite3.Error as error:
                self._drop()
                raise in_our_words(error) from error
            try:
                yield commit
            finally:
                if connection.in_transaction:
                    self._undo(connection)

    def _undo(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._drop()  # closing it undoes what is left

    def _drop(self) -> None:
        """A connection that failed is not trusted again; the next commit opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Wait for the commit under way, then close; the last one to close moves the WAL in."""
        with self._mutex:
            self._closed = True
            if self._connection is not None:
                with locked(self._lock_file):
                    self._drop()


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold the lock that one process, and one thread of it, can hold; wait for it.

    The file is opened anew each time: a descriptor that went through a fork would share the lock.
    """
    try:
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise in_our_words(error) from error
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise in_our_words(error) from error
