"""Reading a ledger in SQLite: all queries."""

# ruff: noqa: S608 - the inserted names are constants of this module and kinds

from __future__ import annotations

import sqlite3
from datetime import MINYEAR
from functools import cache
from typing import TYPE_CHECKING, Any

from audit.entry import SALT_SIZE, Entry, EntryKind, PersonalData, format_time
from audit.errors import AuditError, DecodingError, PersonalDataErasedError, StorageUnavailableError
from audit.log.merkle import Frontier
from audit.stores.contract import EntryFilter, Job, LogHead, RawEntry, StoreSize
from audit.stores.encryption import DecryptionError, decrypt_personal_data
from audit.stores.row_codec import COLUMNS, decompress_rest, unpack_leaf
from audit.stores.sqlite import schema
from audit.stores.sqlite.integrity import find_integrity_errors
from audit.stores.sqlite.upgrade import ENCRYPTED_SINCE
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from audit.stores.files.contact_keys import ContactKeys

_PLAIN_FORMAT = b"\x00"  # begins a body of formats 1 and 2: this byte, the salt, the part
_STREAM_ROWS = 500
_RECORDED_ROWS = 2_000
_END = 1 << 62  # after every entry

_LOG = "log = (SELECT id FROM logs WHERE name = ?)"
_IN_PARTIAL_INDEX = "kind <> 'decision'"
_ENTRY = f"SELECT idx, leaf_hash, rest, {', '.join(COLUMNS)} FROM entries WHERE"
_AS_BYTES = ("kind", "at", "conversation", "id", "outcome", "reason", "rule")
_RECORDED = f"""
    SELECT idx, {", ".join(f"CAST({column} AS BLOB)" for column in _AS_BYTES)}, rest
    FROM entries WHERE
"""
_FILTERED = ("kind", "conversation", "outcome", "reason", "rule", "version")
_OF_CONTACT = f"""seq IN (
    SELECT entry FROM personal
    WHERE contact IN (SELECT ref FROM contacts WHERE {_LOG} AND contact IN (?, ?))
)"""


