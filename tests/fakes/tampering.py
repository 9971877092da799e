"""What the owner of a ledger's file can do to it: first of all, take its triggers away."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from audit.stores.row_codec import COLUMNS, pack_leaf, unpack_leaf
from audit.stores.sqlite.store import LEDGER
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def owned(data: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the ledger that nothing is forbidden to; committed at the end."""
    with closing(sqlite3.connect(data / LEDGER)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()


def edit_leaf(connection: sqlite3.Connection, where: str, change: Callable[[str], str]) -> None:
    """Change the text of the leaves that are found, and leave their hashes as they are."""
    names = ", ".join(COLUMNS)
    rows = connection.execute(f"SELECT seq, rest, {names} FROM entries WHERE {where}").fetchall()
    assert rows
    assignments = ", ".join(f"{name} = ?" for name in ("rest", *COLUMNS))
    for seq, rest, *columns in rows:
        text = change(encode_canonical(unpack_leaf(columns, rest)).decode())
        changed = _put_back(text, columns)
        connection.execute(f"UPDATE entries SET {assignments} WHERE seq = ?", (*changed, seq))


def _put_back(text: str, before: list[Any]) -> list[Any]:
    """The rest and the columns of the text; what is no leaf stands in the clear, beside the old."""
    leaf = orjson.loads(text)
    if not isinstance(leaf, dict) or "kind" not in leaf:
        return [b"\x00" + text.encode(), *before]
    columns, rest = pack_leaf(leaf)
    return [rest, *columns]
