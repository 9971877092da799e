"""What a writer remembers from one commit to the next, and when it must not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from audit.errors import AlreadyDecidedError, AuditError, StorageUnavailableError
from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.group_commit import WorkFailure
from audit.stores.sqlite import writer
from audit.stores.sqlite.store import LEDGER, SqliteStore
from tests.fakes.leaves import DOCUMENT, decide, decision, first_version, personal, version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.entry import Entry
    from audit.stores.sqlite.transaction import SqliteTransaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A ledger with entries 0 to 2 of `acme`, whose end is remembered."""
    with SqliteStore.create(tmp_path) as made:
        made.transact(first_version)
        yield made


def latest_version(tx: SqliteTransaction) -> int | None:
    latest = tx.latest_entry("acme", "version.")
    return latest.index if latest else None


FIRST_OF_ZETA = {**version("retired"), "kind": "hold.set", "workspace": "zeta"}


def retire(tx: SqliteTransaction) -> Entry:
    return tx.append("acme", version("retired"))


def sound(store: SqliteStore, **sizes: int) -> None:
    """The ledger verifies, and its logs have these sizes."""
    with store.read() as view:
        reports = list(verify_ledger(view))
    assert {report.log: report.size for report in reports} == sizes
    assert [finding for report in reports for finding in report.findings] == []


def test_transaction_sees_commits_of_other_processes(store: SqliteStore, tmp_path: Path) -> None:
    """Neither an index nor a version that somebody else entered is missed."""
    with SqliteStore.open(tmp_path) as other:
        for turn in range(4):
            one, two = decide(f"a-{turn}", conversation="a"), decide(f"b-{turn}", conversation="b")
            assert store.transact(one).index == 3 + 2 * turn
            assert other.transact(two).index == 4 + 2 * turn
        assert store.transact(latest_version) == other.transact(latest_version) == 2
        assert other.transact(retire).index == 11
        assert store.transact(latest_version) == 11
        with pytest.raises(AlreadyDecidedError):
            store.transact(decide("b-3", conversation="b"))
    sound(store, acme=12)


def test_transaction_sees_appends_of_other_programs(store: SqliteStore, tmp_path: Path) -> None:
    """Also one that knows nothing of our lock."""
    assert store.transact(latest_version) == 2
    raw = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
    raw.execute(
        "INSERT INTO entries (seq, log, idx, kind, at, rest, leaf_hash)"
        " VALUES (4, 1, 3, 'version.retired', 'x', x'00', zeroblob(32))"
    )
    raw.close()
    assert store.transact(latest_version) == 3


def test_failed_work_leaves_no_writes_in_the_cache(store: SqliteStore) -> None:
    """Log, contact, document and latest version alike; what the others wrote stays as it was."""

    def fails(tx: SqliteTransaction) -> None:
        tx.add_document(b"another")
        tx.append("zeta", {**version("proposed"), "workspace": "zeta"})
        assert latest_version(tx) == 2
        retired = retire(tx)
        decide("lost", contact="ct-lost")(tx)
        assert latest_version(tx) == retired.index
        raise ValueError("changed my mind")

    works = [decide("a"), fails, decide("b", contact="ct-b"), latest_version, fails, decide("c")]
    outcomes = store.transact_each(works)
    assert [type(each).__name__ for each in outcomes] == [
        *("Entry", "ValueError", "Entry", "int", "ValueError", "Entry")
    ]
    assert outcomes[3] == 2
    assert store.transact(lambda tx: tx.append("zeta", FIRST_OF_ZETA)).index == 0
    with store.read() as view:
        assert view.document("sha256:another") is None
        assert [entry.value.get("event") for entry in view.entries("acme", 3)] == ["a", "b", "c"]
        assert view.personal("acme", 4) == personal("b", "ct-b")


@pytest.mark.usefixtures("store")
def test_failed_work_leaves_no_lookups_in_the_cache(tmp_path: Path) -> None:
    """It read what it had written itself: a version step that never was must not stay the last."""

    def fails(tx: SqliteTransaction) -> None:
        retired = retire(tx)
        assert latest_version(tx) == retired.index
        raise ValueError("changed my mind")

    with SqliteStore.open(tmp_path) as other:
        other.transact(decide("a"))  # from here on it knows the log's end, and no last entries
        [_, seen] = other.transact_each([fails, latest_version])
        assert (seen, other.transact(latest_version)) == (2, 2)


