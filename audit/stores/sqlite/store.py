"""A ledger on SQLite: the store of one machine, for any number of its processes.

Readers have separate read-only connections; they see the last commit and never wait. A store
belongs to the process that opened it: open it after a fork.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from audit.errors import (
    AuditError,
    LedgerBehindError,
    NotALedgerError,
    StorageUnavailableError,
)
from audit.stores.contract import LookupKey
from audit.stores.files.checkpoint_files import CHECKPOINTS, CheckpointFiles
from audit.stores.files.contact_keys import KEYS, ContactKeys
from audit.stores.files.file_locks import FileLeaderLock, hold_lock
from audit.stores.files.signing_key import SIGNING_KEY, create_signing_key, read_signing_key
from audit.stores.group_commit import QUEUE_LIMIT, GroupCommit, WorkFailure, WorkResult
from audit.stores.rollback_detection import describe_missing_entries, find_missing_entries
from audit.stores.sqlite import schema
from audit.stores.sqlite.connections import check_format, connect, create_file
from audit.stores.sqlite.snapshot import SqliteSnapshot
from audit.stores.sqlite.transaction import SqliteTransaction, prepare_entry
from audit.stores.sqlite.upgrade import upgrade
from audit.stores.sqlite.writer import SqliteWriter
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any

    from audit.entry import PersonalData
    from audit.stores.contract import CommitCallback, PreparedEntry
    from audit.stores.signing import SigningKey

T = TypeVar("T")

LEDGER = "ledger.sqlite3"
LOCK = "ledger.lock"
_ERASED = "SELECT contact FROM erased"  # a process may have died before it destroyed the keys
_LAST_KEY = """
    SELECT max(coalesce((SELECT max(ref) FROM contacts), 0),
               coalesce((SELECT max(contact) FROM erased), 0))
