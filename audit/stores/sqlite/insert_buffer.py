"""Rows kept back, so that those of many works are inserted by few statements.

Each statement that SQLite runs lets the other threads of the process in, and then waits for its
turn again: with many threads that takes longer than the insert itself. So rows are inserted once
something is read that they would be part of, or the commit ends; up to 64 of a table at once.

The order of tables is that of their triggers: a personal part comes ahead of its entry.
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

AT_ONCE = 64
"""Rows of one statement, a power of two: there is a statement for each power up to it."""

_TABLES = {
    "contacts": ("ref", "log", "contact"),
    "personal": ("entry", "contact", "body"),
    "entries": ("seq", "log", "idx", "leaf_hash", "rest", *COLUMNS),
}


class Rows:
    """Rows that are yet to be inserted."""

    __slots__ = ("contacts", "entries", "personal")

    def __init__(self) -> None:
        self.contacts: list[Row] = []
        self.personal: list[Row] = []
        self.entries: list[Row] = []

    def add(self, more: Rows) -> None:
        self.contacts += more.contacts
        self.personal += more.personal
        self.entries += more.entries

    def taken(self) -> Iterator[Write]:
        """The statements that insert the rows, in order; from here on there are none."""
        contacts, personal, entries = self.contacts, self.personal, self.entries
        self.__init__()  # type: ignore[misc]  # empty again
        yield from _writes("contacts", contacts)
        yield from _writes("personal", personal)
        yield from _writes("entries", entries)


def _writes(table: str, rows: list[Row]) -> Iterator[Write]:
    start = 0
    while left := len(rows) - start:
        size = min(AT_ONCE, 1 << (left.bit_length() - 1))
        some = rows[start : start + size]
        yield _insert(table, size), tuple([value for row in some for value in row])
        start += size


@cache
def _insert(table: str, rows: int) -> str:
    columns = _TABLES[table]
    one = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}"  # noqa: S608 - names of the table above
