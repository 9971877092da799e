"""Entries as a table: CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import base64
import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry

COLUMNS = (
    "index",
    "kind",
    "at",
    "leaf_hash",
    "event",
    "conversation",
    "outcome",
    "reason",
    "rule",
    "stage",
    "version",
    "by",
    "entry",
)
"""Members of entries that tell most; `entry` is the whole leaf, the bytes that were hashed."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula."""


def table(entries: Iterable[Entry]) -> str:
    """A header, and a row for each entry."""
    written = StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    rows.writerows(map(_row, entries))
    return written.getvalue()


def harmless(cell: object) -> object:
    """The cell, a text with an apostrophe before it where it would be taken for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _row(entry: Entry) -> list[Any]:
    """What a leaf has no member for is an empty cell.

    The hash stands as it is, to be compared: what ends in `=`, as it does, is no formula.
    """
    leaf = dict(entry.value)
    leaf.setdefault("version", leaf.get("policy", {}).get("version"))
    leaf["index"] = entry.index
    leaf["entry"] = entry.leaf.decode()
    row = {column: harmless(leaf.get(column)) for column in COLUMNS}
    row["leaf_hash"] = base64.b64encode(entry.leaf_hash).decode()
    return list(row.values())
