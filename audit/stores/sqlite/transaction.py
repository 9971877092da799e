"""Reads and appends of one work in a ledger on SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.entry import Entry, EntryKind, PersonalData, hash_for
from audit.errors import AlreadyDecidedError, StorageUnavailableError
from audit.log.merkle import Frontier
from audit.stores.contract import ALREADY_DECIDED_MESSAGE, LogHead, PreparedEntry
from audit.stores.encryption import encrypt_personal_data
from audit.stores.row_codec import pack_leaf
from audit.stores.sqlite.insert_buffer import InsertBuffer
from audit.stores.sqlite.prefetch import Prefetched
from audit.stores.sqlite.snapshot import SqliteSnapshot, decode_frontier
from audit.stores.storage_errors import translate_error
from rules.formats.canonical_json import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from audit.stores.contract import Job
    from audit.stores.files.contact_keys import ContactKeys
    from audit.stores.sqlite.insert_buffer import Write

_ERASED = """
    SELECT idx FROM personal JOIN entries ON seq = entry WHERE personal.contact = ? ORDER BY idx
"""
_RECORD_USE = """
    INSERT INTO last_uses (key, at) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE excluded.at > at
"""
_SAVE_JOB = """
    INSERT INTO kept (id, log, finished, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, body = excluded.body
"""


@dataclass(frozen=True, slots=True)
class LogTail:
    """The end of a log after its last append: id, frontier, and latest entries that were read."""

    id: int
    frontier: Frontier
    latest_entries: dict[str, Entry | None] = field(default_factory=dict)
    """The latest entry of each family that was read, by prefix."""

    def with_entry(self, entry: Entry, kind: str) -> LogTail:
        """Return the tail after one more entry of this kind."""
        # a new mapping: the cache of a work that is undone must not reach other works
        latest_entries = {
            prefix: entry if kind.startswith(prefix) else previous
            for prefix, previous in self.latest_entries.items()
        }
        return LogTail(self.id, self.frontier.append(entry.leaf_hash), latest_entries)


@dataclass(slots=True)
class WriterCache:
    """The ends of logs that a connection knows, valid until another connection commits."""

    data_version: int
    next_seq: int
    logs: dict[str, LogTail] = field(default_factory=dict)


def prepare_entry(
    log: str, leaf: Mapping[str, Any], personal: PersonalData | None
) -> PreparedEntry:
    """Prepare an append outside a transaction. Raises BadLeafError."""
    leaf_hash = hash_for(log, leaf, personal)
    columns, rest = pack_leaf(leaf)
    return PreparedEntry(log, dict(leaf), personal, leaf_hash, (leaf_hash, rest, *columns))


class SqliteTransaction(SqliteSnapshot):
    """A `Transaction` of one work.

    Its appends stay in a buffer until a read needs SQLite.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - state shared with the other works of the commit
        self,
        cache: WriterCache,
        prefetched: Prefetched,
        insert: Callable[[], object],
        connection: sqlite3.Connection,
        keys: ContactKeys,
        now: datetime,
    ) -> None:
        """`insert` inserts the buffered rows of earlier works; raises StorageUnavailableError."""
        super().__init__(connection, keys)
        self._cache = cache
        self._prefetched = prefetched
        self._insert = insert
        self._now = now
        self.own_lookups = Prefetched()  # by this work
        self.buffer = InsertBuffer()  # rows of this work
        self.next_seq = cache.next_seq
        self.tails: dict[str, LogTail] = {}  # the logs that this work appended to
        self.writes: list[Write] = []
        self.erased_keys: list[int] = []  # the numbers of keys to destroy
        self.failure: StorageUnavailableError | None = None  # by a write that failed

    @property
    def now(self) -> datetime:
        """The time of this transaction, UTC; the clock is read once."""
        return self._now

    def sizes(self) -> dict[str, int]:
        """Return the stored size of each log; cheap."""
        tails = {**self._cache.logs, **self.tails}
        return super().sizes() | {log: tail.frontier.size for log, tail in tails.items()}

    def head(self, log: str) -> LogHead:
        """Return the stored head of the log."""
        tail = self._log(log)
        return (
            LogHead(tail.frontier.size, tail.frontier.root(), tail.frontier) if tail else LogHead()
        )

    def latest_entry(self, log: str, prefix: str) -> Entry | None:
        """Return the last entry of a family of kinds, such as `version.`; cheap."""
        tail = self._log(log)
        if tail is None:
            return None
        if prefix not in tail.latest_entries:
            tail.latest_entries[prefix] = super().latest_entry(log, prefix)
        return tail.latest_entries[prefix]

    def append(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Entry:
        """Append the leaf."""
        return self.append_prepared(prepare_entry(log, leaf, personal))

    def append_prepared(self, prepared: PreparedEntry) -> Entry:
        """Append an entry that the store prepared before."""
        log, leaf = prepared.log, prepared.leaf
        is_decision = leaf["kind"] == EntryKind.DECISION
        if is_decision and self._is_decided(log, leaf["event"]):
            raise AlreadyDecidedError(ALREADY_DECIDED_MESSAGE)
        tail = self._log(log) or self._new_log(log)
        entry = Entry(log, tail.frontier.size, prepared.leaf_hash, leaf)
        if prepared.personal:
            self._add_personal(tail.id, prepared, prepared.personal)
        self.buffer.entries.append((self.next_seq, tail.id, entry.index, *prepared.row))
        self.next_seq += 1
        self.tails[log] = tail.with_entry(entry, leaf["kind"])
        if is_decision:
            self.own_lookups.decided_events[log, leaf["event"]] = True
            self.own_lookups.latest_decisions[log, leaf["conversation"]] = entry
        return entry

    def decision(self, log: str, event_id: str) -> Entry | None:
        """Return the decision of the event."""
        is_decided = self._lookup_decided(log, event_id)
        return None if is_decided is False else super().decision(log, event_id)

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        """Return the last decision of the conversation."""
        latest = self._lookup_latest(log, conversation)
        if isinstance(latest, int):  # it was there before this commit
            return SqliteSnapshot(self._require_connection(), self._keys).entry(log, latest)
        return latest

    def latest_index(self, log: str, conversation: str) -> int | None:
        """Return the index of the conversation's last decision."""
        latest = self._lookup_latest(log, conversation)
        return latest.index if isinstance(latest, Entry) else latest

    def _lookup_latest(self, log: str, conversation: str) -> Entry | int | None:
        """Return the conversation's last decision, or its index if only the index is known."""
        key = log, conversation
        for lookups in (self.own_lookups.latest_decisions, self._prefetched.latest_decisions):
            if key in lookups:
                return lookups[key]
        return super().latest_decision(log, conversation)

    def erase(self, log: str, contact: str) -> list[int]:
        """Destroy all personal parts of the contact, and its key; return their entries' indices."""
        tail = self._log(log)
        if tail is None:
            return []
        pseudonym, number = self._contact(tail.id, log, contact)
        if number is None:
            return []
        indices = [index for (index,) in self._fetch_rows(_ERASED, number)]
        self._write("INSERT INTO erased (contact) VALUES (?)", number)
        self._write("DELETE FROM personal WHERE contact = ?", number)
        self._write("DELETE FROM contacts WHERE ref = ?", number)
        self.own_lookups.contacts[log, contact] = pseudonym, None
        self.erased_keys.append(number)
        return indices

    def add_document(self, body: bytes) -> str:
        """Store the document outside the logs and return its digest."""
        digest = digest_bytes(body)
        if self.document(digest) is None:
            self._write("INSERT INTO documents (digest, body) VALUES (?, ?)", digest, body)
        return digest

    def save_job(self, job: Job) -> None:
        """Store the job, in place of a job with the same id."""
        self._write(_SAVE_JOB, job.id, job.log, job.finished, job.body)

    def delete_job(self, identity: str) -> None:
        """Delete the job with this id, if there is one."""
        self._write("DELETE FROM kept WHERE id = ?", identity)

    def record_key_uses(self, uses: Mapping[str, str]) -> None:
        """Store the last uses of keys, as times of leaves. An earlier time changes nothing."""
        for key, at in uses.items():
            self._write(_RECORD_USE, key, at)

    def _prepare_connection(self) -> sqlite3.Connection:
        """Insert all buffered rows, then return the connection."""
        connection = self._require_connection()
        self._insert()
        for statement, values in self.buffer.take_statements():
            self._execute(connection, statement, values)
        return connection

    def _log(self, name: str) -> LogTail | None:
        """Return the log as this work sees it; None if it has no entries."""
        self._require_connection()
        tail = self.tails.get(name) or self._cache.logs.get(name)
        if tail is None and (
            row := self._fetch_row("SELECT id, frontier FROM logs WHERE name = ?", name)
        ):
            tail = self._cache.logs[name] = LogTail(row[0], decode_frontier(row[1]))
        return tail

    def _new_log(self, name: str) -> LogTail:
        empty = Frontier()
        self._write(
            "INSERT INTO logs (name, size, root, frontier) VALUES (?, 0, ?, ?)",
            *(name, empty.root(), empty.encode()),
        )
        [log_id] = self._fetch_row("SELECT id FROM logs WHERE name = ?", name)
        return LogTail(log_id, empty)

    def _add_personal(self, log_id: int, prepared: PreparedEntry, personal: PersonalData) -> None:
        pseudonym, number = self._contact(log_id, prepared.log, personal.contact)
        if number is None:
            number = self._keys.take_key()
            self.buffer.contacts.append((number, log_id, pseudonym))
            self.own_lookups.contacts[prepared.log, personal.contact] = pseudonym, number
        key = self._keys.key(number)
        if key is None:
            raise StorageUnavailableError("the key of a contact is not in the file of keys")
        body = encrypt_personal_data(key, prepared.leaf_hash, personal)
        self.buffer.personal.append((self.next_seq, number, body))

    def _contact(self, log_id: int, log: str, contact: str) -> tuple[str, int | None]:
        """Return the name that finds the contact, and the number of its key if one is stored."""
        contact_row = self.own_lookups.contacts.get(
            (log, contact)
        ) or self._prefetched.contacts.get((log, contact))
        if contact_row is None:
            pseudonym = self._keys.pseudonym(log, contact)
            statement = "SELECT ref FROM contacts WHERE log = ? AND contact = ?"
            row = self._fetch_row(statement, log_id, pseudonym)
            contact_row = self.own_lookups.contacts[log, contact] = (
                pseudonym,
                row[0] if row else None,
            )
        return contact_row

    def _is_decided(self, log: str, event: str) -> bool:
        is_decided = self._lookup_decided(log, event)
        return super().decision(log, event) is not None if is_decided is None else is_decided

    def _lookup_decided(self, log: str, event: str) -> bool | None:
        key = log, event
        return self.own_lookups.decided_events.get(key, self._prefetched.decided_events.get(key))

    def _write(self, statement: str, *values: object) -> None:
        """Change the ledger."""
        self._execute(self._prepare_connection(), statement, values)

    def _execute(
        self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]
    ) -> None:
        """Execute a statement. After an error this work can do nothing more."""
        try:
            connection.execute(statement, values)
        except (sqlite3.Error, UnicodeError) as error:
            failure = translate_error(error)
            if isinstance(failure, StorageUnavailableError):
                self.failure = failure
                self.end()
            raise failure from error
        self.writes.append((statement, values))
