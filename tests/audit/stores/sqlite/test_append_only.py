"""The database refuses, whoever is connected to it, all that is not an append."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.sqlite.store import LEDGER, SqliteStore
from tests.fakes.leaves import decide, first_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A ledger of two logs: entries 1 to 5 of `acme`, entry 6 of `zeta`."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        for event in ("ev-1", "ev-2"):
            store.transact(decide(event, conversation=event))
        store.transact(decide("ev-1", workspace="zeta"))
    return tmp_path


@pytest.fixture
def raw(data: Path) -> Iterator[sqlite3.Connection]:
    """A connection of someone else: without our pragmas, triggers not recursive."""
    connection = sqlite3.connect(data / LEDGER, isolation_level=None)
    connection.execute("PRAGMA recursive_triggers = OFF")
    connection.execute("INSERT INTO erased VALUES (7)")
    yield connection
    connection.close()


HASH = "zeroblob(32)"
OTHER = f"'hold.set', 'x', x'00', {HASH}"
DECISION = f"'decision', 'x', x'00', {HASH}, 'ev-1'"
ROW = "entries (seq, log, idx, kind, at, rest, leaf_hash)"
EVENT_ROW = "entries (seq, log, idx, kind, at, rest, leaf_hash, event)"

FORBIDDEN = {
    "update a leaf": "UPDATE entries SET rest = x'00' WHERE seq = 4",
    "update a member of a leaf": "UPDATE entries SET outcome = 'ask' WHERE seq = 4",
    "update a hash": f"UPDATE entries SET leaf_hash = {HASH}",
    "move an entry": "UPDATE entries SET idx = 9 WHERE seq = 4",
    "update or replace an entry": "UPDATE OR REPLACE entries SET seq = 4 WHERE seq = 5",
    "delete an entry": "DELETE FROM entries WHERE seq = 6",
    "delete all entries": "DELETE FROM entries",
    "replace by seq": f"REPLACE INTO {ROW} VALUES (4, 1, 3, {OTHER})",
    "replace by rowid": f"""
        INSERT OR REPLACE INTO entries (rowid, log, idx, kind, at, rest, leaf_hash)
        VALUES (4, 1, 5, {OTHER})
    """,
    "replace by log and idx": f"INSERT OR REPLACE INTO {ROW} VALUES (7, 1, 3, {OTHER})",
    "replace by event": f"INSERT OR REPLACE INTO {EVENT_ROW} VALUES (7, 1, 5, {DECISION})",
    "ignore and go on by event": f"INSERT OR IGNORE INTO {EVENT_ROW} VALUES (7, 1, 5, {DECISION})",
    "upsert by log and idx": f"""
        INSERT INTO {ROW} VALUES (7, 1, 3, {OTHER})
        ON CONFLICT (log, idx) DO UPDATE SET rest = excluded.rest
    """,
    "leave a gap in idx": f"INSERT INTO {ROW} VALUES (7, 1, 6, {OTHER})",
    "leave a gap in seq": f"INSERT INTO {ROW} VALUES (8, 1, 5, {OTHER})",
    "leave seq to chance": f"INSERT INTO {ROW} VALUES (NULL, 1, 5, {OTHER})",
    "append to no log": f"INSERT INTO {ROW} VALUES (7, 9, 0, {OTHER})",
    "append without a kind": f"INSERT INTO {ROW} VALUES (7, 1, 5, NULL, 'x', x'00', {HASH})",
    "append a short hash": f"INSERT INTO {ROW} VALUES (7, 1, 5, 'hold.set', 'x', x'00', x'00')",
    "shrink a log": "UPDATE logs SET size = 4 WHERE id = 1",
    "grow a log without entries": "UPDATE logs SET size = 6 WHERE id = 1",
    "change a root": f"UPDATE logs SET root = {HASH}",
    "rename a log": "UPDATE logs SET name = 'other' WHERE id = 1",
    "renumber a log": "UPDATE logs SET id = 9 WHERE id = 1",
    "put one log over another": "UPDATE OR REPLACE logs SET name = 'zeta' WHERE id = 1",
    "delete a log": "DELETE FROM logs WHERE name = 'zeta'",
    "replace a log by name": """
        INSERT OR REPLACE INTO logs (name, size, root, frontier) VALUES ('acme', 0, x'', x'')
    """,
    "replace a log by id": """
        INSERT OR REPLACE INTO logs (id, name, size, root, frontier) VALUES (1, 'x', 0, x'', x'')
    """,
    "begin a log that is not empty": """
        INSERT INTO logs (name, size, root, frontier) VALUES ('new', 3, x'', x'')
    """,
    "update a document": "UPDATE documents SET body = x'00'",
    "delete a document": "DELETE FROM documents",
    "replace a document": "REPLACE INTO documents SELECT digest, x'00' FROM documents",
    "update a personal part": "UPDATE personal SET body = x'00'",
    "replace a personal part": "REPLACE INTO personal VALUES (4, 1, x'00')",
    "replace the last personal part": "REPLACE INTO personal VALUES (6, 1, x'00')",
    "add a personal part later": "INSERT INTO personal VALUES (2, 1, x'00')",
    "update a contact": "UPDATE contacts SET contact = 'ct-2'",
    "replace a contact by ref": "REPLACE INTO contacts VALUES (1, 1, 'ct-2')",
    "replace a contact by name": """
        REPLACE INTO contacts SELECT 9, log, contact FROM contacts WHERE ref = 1
    """,
    "forget an erasure": "DELETE FROM erased",
    "change an erasure": "UPDATE erased SET contact = 8",
}


def contents(connection: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    tables = ("logs", "entries", "personal", "contacts", "documents", "erased")
    return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_database_refuses_changes_of_entries(raw: sqlite3.Connection, statement: str) -> None:
    """Each of these is refused on any connection, and changes nothing."""
    before = contents(raw)
    with pytest.raises((sqlite3.IntegrityError, sqlite3.OperationalError)):
        raw.execute(statement)
    assert contents(raw) == before


def test_database_refuses_to_restore_a_removed_personal_part(raw: sqlite3.Connection) -> None:
    """Erasing is possible, and final: only with its entry can a part be written."""
    raw.execute("DELETE FROM personal WHERE entry = 4")
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute("INSERT INTO personal VALUES (4, 1, x'00')")


def test_verifier_finds_an_append_by_another_program(raw: sqlite3.Connection, data: Path) -> None:
    """Whoever owns the file can append to it; the head gives them away."""
    raw.execute(f"INSERT INTO {ROW} VALUES (7, 1, 5, {OTHER})")
    with SqliteStore.open(data) as store, store.read() as view:
        reports = {report.log: report.findings for report in verify_ledger(view)}
    assert {finding.code for finding in reports["acme"]} >= {
        "leaf_hash",
        "bad_leaf",
        "size",
        "root",
    }
