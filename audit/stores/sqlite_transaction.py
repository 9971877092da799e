"""What one work sees of a ledger in SQLite, and appends to it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from audit.entry import Entry, Personal, hash_for
from audit.errors import StorageUnavailable
from audit.merkle import Frontier
from audit.sealing import seal
from audit.store import Head, Ready
from audit.stores.packing import COLUMNS, packed
from audit.stores.sqlite_snapshot import SqliteSnapshot, decoded_frontier
from audit.stores.sqlite_trouble import in_our_words
from rules.canonical import digest_of_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from audit.store import Kept
    from audit.stores.contact_keys import ContactKeys

Write: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement and its values."""

_WRITTEN = ("seq", "log", "idx", "leaf_hash", "rest", *COLUMNS)
_INSERT_ENTRY = f"""
    INSERT INTO entries ({", ".join(_WRITTEN)}) VALUES ({", ".join("?" * len(_WRITTEN))})
"""  # noqa: S608 - the columns are those above
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


def ready(log: str, leaf: Mapping[str, Any], personal: Personal | None) -> Ready:
    """What of an append needs no transaction; BadLeaf."""
    hashed = hash_for(log, leaf, personal)
    columns, rest = packed(leaf)
    return Ready(log, dict(leaf), personal, hashed, (hashed, rest, *columns))


class SqliteTransaction(SqliteSnapshot):
    """A `Transaction`: what one work sees and appends."""

    def __init__(
        self, known: Known, connection: sqlite3.Connection, keys: ContactKeys, now: datetime
    ) -> None:
        super().__init__(connection, keys)
        self._known = known
        self._now = now
        self.next_seq = known.next_seq
        self.grown: dict[str, KnownLog] = {}  # the logs that this work appended to
        self.writes: list[Write] = []
        self.erased: list[int] = []  # the numbers of keys to destroy
        self.spoilt: StorageUnavailable | None = None  # by a write that failed

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

    def append(self, log: str, leaf: Mapping[str, Any], personal: Personal | None = None) -> Entry:
        return self.append_ready(ready(log, leaf, personal))

    def append_ready(self, ready: Ready) -> Entry:
        known = self._log(ready.log) or self._new_log(ready.log)
        entry = Entry(ready.log, known.frontier.size, ready.leaf_hash, ready.leaf)
        self._write(_INSERT_ENTRY, self.next_seq, known.id, entry.index, *ready.row)
        if ready.personal:
            self._insert_personal(known.id, ready, ready.personal)
        self.next_seq += 1
        self.grown[ready.log] = known.after(entry, ready.leaf["kind"])
        return entry

    def erase(self, log: str, contact: str) -> list[int]:
        known = self._log(log)
        found = self._contact(known.id, log, contact) if known else None
        if found is None:
            return []
        indices = [index for (index,) in self._rows(_ERASED, *found)]
        self._write("INSERT INTO erased (contact) VALUES (?)", *found)
        self._write("DELETE FROM personal WHERE contact = ?", *found)
        self._write("DELETE FROM contacts WHERE ref = ?", *found)
        self.erased.append(*found)
        return indices

    def add_document(self, body: bytes) -> str:
        digest = digest_of_bytes(body)
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

    def _insert_personal(self, log_id: int, ready: Ready, personal: Personal) -> None:
        contact = self._contact(log_id, ready.log, personal.contact)
        number = contact[0] if contact else self._keys.take()
        key = self._keys.key(number)
        if key is None:
            raise StorageUnavailable("the key of a contact is not in the file of keys")
        if contact is None:
            whose = number, log_id, self._keys.pseudonym(ready.log, personal.contact)
            self._write("INSERT INTO contacts (ref, log, contact) VALUES (?, ?, ?)", *whose)
        body = seal(key, ready.leaf_hash, personal)
        row = self.next_seq, number, body
        self._write("INSERT INTO personal (entry, contact, body) VALUES (?, ?, ?)", *row)

    def _contact(self, log_id: int, log: str, contact: str) -> tuple[int] | None:
        """The number of the contact's key, if anything of theirs is kept."""
        found: tuple[int] | None = self._row(
            "SELECT ref FROM contacts WHERE log = ? AND contact = ?",
            *(log_id, self._keys.pseudonym(log, contact)),
        )
        return found

    def _write(self, statement: str, *values: object) -> int:
        """Change the ledger; by how many rows. After a failure this work can do nothing more."""
        connection = self._open
        try:
            changed = connection.execute(statement, values).rowcount
        except (sqlite3.Error, UnicodeError) as error:
            trouble = in_our_words(error)
            if isinstance(trouble, StorageUnavailable):
                self.spoilt = trouble
                self.end()
            raise trouble from error
        self.writes.append((statement, values))
        return changed
