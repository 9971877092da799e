"""What one work sees of a ledger in SQLite, and appends to it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.entry import Entry, EntryKind, PersonalData, hash_for
from audit.errors import AlreadyDecidedError, StorageUnavailableError
from audit.log.merkle import Frontier
from audit.stores.contract import DECIDED_ALREADY, Head, Ready
from audit.stores.encryption import seal
from audit.stores.row_codec import packed
from audit.stores.sqlite.insert_buffer import Rows
from audit.stores.sqlite.prefetch import Foreseen
from audit.stores.sqlite.snapshot import SqliteSnapshot, decoded_frontier
from audit.stores.storage_errors import in_our_words
from rules.formats.canonical_json import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from audit.stores.contract import Kept
    from audit.stores.files.contact_keys import ContactKeys
    from audit.stores.sqlite.insert_buffer import Write

_ERASED = """
    SELECT idx FROM personal JOIN entries ON seq = entry WHERE personal.contact = ? ORDER BY idx
"""
_RECORD_USE = """
    INSERT INTO last_uses (key, at) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE excluded.at > at
"""
_KEEP = """
    INSERT INTO kept (id, log, finished, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, body = excluded.body
"""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log as its last append left it: its id, its frontier, the last entries asked for."""

    id: int
    frontier: Frontier
    latest: dict[str, Entry | None] = field(default_factory=dict)  # by prefix of their kinds

    def after(self, entry: Entry, kind: str) -> KnownLog:
        latest = {  # another mapping: a work that is undone leaves what it remembers to nobody
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


def ready(log: str, leaf: Mapping[str, Any], personal: PersonalData | None) -> Ready:
    """What of an append needs no transaction; BadLeafError."""
    hashed = hash_for(log, leaf, personal)
    columns, rest = packed(leaf)
    return Ready(log, dict(leaf), personal, hashed, (hashed, rest, *columns))


class SqliteTransaction(SqliteSnapshot):
    """A `Transaction`: what one work sees and appends.

    What it appends is kept back until something is read that is not known without asking SQLite.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it shares with the other works of its commit
        self,
        known: Known,
        foreseen: Foreseen,
        insert: Callable[[], object],
        connection: sqlite3.Connection,
        keys: ContactKeys,
        now: datetime,
    ) -> None:
        """`insert` inserts the rows that are kept back of the works before.

        Raises StorageUnavailableError.
        """
        super().__init__(connection, keys)
        self._known = known
        self._foreseen = foreseen
        self._insert = insert
        self._now = now
        self.made = Foreseen()  # by this work
        self.rows = Rows()  # of this work, kept back
        self.next_seq = known.next_seq
        self.grown: dict[str, KnownLog] = {}  # the logs that this work appended to
        self.writes: list[Write] = []
        self.erased: list[int] = []  # the numbers of keys to destroy
        self.spoilt: StorageUnavailableError | None = None  # by a write that failed

    @property
    def now(self) -> datetime:
        return self._now

    def sizes(self) -> dict[str, int]:
        known = {**self._known.logs, **self.grown}
        return super().sizes() | {log: each.frontier.size for log, each in known.items()}

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

    def append(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Entry:
        return self.append_ready(ready(log, leaf, personal))

    def append_ready(self, ready: Ready) -> Entry:
        log, leaf = ready.log, ready.leaf
        is_decision = leaf["kind"] == EntryKind.DECISION
        if is_decision and self._is_decided(log, leaf["event"]):
            raise AlreadyDecidedError(DECIDED_ALREADY)
        known = self._log(log) or self._new_log(log)
        entry = Entry(log, known.frontier.size, ready.leaf_hash, leaf)
        if ready.personal:
            self._add_personal(known.id, ready, ready.personal)
        self.rows.entries.append((self.next_seq, known.id, entry.index, *ready.row))
        self.next_seq += 1
        self.grown[log] = known.after(entry, leaf["kind"])
        if is_decision:
            self.made.decided[log, leaf["event"]] = True
            self.made.latest[log, leaf["conversation"]] = entry
        return entry

    def decision(self, log: str, event_id: str) -> Entry | None:
        known = self._known_decided(log, event_id)
        return None if known is False else super().decision(log, event_id)

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        known = self._latest(log, conversation)
        if isinstance(known, int):  # it was there before this commit
            return SqliteSnapshot(super()._open, self._keys).entry(log, known)
        return known

    def latest_index(self, log: str, conversation: str) -> int | None:
        known = self._latest(log, conversation)
        return known.index if isinstance(known, Entry) else known

    def _latest(self, log: str, conversation: str) -> Entry | int | None:
        """The conversation's last decision, or its index where only that is known."""
        place = log, conversation
        for seen in (self.made.latest, self._foreseen.latest):
            if place in seen:
                return seen[place]
        return super().latest_decision(log, conversation)

    def erase(self, log: str, contact: str) -> list[int]:
        known = self._log(log)
        if known is None:
            return []
        found_by, number = self._contact(known.id, log, contact)
        if number is None:
            return []
        indices = [index for (index,) in self._rows(_ERASED, number)]
        self._write("INSERT INTO erased (contact) VALUES (?)", number)
        self._write("DELETE FROM personal WHERE contact = ?", number)
        self._write("DELETE FROM contacts WHERE ref = ?", number)
        self.made.contacts[log, contact] = found_by, None
        self.erased.append(number)
        return indices

    def add_document(self, body: bytes) -> str:
        digest = digest_bytes(body)
        if self.document(digest) is None:
            self._write("INSERT INTO documents (digest, body) VALUES (?, ?)", digest, body)
        return digest

    def keep(self, work: Kept) -> None:
        self._write(_KEEP, work.id, work.log, work.finished, work.body)

    def forget(self, identity: str) -> None:
        self._write("DELETE FROM kept WHERE id = ?", identity)

    def record_uses(self, uses: Mapping[str, str]) -> None:
        for key, at in uses.items():
            self._write(_RECORD_USE, key, at)

    @property
    def _open(self) -> sqlite3.Connection:
        """The connection, with all in the ledger that was appended so far."""
        connection = super()._open
        self._insert()
        for statement, values in self.rows.taken():
            self._execute(connection, statement, values)
        return connection

    def _log(self, name: str) -> KnownLog | None:
        """The log as this work sees it; None where it is yet to begin."""
        _ = super()._open
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

    def _add_personal(self, log_id: int, ready: Ready, personal: PersonalData) -> None:
        found_by, number = self._contact(log_id, ready.log, personal.contact)
        if number is None:
            number = self._keys.take()
            self.rows.contacts.append((number, log_id, found_by))
            self.made.contacts[ready.log, personal.contact] = found_by, number
        key = self._keys.key(number)
        if key is None:
            raise StorageUnavailableError("the key of a contact is not in the file of keys")
        body = seal(key, ready.leaf_hash, personal)
        self.rows.personal.append((self.next_seq, number, body))

    def _contact(self, log_id: int, log: str, contact: str) -> tuple[str, int | None]:
        """What the contact is found by, and the number of their key if anything is kept."""
        known = self.made.contacts.get((log, contact)) or self._foreseen.contacts.get(
            (log, contact)
        )
        if known is None:
            found_by = self._keys.pseudonym(log, contact)
            of_contact = "SELECT ref FROM contacts WHERE log = ? AND contact = ?"
            row = self._row(of_contact, log_id, found_by)
            known = self.made.contacts[log, contact] = found_by, row[0] if row else None
        return known

    def _is_decided(self, log: str, event: str) -> bool:
        known = self._known_decided(log, event)
        return super().decision(log, event) is not None if known is None else known

    def _known_decided(self, log: str, event: str) -> bool | None:
        place = log, event
        return self.made.decided.get(place, self._foreseen.decided.get(place))

    def _write(self, statement: str, *values: object) -> None:
        """Change the ledger."""
        self._execute(self._open, statement, values)

    def _execute(
        self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]
    ) -> None:
        """The same. After a failure this work can do nothing more."""
        try:
            connection.execute(statement, values)
        except (sqlite3.Error, UnicodeError) as error:
            trouble = in_our_words(error)
            if isinstance(trouble, StorageUnavailableError):
                self.spoilt = trouble
                self.end()
            raise trouble from error
        self.writes.append((statement, values))