class SqliteSnapshot:
    """A `Snapshot` on a connection that is inside a transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        keys: ContactKeys,
        is_erased: Callable[[int], bool] = lambda _: False,
    ) -> None:
        """`is_erased` returns True if the contact of a key was erased after the snapshot began."""
        self._connection: sqlite3.Connection | None = connection
        self._keys = keys
        self._is_erased = is_erased

    def end(self) -> None:
        """End the snapshot; reading through it raises AuditError from then on."""
        self._connection = None

    def _require_connection(self) -> sqlite3.Connection:
        """Return the connection; raise AuditError if the snapshot has ended."""
        if self._connection is None:
            raise AuditError("the snapshot or transaction has ended")
        return self._connection

    def _prepare_connection(self) -> sqlite3.Connection:
        """Return the connection, ready for the next statement."""
        return self._require_connection()

    def _fetch_rows(self, statement: str, *values: object) -> list[Any]:
        try:
            return self._prepare_connection().execute(statement, values).fetchall()
        except OverflowError:
            return []  # a number beyond SQLite's range is not stored
        except sqlite3.Error as error:
            raise translate_error(error) from error

    def _fetch_row(self, statement: str, *values: object) -> Any:  # noqa: ANN401 - values of any column
        rows = self._fetch_rows(statement, *values)
        return rows[0] if rows else None

    def logs(self) -> list[str]:
        """Return the names of all logs that have an entry, sorted."""
        return [name for (name,) in self._fetch_rows("SELECT name FROM logs ORDER BY name")]

    def sizes(self) -> dict[str, int]:
        """Return the stored size of each log; cheap."""
        return dict(self._fetch_rows("SELECT name, size FROM logs ORDER BY name"))

    def head(self, log: str) -> LogHead:
        """Return the stored head of the log."""
        row = self._fetch_row("SELECT size, root, frontier FROM logs WHERE name = ?", log)
        return LogHead(row[0], row[1], decode_frontier(row[2])) if row else LogHead()

    def entry(self, log: str, index: int) -> Entry | None:
        """Return the entry at this index."""
        return self._fetch_entry(log, f"{_ENTRY} {_LOG} AND idx = ?", log, index)

    def entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the entries from `start` up to before `stop`, in order, read on demand."""
        statement = f"{_ENTRY} {_LOG} AND idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
        end = _END if stop is None else stop
        while rows := self._fetch_rows(statement, log, start, end, _STREAM_ROWS):
            yield from (_build_entry(log, row) for row in rows)
            start = rows[-1][0] + 1

    def raw_entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        """Yield the same entries, in order, as bytes that are hardly processed."""
        statement = f"{_RECORDED} {_LOG} AND idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
        end = _END if stop is None else stop
        while rows := self._fetch_rows(statement, log, start, end, _RECORDED_ROWS):
            for row in rows:
                yield RawEntry._make((*row[:-1], decompress_rest(row[-1])))
            start = rows[-1][0] + 1

    def decision(self, log: str, event_id: str) -> Entry | None:
        """Return the decision of the event."""
        statement = f"{_ENTRY} {_LOG} AND event = ? AND kind = 'decision'"
        return self._fetch_entry(log, statement, log, event_id)

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        """Return the last decision of the conversation."""
        statement = (
            f"{_ENTRY} {_LOG} AND conversation = ? AND kind = 'decision' ORDER BY seq DESC LIMIT 1"
        )
        return self._fetch_entry(log, statement, log, conversation)

    def latest_index(self, log: str, conversation: str) -> int | None:
        """Return the index of the conversation's last decision."""
        latest = self.latest_decision(log, conversation)
        return latest.index if latest else None

    def acting_decision(self, log: str, decision: str) -> Entry | None:
        """Return the decision with this id, if it has actions."""
        return self._fetch_entry(
            log, f"{_ENTRY} {_LOG} AND id = ? AND id IS NOT NULL", log, decision
        )

    def receipts(self, log: str, conversation: str) -> list[Entry]:
        """Return the `action.*` entries of a conversation, in order."""
        kinds = _kind_test(EntryKind.starting_with("action."))
        statement = f"{_ENTRY} {_LOG} AND conversation = ? AND +{kinds} ORDER BY seq"
        return [_build_entry(log, row) for row in self._fetch_rows(statement, log, conversation)]

    def latest_entry(self, log: str, prefix: str) -> Entry | None:
        """Return the last entry of a family of kinds, such as `version.`; cheap."""
        return self._fetch_entry(log, _latest_statement(prefix), log, log)

    def entries_of_family(self, log: str, prefix: str) -> list[Entry]:
        """Return all entries of a family of kinds, such as `version.`, in order."""
        of_family = _kind_test(EntryKind.starting_with(prefix))
        # The plus keeps SQLite from reading the whole log to get the order.
        rows = self._fetch_rows(f"{_ENTRY} {_LOG} AND {of_family} ORDER BY +idx", log)
        return [_build_entry(log, row) for row in rows]

    def search(
        self, log: str, entry_filter: EntryFilter, after_index: int | None, limit: int
    ) -> list[Entry]:
        """Return the first `limit` entries after index `after_index` that match, in order."""
        tests, values = _build_conditions(entry_filter)
        if entry_filter.contact is not None:
            tests.append(_OF_CONTACT)
            values += [log, entry_filter.contact, self._stored_contact(log, entry_filter.contact)]
        # A plus disables an index: SQLite first finds the few rows, then sorts them.
        of_contact = entry_filter.contact is not None
        log_test = f"+{_LOG}" if of_contact else _LOG
        idx = "+idx" if of_contact or entry_filter.conversation is not None else "idx"
        wheres = [f"{_ENTRY} {log_test}", f"{idx} > ?", *tests]
        statement = f"{' AND '.join(wheres)} ORDER BY {idx} LIMIT ?"
        after_or_start = -1 if after_index is None else after_index
        return [
            _build_entry(log, row)
            for row in self._fetch_rows(statement, log, after_or_start, *values, limit)
        ]

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes from `start` up to before `stop`, in order."""
        statement = (
            f"SELECT leaf_hash FROM entries WHERE {_LOG} AND idx >= ? AND idx < ? ORDER BY idx"
        )
        return [bytes(leaf_hash) for (leaf_hash,) in self._fetch_rows(statement, log, start, stop)]

    def reversed_entries(self, log: str, kind: str) -> Iterator[Entry]:
        """Yield the entries of a kind other than `decision`, last first, read on demand."""
        stop = _END
        statement = (
            f"{_ENTRY} {_LOG} AND kind = ? AND {_IN_PARTIAL_INDEX} AND idx < ?"
            " ORDER BY idx DESC LIMIT ?"
        )
        while rows := self._fetch_rows(statement, log, kind, stop, _STREAM_ROWS):
            yield from (_build_entry(log, row) for row in rows)
            stop = rows[-1][0]

    def integrity_errors(self) -> Iterator[str]:
        """Yield a description of each stored item that belongs to no log."""
        return find_integrity_errors(self._prepare_connection())

    def personal(self, log: str, index: int) -> PersonalData | None:
        """Return the personal part of the entry.

        Raises PersonalDataErasedError if it was erased after the snapshot was opened.
        """
        statement = f"""
            SELECT contacts.ref, contacts.contact, leaf_hash, body
            FROM entries JOIN personal ON entry = seq JOIN contacts ON ref = personal.contact
            WHERE entries.{_LOG} AND idx = ?
        """
        row = self._fetch_row(statement, log, index)
        return self._decrypt(log, *row) if row else None

    def _stored_contact(self, log: str, contact: str) -> str:
        """Return the stored name of the contact; old formats without encryption store its id."""
        is_encrypted = schema.format_of(self._prepare_connection()) >= ENCRYPTED_SINCE
        return self._keys.pseudonym(log, contact) if is_encrypted else contact

    def _decrypt(
        self, log: str, ref: int, contact: str, leaf_hash: bytes, body: bytes
    ) -> PersonalData:
        if body[:1] == _PLAIN_FORMAT:
            return PersonalData(contact, body[1 : 1 + SALT_SIZE], body[1 + SALT_SIZE :])
        key = self._keys.key(ref)
        if key is None and self._is_erased(ref):
            raise PersonalDataErasedError("the personal part was erased while this was read")
        if key is None:
            raise StorageUnavailableError("the key of a contact is not in the file of keys")
        try:
            personal = decrypt_personal_data(key, leaf_hash, body)
        except DecryptionError as error:
            raise StorageUnavailableError(f"a personal part is damaged: {error}") from error
        if self._keys.pseudonym(log, personal.contact) != contact:
            raise StorageUnavailableError("a personal part is kept as another contact's")
        return personal

    def document(self, digest: str) -> bytes | None:
        """Return the document with this digest."""
        row = self._fetch_row("SELECT body FROM documents WHERE digest = ?", digest)
        return row[0] if row else None

    def last_uses(self) -> dict[str, str]:
        """Return the recorded last uses of keys, by key id, as times of leaves."""
        if self._fetch_row("SELECT 1 FROM sqlite_schema WHERE name = 'last_uses'") is None:
            return {}  # a ledger of format 1 without writes since the upgrade of the program
        return dict(self._fetch_rows("SELECT key, at FROM last_uses"))

    def job(self, identity: str) -> Job | None:
        """Return the job with this id."""
        return next((job for job in self._fetch_jobs("id = ?", identity)), None)

    def jobs(self, log: str | None = None) -> list[Job]:
        """Return the jobs of this log, or of all logs, in the order of their first save."""
        return self._fetch_jobs("(? IS NULL OR log = ?) ORDER BY number", log, log)

    def _fetch_jobs(self, where: str, *values: object) -> list[Job]:
        if self._fetch_row("SELECT 1 FROM sqlite_schema WHERE name = 'kept'") is None:
            return []  # a ledger of an older format without writes since the upgrade of the program
        rows = self._fetch_rows(f"SELECT id, log, finished, body FROM kept WHERE {where}", *values)
        return [Job(identity, log, bool(finished), body) for identity, log, finished, body in rows]

    def size(self) -> StoreSize:
        """Return the size of the store; cheap."""
        [entries] = self._fetch_row("SELECT coalesce(max(seq), 0) FROM entries")
        [pages] = self._fetch_row("PRAGMA page_count")
        [page] = self._fetch_row("PRAGMA page_size")
        return StoreSize(entries, pages * page)

    def _fetch_entry(self, log: str, statement: str, *values: object) -> Entry | None:
        row = self._fetch_row(statement, *values)
        return _build_entry(log, row) if row else None


def decode_frontier(encoded: bytes) -> Frontier:
    """Return the frontier of a row of `logs`. Raises StorageUnavailableError if it is damaged."""
    try:
        return Frontier.decode(encoded)
    except DecodingError as error:
        raise StorageUnavailableError(f"the ledger's head is damaged: {error}") from error


def _build_entry(log: str, row: Sequence[Any]) -> Entry:
    index, leaf_hash, rest, *columns = row
    return Entry(log, index, leaf_hash, unpack_leaf(columns, rest))


@cache
def _latest_statement(prefix: str) -> str:
    """Return a statement that takes one index lookup per kind, for any number of entries."""
    of_log = "SELECT max(idx) FROM entries WHERE log = logs.id AND"
    subqueries = [f"({of_log} {_kind_test([kind])})" for kind in EntryKind.starting_with(prefix)]
    arguments = "".join(f", coalesce({subquery}, -1)" for subquery in subqueries)
    return f"{_ENTRY} {_LOG} AND idx = (SELECT max(-1, -1{arguments}) FROM logs WHERE name = ?)"


def _kind_test(kinds: Sequence[EntryKind]) -> str:
    """Return a test for the kinds, in a form that lets SQLite use the partial index."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return f"kind IN ({names})" + (
        f" AND {_IN_PARTIAL_INDEX}" if EntryKind.DECISION not in kinds else ""
    )


def _build_conditions(entry_filter: EntryFilter) -> tuple[list[str], list[object]]:
    tests: list[str] = []
    values: list[object] = []
    for column in _FILTERED:
        value = getattr(entry_filter, column)
        if value is not None:
            tests.append(f"{column} = ?")
            values.append(value)
    if entry_filter.kind not in (None, EntryKind.DECISION):
        tests.append(_IN_PARTIAL_INDEX)
    if entry_filter.has_actions:
        tests.append("id IS NOT NULL")
    for test, moment in (("at >= ?", entry_filter.since), ("at < ?", entry_filter.until)):
        if moment is not None:
            tests.append(test)
            values.append(_format_bound(moment))
    return tests, values


def _format_bound(moment: datetime) -> str:
    """Return a text that sorts among values of `at` as the moment does.

    A moment within a millisecond sorts after that millisecond and before the next. A moment without
    a year in UTC sorts before or after all.
    """
    try:
        return format_time(moment) + ("~" if moment.microsecond % 1000 else "")
    except OverflowError:
        return "" if moment.year == MINYEAR else "~"
