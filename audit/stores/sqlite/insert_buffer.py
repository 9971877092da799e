"""A buffer of rows, so that few statements insert the rows of many works.

Each statement releases the GIL, and then waits for it again. With many threads that takes longer
than the insert itself. Rows are therefore inserted when a statement must read them, or when the
commit ends; up to 64 rows of a table at once.

The order of tables follows their triggers: a personal part comes before its entry.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from audit.stores.row_codec import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

Row: TypeAlias = tuple[object, ...]
Write: TypeAlias = tuple[str, Row]
"""A statement and its values."""

MAX_ROWS_PER_INSERT = 64
"""Maximum rows of one statement, a power of two: each power up to it has a statement."""

_TABLES = {
    "contacts": ("ref", "log", "contact"),
    "personal": ("entry", "contact", "body"),
    "entries": ("seq", "log", "idx", "leaf_hash", "rest", *COLUMNS),
}


class InsertBuffer:
    """The rows that are not inserted yet."""

    __slots__ = ("contacts", "entries", "personal")

    def __init__(self) -> None:
        self.contacts: list[Row] = []
        self.personal: list[Row] = []
        self.entries: list[Row] = []

    def add(self, other: InsertBuffer) -> None:
        """Add the rows of another buffer."""
        self.contacts += other.contacts
        self.personal += other.personal
        self.entries += other.entries

    def take_statements(self) -> Iterator[Write]:
        """Empty the buffer and return the statements that insert its rows, in order."""
        contacts, personal, entries = self.contacts, self.personal, self.entries
        self.contacts, self.personal, self.entries = [], [], []
        yield from _build_inserts("contacts", contacts)
        yield from _build_inserts("personal", personal)
        yield from _build_inserts("entries", entries)


def _build_inserts(table: str, rows: list[Row]) -> Iterator[Write]:
    start = 0
    while row_count := len(rows) - start:
        size = min(MAX_ROWS_PER_INSERT, 1 << (row_count.bit_length() - 1))
        chunk = rows[start : start + size]
        yield _insert_statement(table, size), tuple([value for row in chunk for value in row])
        start += size


@cache
def _insert_statement(table: str, rows: int) -> str:
    columns = _TABLES[table]
    placeholders = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([placeholders] * rows)}"  # noqa: S608 - names of the table above
