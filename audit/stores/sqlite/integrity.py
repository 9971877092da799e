"""The integrity check: finds data that belongs to no log, which verifying logs would not read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from audit.stores.sqlite import schema
from audit.stores.storage_errors import translate_error
from rules.formats.canonical_json import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNTS = {
    "entries of a log that is not there": """
        SELECT count(*) FROM entries WHERE log NOT IN (SELECT id FROM logs)""",
    "entries missing in the sequence of all logs": """
        SELECT coalesce(max(seq), 0) - count(*) FROM entries""",
    "personal parts without an entry": """
        SELECT count(*) FROM personal WHERE entry NOT IN (SELECT seq FROM entries)""",
    "personal parts whose contact is missing or in another log": """
        SELECT count(*) FROM personal JOIN entries ON seq = entry
        LEFT JOIN contacts ON ref = personal.contact WHERE contacts.log IS NOT entries.log""",
}
_DEFINITIONS = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"


def find_integrity_errors(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a description of each error. Raises StorageUnavailableError."""
    try:
        for description, count in _COUNTS.items():
            [number] = connection.execute(count).fetchone()
            if number:
                yield f"{number} {description}"
        for digest, body in connection.execute("SELECT digest, body FROM documents"):
            if digest_bytes(bytes(body)) != digest:
                yield f"the document stored as {digest!r} has a different digest"
        actual = frozenset(connection.execute(_DEFINITIONS).fetchall())
        expected = _expected_definitions(schema.format_of(connection))
    except sqlite3.Error as error:
        raise translate_error(error) from error
    for kind, name, _ in sorted(expected - actual):
        yield f"the {kind} {name} is missing or was changed"
    for kind, name, _ in sorted(actual - expected):
        yield f"the {kind} {name!r} does not belong to a ledger"


@cache
def _expected_definitions(ledger_format: int) -> frozenset[tuple[str, str, str | None]]:
    """Return the tables, indexes and triggers of a new ledger."""
    with closing(sqlite3.connect(":memory:")) as connection:
        schema.create(connection, ledger_format)
        return frozenset(connection.execute(_DEFINITIONS).fetchall())
