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
"""Members of entries that tell most; `entry` is the whole leaf, the bytes that were hashed."""

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula."""

_MEMBERS = (*COLUMNS[1:3], *COLUMNS[4:12])
_VERSION_INDEX = _MEMBERS.index("version")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_SEPARATOR = "\0"
_FORMULAS = re.compile(f"{_SEPARATOR}[{re.escape(''.join(FORMULA_PREFIXES))}]")
"""Where cells may begin as formulas, when all are looked at at once, each behind a cut."""


def format_header() -> str:
    return ",".join(COLUMNS) + "\r\n"


def format_row(index: int, leaf: Mapping[str, Any], body: bytes, leaf_hash: bytes) -> str:
    """The line of the entry with this leaf, its bytes and its hash.

    What a leaf has no member for is an empty cell. The hash stands as it is, to be compared: what
    ends in `=`, as it does, is no formula.
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
    """The text with an apostrophe before it where it would be taken for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_PREFIXES) else cell


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    text = escape_formula(value) if isinstance(value, str) else str(value)
    return _quote(text) if _NEEDS_QUOTES.search(text) else text


def _quote(text: str) -> str:
    escaped = text.replace('"', '""')
    return f'"{escaped}"'
