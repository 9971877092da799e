"""Writing a ledger in SQLite: one connection per process, one process at a time.

A writer holds the lock on a file next to the ledger from before BEGIN IMMEDIATE until after COMMIT.
SQLite's own lock would do, but waiting for it means sleeping. And automatic checkpoints, which run
at the end of a commit, must never run in two connections at once. For that reason this connection
is also the only one that checkpoints.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from audit.errors import AuditError, StorageUnavailableError
from audit.stores.files.file_locks import hold_lock
from audit.stores.group_commit import WorkFailure, WorkResult
from audit.stores.sqlite.insert_buffer import InsertBuffer
from audit.stores.sqlite.prefetch import Prefetched, prefetch
from audit.stores.sqlite.transaction import SqliteTransaction, WriterCache
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from audit.stores.contract import LookupKey
    from audit.stores.files.contact_keys import ContactKeys
    from audit.stores.sqlite.insert_buffer import Write

T = TypeVar("T")

_log = logging.getLogger("policy_service.ledger")

MAX_CACHED_LOGS = 1024
"""Maximum number of logs whose ends are kept from one commit to the next."""


class SqliteCommit:
    """A `CommitInProgress`: works run in it one after the other.

    A work that fails after a write is rare, and a savepoint around every work costs more than the
    insert itself. To undo such a work, everything is rolled back and the writes of the other works
    are repeated. A work that only appended is undone by dropping its buffered rows.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        keys: ContactKeys,
        clock: Callable[[], datetime],
        cache: WriterCache | None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._clock = clock
        version = self._data_version()
        if cache is None or cache.data_version != version or len(cache.logs) > MAX_CACHED_LOGS:
            [seq] = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM entries").fetchone()
            cache = WriterCache(version, seq)
        self.cache = cache
        self._changed_logs: set[str] = set()
        self._prefetched = Prefetched()
        self._buffer = InsertBuffer()  # rows of the works that did not fail
        self._writes: list[Write] = []  # of the works that did not fail
        self._insert_failure: StorageUnavailableError | None = (
            None  # rows of theirs could not be inserted
        )
        self.erased_keys: list[int] = []
        self.is_durable = False

    def prefetch(self, lookup_keys: Sequence[LookupKey]) -> None:
        """Look up the names that the works of this commit need."""
        try:
            self._prefetched = prefetch(self._connection, lookup_keys)
        except sqlite3.Error as error:
            raise translate_error(error) from error

    def attempt(self, work: Callable[[SqliteTransaction], T]) -> WorkResult[T] | WorkFailure:
        """Run the work; if it raises, undo its writes and no others."""
        transaction = SqliteTransaction(
            self.cache, self._prefetched, self._insert, self._connection, self._keys, self._clock()
        )
        outcome: WorkResult[T] | WorkFailure
        try:
            outcome = WorkResult(work(transaction))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            outcome = WorkFailure(error)
        finally:
            transaction.end()
        if not self._connection.in_transaction:  # SQLite itself undid it, after a failure
            raise transaction.failure or StorageUnavailableError(
                "the disk failed; nothing was stored"
            )
        if self._insert_failure:
            raise self._insert_failure
        if transaction.failure is not None:
            outcome = WorkFailure(transaction.failure)
        if isinstance(outcome, WorkResult):
            self._accept(transaction)
        elif transaction.writes:
            self._undo()
        return outcome

    def _accept(self, transaction: SqliteTransaction) -> None:
        self.cache.next_seq = transaction.next_seq
        self.cache.logs.update(transaction.tails)
        self._changed_logs.update(transaction.tails)
        self._writes += transaction.writes
        self._buffer.add(transaction.buffer)
        self._prefetched.update(transaction.own_lookups)
        self.erased_keys += transaction.erased_keys

    def _insert(self) -> None:
        """Insert the buffered rows. A failure loses the commit: the rows are of many works."""
        for statement, values in self._buffer.take_statements():
            try:
                self._execute(statement, *values)
            except AuditError as error:
                self._insert_failure = StorageUnavailableError(*error.args)
                raise self._insert_failure from error
            self._writes.append((statement, values))

    def _undo(self) -> None:
        self._execute("ROLLBACK")
        self._execute("BEGIN IMMEDIATE")
        try:
            version = self._data_version()
        except sqlite3.Error as error:
            raise translate_error(error) from error
        if version != self.cache.data_version:
            raise StorageUnavailableError("another program wrote while a write was undone")
        for statement, values in self._writes:
            self._execute(statement, *values)

    def _data_version(self) -> int:
        """Return a number that changes when another connection commits."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def commit(self) -> None:
        """Make all writes durable."""
        self._insert()
        for name in self._changed_logs:
            log = self.cache.logs[name]
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
            raise translate_error(error) from error


class SqliteWriter:
    """The writing connection, opened at the first write, and the lock around it."""

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
        self._mutex = threading.Lock()  # excludes `close`; writers are queued already
        self._connection: sqlite3.Connection | None = None
        self._cache: WriterCache | None = (
            None  # only between a commit that went through and the next
        )
        self._to_destroy: list[int] = []
        self._closed = False

    @contextmanager
    def begin(self) -> Iterator[SqliteCommit]:
        """Open a commit while every other writer waits; undo it unless it is committed."""
        with self._mutex, hold_lock(self._lock_file):
            if self._closed:
                raise StorageUnavailableError("the ledger is closed")
            cache, self._cache = self._cache, None
            try:
                connection = self._connection = self._connection or self._connect()
                connection.execute("BEGIN IMMEDIATE")
                commit = SqliteCommit(connection, self._keys, self._clock, cache)
            except sqlite3.Error as error:
                self._drop()
                raise translate_error(error) from error
            try:
                yield commit
            finally:
                if commit.is_durable:
                    self._cache = commit.cache
                    self._destroy(commit.erased_keys)
                elif connection.in_transaction:
                    self._undo(connection)

    def _destroy(self, numbers: list[int]) -> None:
        """Destroy the keys of erased contacts; the next commit repeats a destruction that failed.

        The personal parts are gone and the entry is on disk, so the commit has not failed.
        """
        self._to_destroy += numbers
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
        """Close a connection that failed; the next commit opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close after the commit under way; the last connection to close moves the WAL in."""
        with self._mutex:
            self._closed = True
            if self._connection is not None:
                with hold_lock(self._lock_file):
                    self._drop()
