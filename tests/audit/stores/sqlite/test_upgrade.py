"""A ledger of an older format is read as it is, and brought to the newest by the first write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.contract import EntryFilter
from audit.stores.sqlite import schema
from audit.stores.sqlite.store import LEDGER, SqliteStore
from tests.fakes.leaves import decide, first_version, personal

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.contract import Snapshot


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A ledger as the first release made it, with entries."""
    with closing(sqlite3.connect(tmp_path / LEDGER, isolation_level=None)) as connection:
        schema.create(connection, 1)
        written = SqliteStore.create(tmp_path / "newer")
        with written:
            written.transact(first_version)
            written.transact(decide("ev-1"))
        connection.execute("ATTACH ? AS newer", [str(tmp_path / "newer" / LEDGER)])
        connection.execute("INSERT INTO logs SELECT id, name, 0, root, frontier FROM newer.logs")
        for table in ("entries", "documents"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM newer.{table}")
        part = personal("ev-1")
        connection.execute("INSERT INTO contacts VALUES (1, 1, 'ct-1')")
        body = b"\x00" + part.salt + part.part
        connection.execute("INSERT INTO personal VALUES (4, 1, ?)", (body,))
        connection.execute("UPDATE logs SET (size, root) = (SELECT size, root FROM newer.logs)")
    return tmp_path


def format_of(data: Path) -> int:
    with closing(sqlite3.connect(data / LEDGER)) as connection:
        return schema.format_of(connection)


def check(view: Snapshot, entries: int) -> None:
    [report] = verify_ledger(view)
    assert (report.size, report.findings, list(view.integrity_errors())) == (entries, (), [])
    assert view.size().entries == entries
    assert view.personal("acme", 3) == personal("ev-1")
    found = view.search("acme", EntryFilter(contact="ct-1"), None, 1)
    assert [entry.index for entry in found] == [3]


def test_reading_leaves_an_older_ledger_unchanged(older: Path) -> None:
    """Whoever only verifies a copy changes nothing of it."""
    with SqliteStore.open(older) as store, store.read() as view:
        check(view, 4)
        assert view.last_uses() == {}
    assert format_of(older) == 1


def test_first_write_upgrades_an_older_ledger(older: Path) -> None:
    """Also for those who had it open, and whatever the write is."""
    with SqliteStore.open(older) as reading, SqliteStore.open(older) as writing:
        with reading.read() as before:
            writing.transact(lambda tx: tx.record_key_uses({"key-1": "2026-11-22T12:00:00.000Z"}))
            check(before, 4)
        with reading.read() as after:
            check(after, 4)
            assert list(after.last_uses()) == ["key-1"]
        reading.transact(decide("ev-2"))
        with writing.read() as view:
            check(view, 5)
    assert format_of(older) == schema.FORMAT


@pytest.mark.parametrize("of_format", range(1, schema.FORMAT))
def test_ledger_of_any_older_format_accepts_writes(tmp_path: Path, of_format: int) -> None:
    """What is written needs the triggers of today, which the first write brings."""
    with closing(sqlite3.connect(tmp_path / LEDGER, isolation_level=None)) as connection:
        schema.create(connection, of_format)
    with SqliteStore.open(tmp_path) as store:
        store.transact(first_version)
        store.transact(decide("ev-1"))
        with store.read() as view:
            check(view, 4)
    assert format_of(tmp_path) == schema.FORMAT


def test_missing_table_of_last_uses_is_reported(tmp_path: Path) -> None:
    SqliteStore.create(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / LEDGER)) as connection:
        connection.execute("DROP TABLE last_uses")
    with SqliteStore.open(tmp_path) as store, store.read() as view:
        assert list(view.integrity_errors()) == ["the table last_uses is missing or was changed"]
