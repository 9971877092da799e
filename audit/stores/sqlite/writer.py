"""Writing a ledger in SQLite: one connection per process, one process at a time.

Whoever commits holds a lock on the file beside the ledger from before BEGIN IMMEDIATE until after
COMMIT. SQLite's own lock would do, but it is waited for by sleeping, and automatic checkpoints,
which run at the end of a commit, must never run in two connections at once. So this connection is
also the only one that checkpoints.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from audit.errors import AuditError, StorageUnavailableError
from audit.stores.files.file_locks import locked
from audit.stores.group_commit import Raised, Returned
from audit.stores.sqlite.insert_buffer import Rows
from audit.stores.sqlite.prefetch import Foreseen, foreseen
from audit.stores.sqlite.transaction import Known, SqliteTransaction
from audit.stores.storage_errors import in_our_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from audit.stores.contract import About
    from audit.stores.files.contact_keys import ContactKeys
    from audit.stores.sqlite.insert_buffer import Write

T = TypeVar("T")

_log = logging.getLogger("policy_service.ledger")

MOST_LOGS = 1024
"""Logs whose ends are remembered from one commit to the next."""


class SqliteCommit:
    """A `Commit` under way: works run in it one after the other.

    A work that fails after it wrote is rare, and a savepoint around every work costs more than the
    insert itself. So to undo a work all is rolled back, and what the others wrote is written again.
    One that only appended is undone by forgetting its rows, which are kept back.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        keys: ContactKeys,
        clock: Callable[[], datetime],
        known: Known | None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._clock = clock
        version = self._data_version()
        if known is None or known.data_version != version or len(known.logs) > MOST_LOGS:
            [seq] = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM entries").fetchone()
            known = Known(version, seq)
        self.known = known
        self._grown: set[str] = set()
        self._foreseen = Foreseen()
        self._rows = Rows()  # kept back, of the works that did not fail
        self._writes: list[Write] = []  # of the works that did not fail
        self._broken: StorageUnavailableError | None = None  # rows of theirs could not be inserted
        self.erased: list[int] = []
        self.is_durable = False

    def foresee(self, about: Sequence[About]) -> None:
        try:
            self._foreseen = foreseen(self._connection, about)
        except sqlite3.Error as error:
            raise in_our_words(error) from error

    def attempt(self, work: Callable[[SqliteTransaction], T]) -> Returned[T] | Raised:
        transaction = SqliteTransaction(
            self.known, self._foreseen, self._insert, self._connection, self._keys, self._clock()
        )
        outcome: Returned[T] | Raised
        try:
            outcome = Returned(work(transaction))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            outcome = Raised(error)
        finally:
            transaction.end()
        if not self._connection.in_transaction:  # SQLite itself undid it, after a failure
            raise transaction.spoilt or StorageUnavailableError("the disk failed; all was undone")
        if self._broken:
            raise self._broken
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
        self._rows.add(transaction.rows)
        self._foreseen.update(transaction.made)
        self.erased += transaction.erased

    def _insert(self) -> None:
        """Insert the rows that were kept back. A failure loses the commit: they are many works'."""
        for statement, values in self._rows.taken():
            try:
                self._execute(statement, *values)
            except AuditError as error:
                self._broken = StorageUnavailableError(*error.args)
                raise self._broken from error
            self._writes.append((statement, values))

    def _undo(self) -> None:
        self._execute("ROLLBACK")
        self._execute("BEGIN IMMEDIATE")
        try:
            version = self._data_version()
        except sqlite3.Error as error:
            raise in_our_words(error) from error
        if version != self.known.data_version:
            raise StorageUnavailableError("another program wrote while a write was undone")
        for statement, values in self._writes:
            self._execute(statement, *values)

    def _data_version(self) -> int:
        """A number that changes when another connection commits."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def commit(self) -> None:
        self._insert()
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
        keys: ContactKeys,
        lock_file: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._connect = connect
        self._keys = keys
        self._lock_file = lock_file
        self._clock = clock
        self._mutex = threading.Lock()  # against `close`; writers are in line already
        self._connection: sqlite3.Connection | None = None
        self._known: Known | None = None  # only between a commit that went through and the next
        self._to_destroy: list[int] = []
        self._closed = False

    @contextmanager
    def begin(self) -> Iterator[SqliteCommit]:
        """A commit under way, while every other writer waits; undone unless it is committed."""
        with self._mutex, locked(self._lock_file):
            if self._closed:
                raise StorageUnavailableError("the ledger is closed")
            known, self._known = self._known, None
            try:
                connection = self._connection = self._connection or self._connect()
                connection.execute("BEGIN IMMEDIATE")
                commit = SqliteCommit(connection, self._keys, self._clock, known)
            except sqlite3.Error as error:
                self._drop()
                raise in_our_words(error) from error
            try:
                yield commit
            finally:
                if commit.is_durable:
                    self._known = commit.known
                    self._destroy(commit.erased)
                elif connection.in_transaction:
                    self._undo(connection)

    def _destroy(self, erased: list[int]) -> None:
        """Destroy the keys of those who were erased; what fails is done with the next commit.

        Their parts are gone and the entry is on disk, so it is no failure of the commit.
        """
        self._to_destroy += erased
        if self._to_destroy:
            try:
                self._keys.destroy(self._to_destroy)
                self._to_destroy = []
            except StorageUnavailableError as error:
                _log.error("the keys of erased contacts are yet to be destroyed", exc_info=error)

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
