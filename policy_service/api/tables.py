"""Entries as a table, as `audit/log/csv_rows.py` writes its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.log.csv_rows import format_header, format_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry


def table(entries: Iterable[Entry]) -> str:
    """A header, and a row for each entry."""
    rows = (format_row(each.index, each.value, each.leaf, each.leaf_hash) for each in entries)
    return "".join([format_header(), *rows])