def test_failed_work_without_writes_undoes_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals are common, and cost the others nothing."""

    def refuses(tx: SqliteTransaction) -> None:
        tx.decision("acme", "a")
        raise ValueError("no")

    monkeypatch.setattr(writer.SqliteCommit, "_undo", None)
    outcomes = store.transact_each([decide("a"), refuses, decide("b")])
    assert [type(each).__name__ for each in outcomes] == ["Entry", "ValueError", "Entry"]
    sound(store, acme=5)


def test_one_commit_extends_two_logs(store: SqliteStore) -> None:
    """Each keeps an end of its own."""
    zeta = [{**version(step), "workspace": "zeta"} for step in ("proposed", "approved")]
    store.transact_each(
        [
            decide("a"),
            lambda tx: [tx.append("zeta", leaf) for leaf in zeta],
            decide("b"),
            lambda tx: tx.append("zeta", {**version("activated"), "workspace": "zeta"}),
            lambda tx: tx.add_document(DOCUMENT),
        ]
    )
    sound(store, acme=5, zeta=3)
    assert store.transact(lambda tx: [tx.head(log).size for log in ("acme", "zeta")]) == [5, 3]


def test_lost_commit_leaves_nothing_in_the_cache(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one begins from what is on disk."""
    with monkeypatch.context() as patched:
        patched.setattr(writer.SqliteCommit, "commit", _lost)
        with pytest.raises(StorageUnavailableError):
            store.transact(retire)
    assert store.transact(latest_version) == 2
    assert store.transact(decide("a")).index == 3
    sound(store, acme=4)


def _lost(_: object) -> None:
    raise StorageUnavailableError("the disk is full")


def test_failure_during_an_undo_is_translated(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit is lost for all in it; no error of sqlite3 leaves the package."""

    def fails(tx: SqliteTransaction) -> None:
        tx.add_document(b"another")
        monkeypatch.setattr(writer.SqliteCommit, "_data_version", _broken)
        raise ValueError("changed my mind")

    outcomes = store.transact_each([decide("a"), fails, decide("b")])
    assert [type(each) for each in outcomes] == [StorageUnavailableError] * 3
    monkeypatch.undo()
    assert store.transact(decide("c")).index == 3
    sound(store, acme=4)


def _broken(_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_commit_is_lost_when_sqlite_rolled_it_back(store: SqliteStore) -> None:
    """After some failures SQLite rolls back by itself; what came later must not be on its own."""

    def undone(tx: SqliteTransaction) -> None:
        tx._prepare_connection().execute("ROLLBACK")

    outcomes = store.transact_each([decide("a"), undone, decide("b")])
    assert [type(each) for each in outcomes] == [StorageUnavailableError] * 3
    assert store.transact(decide("c")).index == 3
    sound(store, acme=4)


def test_transactions_work_with_more_logs_than_are_cached(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit may touch any number of them; afterwards they are read again."""
    monkeypatch.setattr(writer, "MAX_CACHED_LOGS", 2)
    for _ in range(2):
        store.transact_each(
            [
                lambda tx, log=log: tx.append(log, {**FIRST_OF_ZETA, "workspace": log})  # type: ignore[misc]
                for log in ("b", "c", "d", "e")
            ]
        )
    sound(store, acme=3, b=2, c=2, d=2, e=2)


def test_ended_transaction_refuses_reads(store: SqliteStore) -> None:
    """Not even what it remembers."""
    leaked = store.transact(lambda tx: tx if tx.latest_entry("acme", "version.") else None)
    assert leaked is not None
    for use in (
        lambda: leaked.latest_entry("acme", "version."),
        lambda: leaked.head("acme"),
        lambda: leaked.append("acme", decision("ev-1"), personal("ev-1")),
    ):
        with pytest.raises(AuditError):
            use()


def test_commit_is_lost_when_buffered_rows_fail(store: SqliteStore, tmp_path: Path) -> None:
    """By then their work has returned. Nobody is told that it is stored, all are told why not."""
    with closing(sqlite3.connect(tmp_path / LEDGER)) as other:
        other.execute("""
            CREATE TRIGGER strange BEFORE INSERT ON entries WHEN NEW.event = 'ev-bad'
            BEGIN SELECT RAISE(ABORT, 'strange'); END
        """)
    outcomes = store.transact_each([decide("ev-bad"), latest_version, count, decide("ev-good")])
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailableError] * 4
    assert ["strange" in str(outcome) for outcome in outcomes] == [True] * 4
    sound(store, acme=3)
    assert store.transact(decide("ev-good")).index == 3
    sound(store, acme=4)


def count(tx: SqliteTransaction) -> int:
    return len(list(tx.entries("acme")))


def test_prefetch_handles_any_number_of_lookup_keys(store: SqliteStore) -> None:
    """More than one statement has values for; what stands in the ledger is found for the last."""
    store.transact(decide("ev-last", conversation="c-last"))
    about = [store.lookup_key("acme", f"ev-{n}", f"c-{n}", "ct-1") for n in range(10_000)]
    last = store.lookup_key("acme", "ev-last", "c-last", "ct-1")
    [same] = store._group.submit([decide("ev-last")], [*about, last])
    assert isinstance(same, WorkFailure)
    assert isinstance(same.error, AlreadyDecidedError)
    sound(store, acme=4)
