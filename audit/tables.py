"""Entries as rows of a table: CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import base64
import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def header() -> str:
    return _line(list(COLUMNS))


def row(index: int, leaf: Mapping[str, Any], body: bytes, hashed: bytes) -> str:
    """The line of the entry with this leaf, its bytes and its hash.

    What a leaf has no member for is an empty cell. The hash stands as it is, to be compared: what
    ends in `=`, as it does, is no formula.
    """
    cells = dict(leaf)
    if "version" not in cells and isinstance(policy := cells.get("policy"), dict):
        cells["version"] = policy.get("version")
    cells["index"] = index
    cells["entry"] = body.decode()
    shown = {column: harmless(cells.get(column)) for column in COLUMNS}
    shown["leaf_hash"] = base64.b64encode(hashed).decode()
    return _line(list(shown.values()))


def harmless(cell: object) -> object:
    """The cell, a text with an apostrophe before it where it would be taken for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _line(cells: list[object]) -> str:
    written = StringIO(newline="")
    csv.writer(written).writerow(cells)
    return written.getvalue()
