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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from audit.entry import Entry, Personal, new_entry
from audit.errors import StorageUnavailable
from audit.group import Raised, Returned
from audit.merkle import Frontier
from audit.store import Head
from audit.stores.packing import COLUMNS, packed
from audit.stores.sqlite_snapshot import SqliteSnapshot, decoded_frontier, encoded_personal
from audit.stores.sqlite_trouble import in_our_words
from rules.canonical import digest_of_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

T = TypeVar("T")

MOST_LOGS = 1024
"""Logs whose ends are remembered from one commit to the next."""

Write: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement and its values."""

_WRITTEN = ("seq", "log", "idx", "leaf_hash", "rest", *COLUMNS)
_INSERT_ENTRY = f"""
    INSERT INTO entries ({", ".join(_WRITTEN)}) VALUES ({", ".join("?" * len(_WRITTEN))})
"""  # noqa: S608 - the columns are those above
_INSERT_PERSONAL = """
    INSERT OR IGNORE INTO personal (entry, body, contact)
    VALUES (?, ?, (SELECT ref FROM contacts WHERE log = ? AND contact = ?))
"""  # ignored, and so no row, where the contact is new


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log as its last append left it: its id, its frontier, the last entries asked for."""

    id: int
    frontier: Frontier
    latest: dict[str, Entry | None] = field(default_factory=dict)  # by prefix of their kinds

    def after(self, entry: Entry, kind: str) -> KnownLog:
        latest = {
            prefix: entry if kind.startswith(prefix) else before
            for prefix, before in self.latest.items()
        }
        return KnownLog(self.id, self.frontier.append(entry.leaf_hash), latest)


@dataclass(slots=True)
class Known:
    """What a connection knows of its ledger's end, true until another one commits."""

    data_version: int
    next_seq: int
    logs: dict[str, KnownLog] = field(default_factory=dict)


class SqliteTransaction(SqliteSnapshot):
    """A `Transaction`: what one work sees and appends."""

    def __init__(self, known: Known, connection: sqlite3.Connection, now: datetime) -> None:
        super().__init__(connection)
        self._known = known
        self._now = now
        self.next_seq = known.next_seq
        self.grown: dict[str, KnownLog] = {}  # the logs that this work appended to
        self.writes: list[Write] = []
        self.spoilt: StorageUnavailable | None = None  # by a write that failed

    @property
    def now(self) -> datetime:
        return self._now

    def head(self, log: str) -> Head:
        known = self._log(log)
        return Head(known.frontier.size, known.frontier.root(), known.frontier) if known else Head()

    def latest(self, log: str, prefix: str) -> Entry | None:
        known = self._log(log)
        if known is None:
            return None
        if prefix not in known.latest:
            known.latest[prefix] = super().latest(log, prefix)
        return known.latest[prefix]

    def append(self, log: str, leaf: Mapping[str, Any], personal: Personal | None = None) -> Entry:
        known = self._log(log)
        entry = new_entry(log, known.frontier.size if known else 0, leaf, personal)
        known = known or self._new_log(log)
        self._insert(known.id, entry, leaf)
        if personal is not None:
            self._insert_personal(known.id, personal)
        self.next_seq += 1
        self.grown[log] = known.after(entry, leaf["kind"])
        return entry

    def add_document(self, body: bytes) -> str:
        digest = digest_of_bytes(body)
        if self.document(digest) is None:
            self._write("INSERT INTO documents (digest, body) VALUES (?, ?)", digest, body)
        return digest

    def _log(self, name: str) -> KnownLog | None:
        """The log as this work sees it; None where it is yet to begin."""
        _ = self._open
        known = self.grown.get(name) or self._known.logs.get(name)
        if known is None and (
            row := self._row("SELECT id, frontier FROM logs WHERE name = ?", name)
        ):
            known = self._known.logs[name] = KnownLog(row[0], decoded_frontier(row[1]))
        return known

    def _new_log(self, name: str) -> KnownLog:
        empty = Frontier()
        self._write(
            "INSERT INTO logs (name, size, root, frontier) VALUES (?, 0, ?, ?)",
            *(name, empty.root(), empty.encode()),
        )
        [log_id] = self._row("SELECT id FROM logs WHERE name = ?", name)
        return KnownLog(log_id, empty)

    def _insert(self, log_id: int, entry: Entry, leaf: Mapping[str, Any]) -> None:
        columns, rest = packed(leaf, entry.leaf)
        self._write(
            _INSERT_ENTRY, self.next_seq, log_id, entry.index, entry.leaf_hash, rest, *columns
        )

    def _insert_personal(self, log_id: int, personal: Personal) -> None:
        whose = log_id, personal.contact
        row = self.next_seq, encoded_personal(personal), *whose
        if not self._write(_INSERT_PERSONAL, *row):
            self._write("INSERT INTO contacts (log, contact) VALUES (?, ?)", *whose)
            self._write(_INSERT_PERSONAL, *row)

    def _write(self, statement: str, *values: object) -> int:
        """Change the ledger; by how many rows. After a failure this work can do nothing more."""
        connection = self._open
        try:
            changed = connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            trouble = in_our_words(error)
            if isinstance(trouble, StorageUnavailable):
                self.spoilt = trouble
                self.end()
            raise trouble from error
        self.writes.append((statement, values))
        return changed