"""
_WORKS_PER_COMMIT = 256  # of one `transact_each`, so that other requests get their turn


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class SqliteStore:
    """A `Store` in a directory."""

    def __init__(
        self,
        data_dir: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        queue_limit: int = QUEUE_LIMIT,
        accept_loss: bool = False,
    ) -> None:
        self.folder = data_dir
        self.checkpoints = CheckpointFiles(data_dir / CHECKPOINTS)
        self._path = data_dir / LEDGER
        self._accept_loss = accept_loss
        self._clock = clock
        self._keys = ContactKeys(data_dir / KEYS)
        self._writer = SqliteWriter(self._connect_writer, self._keys, data_dir / LOCK, clock)
        self._group = GroupCommit[SqliteTransaction](self._writer.begin, queue_limit)
        self._idle_readers: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def create(cls, data_dir: Path, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Create a ledger, readable by its owner alone, and open it.

        An interrupted creation leaves no ledger. Raises LedgerExistsError if there is one.
        """
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise translate_error(error) from error
        with hold_lock(data_dir / LOCK):
            if not (data_dir / LEDGER).exists():
                ContactKeys.create(data_dir / KEYS)
                create_signing_key(data_dir / SIGNING_KEY)
            create_file(data_dir / LEDGER)
        return cls.open(data_dir, clock=clock)

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        queue_limit: int = QUEUE_LIMIT,
        accept_loss: bool = False,
    ) -> Self:
        """Open the ledger of the directory.

        A ledger that lacks signed entries can be read, but every write raises LedgerBehindError.
        Open it with `accept_loss` to record the loss and archive its checkpoints. Raises
        NotALedgerError if there is no ledger, and UnknownFormatError.
        """
        try:
            exists = (data_dir / LEDGER).is_file()
        except OSError as error:
            raise translate_error(error) from error
        if not exists:
            raise NotALedgerError(f"there is no ledger in {data_dir}")
        store = cls(data_dir, clock=clock, queue_limit=queue_limit, accept_loss=accept_loss)
        try:
            store._idle_readers.append(store._connect_reader())
        except AuditError:
            store.close()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[SqliteSnapshot]:
        """Open a snapshot until the block ends. Raises StorageUnavailableError."""
        connection = self._take_reader()
        snapshot = SqliteSnapshot(connection, self._keys, self._is_erased)
        try:
            try:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM logs LIMIT 1")  # fixes the view
            except sqlite3.Error as error:
                raise translate_error(error) from error
            yield snapshot
        finally:
            snapshot.end()
            self._give_back(connection)

    def prepare(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> PreparedEntry:
        """Prepare an append outside a transaction, so that other commits need not wait for it."""
        return prepare_entry(log, leaf, personal)

    def lookup_key(self, log: str, event: str, conversation: str, contact: str) -> LookupKey:
        """Return the names that deciding the event looks up; they affect only the speed."""
        return LookupKey(log, event, conversation, self._keys.pseudonym(log, contact), contact)

    def transact(
        self, work: Callable[[SqliteTransaction], T], lookup_key: LookupKey | None = None
    ) -> T:
        """Run the work, and return its result once everything it did is on disk."""
        [outcome] = self._group.submit([work], [lookup_key] if lookup_key else ())
        if isinstance(outcome, WorkFailure):
            raise outcome.error
        return outcome.value

    def transact_each(
        self,
        works: Sequence[Callable[[SqliteTransaction], T]],
        lookup_keys: Sequence[LookupKey] = (),
    ) -> list[T | Exception]:
        """Run many works in order, in few commits; return the result or the error of each."""
        results: list[T | Exception] = []
        for start in range(0, len(works), _WORKS_PER_COMMIT):
            chunk = slice(start, start + _WORKS_PER_COMMIT)
            try:
                outcomes = self._group.submit(works[chunk], lookup_keys[chunk])
            except AuditError as refusal:
                return results + [refusal] * (len(works) - start)
            results += [
                outcome.value if isinstance(outcome, WorkResult) else outcome.error
                for outcome in outcomes
            ]
        return results

    def signing_key(self, *, create: bool = False) -> SigningKey:
        """Return the key of the file `signing.key`; create the file if asked and it is missing."""
        path = self.folder / SIGNING_KEY
        if create and not path.exists():
            with hold_lock(self.folder / LOCK):
                create_signing_key(path)
        return read_signing_key(path)

    def leader_lock(self, name: str) -> FileLeaderLock:
        """Return a lock on the file `<name>.lock` of the folder."""
        return FileLeaderLock(self.folder / f"{name}.lock")

    def now(self) -> datetime:
        """Return the time of the store's clock, which gives transactions their time, in UTC."""
        return self._clock()

    def on_commit(self, callback: CommitCallback) -> None:
        """Call the callback after each successful commit from now on."""
        self._group.on_commit = callback

    def close(self) -> None:
        """Close after the commit under way. A snapshot that is open closes when its block ends."""
        self._closed = True
        while self._idle_readers:
            self._idle_readers.pop().close()
        self._writer.close()
        self._keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_erased(self, contact: int) -> bool:
        with closing(self._connect_reader()) as connection:
            row = connection.execute(f"{_ERASED} WHERE contact = ?", (contact,)).fetchone()
        return row is not None

    def _take_reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageUnavailableError("the ledger is closed")
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._connect_reader()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        """Keep the connection for the next reader, unless it failed or the store is closed."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        self._idle_readers.append(connection)
        if self._closed:
            self.close()

    def _connect_reader(self) -> sqlite3.Connection:
        connection = connect(self._path, "ro")
        # Bytes that are not UTF-8 come from another program: read the leaf, so that it is reported.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            check_format(connection, self._path)
        except AuditError:
            connection.close()
            raise
        return connection

    def _connect_writer(self) -> sqlite3.Connection:
        connection = connect(self._path, "rw")
        try:
            connection.execute("PRAGMA synchronous = FULL")
            # A process that was killed may have written a commit and not synced it. It counts as
            # committed from now on, so it must reach the disk before an answer rests on it.
            connection.execute("PRAGMA wal_checkpoint")
            connection.execute("PRAGMA cache_size = -16384")  # KiB; indexes are hit at random
            if not self._accept_loss:
                self._check_checkpoints(connection)
            if schema.format_of(connection) < schema.FORMAT:
                ContactKeys.create(self._path.with_name(KEYS))
                upgrade(connection, self._keys)
            self._keys.check_reach(*connection.execute(_LAST_KEY).fetchone())
            self._keys.destroy(number for (number,) in connection.execute(_ERASED))
        except (sqlite3.Error, AuditError):
            connection.close()
            raise
        return connection

    def _check_checkpoints(self, connection: sqlite3.Connection) -> None:
        snapshot = SqliteSnapshot(connection, self._keys)
        if losses := find_missing_entries(snapshot, self.checkpoints):
            raise LedgerBehindError(describe_missing_entries(losses))
