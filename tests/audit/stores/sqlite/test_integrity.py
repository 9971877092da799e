"""What stands in the file and fits no log is told, though no walk through the logs meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.sqlite.store import SqliteStore
from tests.fakes.leaves import NOON, decide
from tests.fakes.tampering import owned

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A ledger of one log, two decisions on two contacts and a document."""
    with SqliteStore.create(tmp_path / "data", clock=lambda: NOON) as store:
        store.transact(lambda tx: tx.add_document(b"{}"))
        store.transact(decide("a"))
        store.transact(decide("b", contact="ct-2"))
    return tmp_path / "data"


def told(data: Path) -> list[str]:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return list(snapshot.integrity_errors())


def test_integrity_check_finds_nothing_in_a_sound_ledger(data: Path) -> None:
    assert told(data) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM logs", "2 entries of a log that is not there"),
        ("DELETE FROM entries WHERE seq = 1", "1 entries missing in the sequence of all logs"),
        ("DELETE FROM entries WHERE seq = 2", "1 personal parts without an entry"),
        ("UPDATE contacts SET log = 7", "2 personal parts whose contact is missing"),
        ("DELETE FROM contacts", "2 personal parts whose contact is missing"),
        ("UPDATE documents SET body = x'5b5d'", "the document stored as"),
        ("DROP INDEX entries_by_event", "the index entries_by_event is missing or was changed"),
        ("CREATE TABLE more (a)", "the table 'more' does not belong to a ledger"),
    ],
)
def test_integrity_check_reports_data_without_a_log(data: Path, statement: str, words: str) -> None:
    with owned(data) as connection:
        connection.execute(statement)
    assert any(stray.startswith(words) for stray in told(data))


def test_integrity_check_reports_removed_triggers(data: Path) -> None:
    with owned(data):
        pass
    assert "the trigger entries_update is missing or was changed" in told(data)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE contacts SET contact = 'mallory' WHERE ref = 1",
            "a personal part is kept as another contact's",
        ),
        (
            "UPDATE personal SET contact = 2 WHERE entry = 1",
            "a personal part is damaged: it does not open with the contact's key",
        ),
    ],
)
def test_integrity_check_reports_a_personal_part_of_another_contact(
    data: Path, statement: str, message: str
) -> None:
    """Else a search would show, and an erasure erase, the wrong person's."""
    with owned(data) as connection:
        connection.execute(statement)
    with SqliteStore.open(data) as store, store.read() as snapshot:
        findings = [finding for report in verify_ledger(snapshot) for finding in report.findings]
    assert ("acme", 0, message) in [
        (finding.log, finding.index, finding.message) for finding in findings
    ]