class SqliteCommit:
    """A `Commit` under way: works run in it one after the other.

    A work that fails after it wrote is rare, and a savepoint around every work costs more than the
    insert itself. So to undo a work all is rolled back, and what the others wrote is written again.
    """

    def __init__(
        self, connection: sqlite3.Connection, clock: Callable[[], datetime], known: Known | None
    ) -> None:
        self._connection = connection
        self._clock = clock
        version = self._data_version()
        if known is None or known.data_version != version or len(known.logs) > MOST_LOGS:
            [seq] = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM entries").fetchone()
            known = Known(version, seq)
        self.known = known
        self._grown: set[str] = set()
        self._writes: list[Write] = []  # of the works that did not fail
        self.is_durable = False

    def attempt(self, work: Callable[[SqliteTransaction], T]) -> Returned[T] | Raised:
        transaction = SqliteTransaction(self.known, self._connection, self._clock())
        outcome: Returned[T] | Raised
        try:
            outcome = Returned(work(transaction))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            outcome = Raised(error)
        finally:
            transaction.end()
        if not self._connection.in_transaction:  # SQLite itself undid it, after a failure
            raise transaction.spoilt or StorageUnavailable("the disk failed; all was undone")
        if transaction.spoilt is not None:
            outcome = Raised(transaction.spoilt)
        if isinstance(outcome, Returned):
            self._keep(transaction)
        elif transaction.writes:
            self._undo()
        return outcome

    def _keep(self, transaction: SqliteTransaction) -> None:
        self.known.next_seq = transaction.next_seq
        self.known.logs.update(transaction.grown)
        self._grown.update(transaction.grown)
        self._writes += transaction.writes

    def _undo(self) -> None:
        self._execute("ROLLBACK")
        self._execute("BEGIN IMMEDIATE")
        if self._data_version() != self.known.data_version:
            raise StorageUnavailable("another program wrote while a write was undone")
        for statement, values in self._writes:
            self._execute(statement, *values)

    def _data_version(self) -> int:
        """A number that changes when another connection commits."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def commit(self) -> None:
        for name in self._grown:
            log = self.known.logs[name]
            self._execute(
                "UPDATE logs SET size = ?, root = ?, frontier = ? WHERE id = ?",
                *(log.frontier.size, log.frontier.root(), log.frontier.encode(), log.id),
            )
        self._execute("COMMIT")
        self.is_durable = True

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
        self._known: Known | None = None  # only between a commit that went through and the next
        self._closed = False

    @contextmanager
    def begin(self) -> Iterator[SqliteCommit]:
        """A commit under way, while every other writer waits; undone unless it is committed."""
        with self._mutex, locked(self._lock_file):
            if self._closed:
                raise StorageUnavailable("the ledger is closed")
            known, self._known = self._known, None
            try:
                connection = self._connection = self._connection or self._connect()
                connection.execute("BEGIN IMMEDIATE")
                commit = SqliteCommit(connection, self._clock, known)
            except sqlite3.Error as error:
                self._drop()
                raise in_our_words(error) from error
            try:
                yield commit
            finally:
                if commit.is_durable:
                    self._known = commit.known
                elif connection.in_transaction:
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
