"""Entries as rows of a table: CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import re
from base64 import b64encode
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
"""The members of entries with a column; `entry` is the whole leaf, the bytes that were hashed."""

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The characters with which a spreadsheet lets a formula begin."""

_MEMBERS = (*COLUMNS[1:3], *COLUMNS[4:12])
_VERSION_INDEX = _MEMBERS.index("version")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_SEPARATOR = "\0"
_FORMULAS = re.compile(f"{_SEPARATOR}[{re.escape(''.join(FORMULA_PREFIXES))}]")
"""Matches the start of a formula in any cell, if a cut comes before each cell."""


def format_header() -> str:
    """Return the first line of the table, with the names of the columns."""
    return ",".join(COLUMNS) + "\r\n"


def format_row(index: int, leaf: Mapping[str, Any], body: bytes, leaf_hash: bytes) -> str:
    """Return the line of an entry, given its leaf, the leaf's bytes and its hash.

    A cell is empty if the leaf lacks the member. The hash is not escaped, so that it can be
    compared: base64 may end in `=`, but a formula begins with it.
    """
    values = [leaf.get(member) for member in _MEMBERS]
    if "version" not in leaf and isinstance(policy := leaf.get("policy"), dict):
        values[_VERSION_INDEX] = policy.get("version")
    cells = ["" if value is None else str(value) for value in values]
    line = _SEPARATOR + _SEPARATOR.join(cells)
    if '"' in line or "," in line or "\r" in line or "\n" in line or _FORMULAS.search(line):
        cells = [_format_cell(value) for value in values]
    hash_ = b64encode(leaf_hash).decode()
    columns = (str(index), *cells[:2], hash_, *cells[2:], _quote(body.decode()))
    return ",".join(columns) + "\r\n"


def escape_formula(cell: str) -> str:
    """Return the text, after an apostrophe if a spreadsheet would read it as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_PREFIXES) else cell


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    text = escape_formula(value) if isinstance(value, str) else str(value)
    return _quote(text) if _NEEDS_QUOTES.search(text) else text


def _quote(text: str) -> str:
    escaped = text.replace('"', '""')
    return f'"{escaped}"'
