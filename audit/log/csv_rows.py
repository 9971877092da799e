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

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula."""

_MEMBERS = (*COLUMNS[1:3], *COLUMNS[4:12])
_VERSION = _MEMBERS.index("version")
_QUOTED = re.compile(r'[",\r\n]')
_CUT = "\0"
_FORMULAS = re.compile(f"{_CUT}[{re.escape(''.join(FORMULA))}]")
"""Where cells may begin as formulas, when all are looked at at once, each behind a cut."""


def header() -> str:
    return ",".join(COLUMNS) + "\r\n"


def row(index: int, leaf: Mapping[str, Any], body: bytes, hashed: bytes) -> str:
    """The line of the entry with this leaf, its bytes and its hash.

    What a leaf has no member for is an empty cell. The hash stands as it is, to be compared: what
    ends in `=`, as it does, is no formula.
    """
    values = [leaf.get(member) for member in _MEMBERS]
    if "version" not in leaf and isinstance(policy := leaf.get("policy"), dict):
        values[_VERSION] = policy.get("version")
    cells = ["" if value is None else str(value) for value in values]
    all_ = _CUT + _CUT.join(cells)
    if '"' in all_ or "," in all_ or "\r" in all_ or "\n" in all_ or _FORMULAS.search(all_):
        cells = [_cell(value) for value in values]
    hash_ = b64encode(hashed).decode()
    written = (str(index), *cells[:2], hash_, *cells[2:], _quoted(body.decode()))
    return ",".join(written) + "\r\n"


def harmless(cell: str) -> str:
    """The text with an apostrophe before it where it would be taken for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = harmless(value) if isinstance(value, str) else str(value)
    return _quoted(text) if _QUOTED.search(text) else text


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
