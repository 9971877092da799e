"""What is SQLite's own: files, formats, and what the disk refuses."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.errors import (
    LedgerExistsError,
    NotALedgerError,
    StorageUnavailableError,
    UnknownFormatError,
)
from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.contract import EntryFilter
from audit.stores.files.contact_keys import KEYS
from audit.stores.files.signing_key import SIGNING_KEY
from audit.stores.sqlite import connections
from audit.stores.sqlite.schema import FORMAT
from audit.stores.sqlite.store import LEDGER, LOCK, SqliteStore
from tests.fakes.leaves import decide, first_version
from tests.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.stores.sqlite.snapshot import SqliteSnapshot
    from audit.stores.sqlite.transaction import SqliteTransaction

NOBODY = 65534


def test_ledger_files_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    """The directory is made 0700; nothing in it, while it is written to, is for others."""
    data = tmp_path / "a" / "data"
    with SqliteStore.create(data) as store:
        store.transact(decide("ev-1"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert set(modes) == {LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", LOCK, KEYS, SIGNING_KEY}
    assert set(modes.values()) == {0o600}


def test_ledger_file_states_application_and_format(tmp_path: Path) -> None:
    """application_id and user_version name the format, so that a stranger's tool can tell."""
    SqliteStore.create(tmp_path).close()
    assert (tmp_path / LEDGER).read_bytes()[68:72] == b"PLDG"
    assert (tmp_path / LEDGER).read_bytes()[60:64] == FORMAT.to_bytes(4, "big")


def test_create_fails_when_there_is_a_ledger(tmp_path: Path) -> None:
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
    with pytest.raises(LedgerExistsError):
        SqliteStore.create(tmp_path)
    with SqliteStore.open(tmp_path) as store, store.read() as view:
        assert view.head("acme").size == 1


def test_open_refuses_files_that_are_not_a_ledger(tmp_path: Path) -> None:
    """Nor is it made one."""
    with pytest.raises(NotALedgerError):
        SqliteStore.open(tmp_path)
    (tmp_path / LEDGER).write_text("a letter to a friend\n" * 100)
    with pytest.raises(NotALedgerError):
        SqliteStore.open(tmp_path)
    (tmp_path / LEDGER).write_bytes(b"")
    with pytest.raises(NotALedgerError):
        SqliteStore.open(tmp_path)


def test_open_refuses_a_newer_format(tmp_path: Path) -> None:
    SqliteStore.create(tmp_path).close()
    raw = sqlite3.connect(tmp_path / LEDGER)
    raw.execute(f"PRAGMA user_version = {FORMAT + 1}")
    raw.close()
    with pytest.raises(UnknownFormatError):
        SqliteStore.open(tmp_path)


def test_full_disk_refuses_a_work_and_keeps_earlier_entries(tmp_path: Path) -> None:
    """What was acknowledged stays, what was refused left nothing, and with room it goes on."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        writer = store._writer._connection
        assert writer is not None
        writer.execute("PRAGMA max_page_count = 60")
        works = [decide(f"ev-{number}", conversation=f"c-{number}") for number in range(600)]
        outcomes = store.transact_each(works)
        refused = [each for each in outcomes if isinstance(each, StorageUnavailableError)]
        assert refused
        assert "full" in str(refused[0])
        assert len(refused) < 600
        writer.execute("PRAGMA max_page_count = 100000")
        again = [w for w, each in zip(works, outcomes, strict=True) if isinstance(each, Exception)]
        assert not [each for each in store.transact_each(again) if isinstance(each, Exception)]
        with store.read() as view:
            [report] = verify_ledger(view)
    assert (report.size, report.findings) == (603, ())


def test_work_fails_when_it_hides_a_failed_append(tmp_path: Path) -> None:
    """A work that shrugs at a full disk must not commit what its append left half done."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        writer = store._writer._connection
        assert writer is not None
        [pages] = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")

        def shrugs(tx: SqliteTransaction) -> None:
            for number in range(100):
                try:
                    decide(f"ev-{number}", conversation=f"c-{number}")(tx)
                except StorageUnavailableError:
                    return

        with pytest.raises(StorageUnavailableError):
            store.transact(shrugs)
        with store.read() as view:
            [report] = verify_ledger(view)
    assert (report.size, report.findings) == (3, ())


FAILING_COMMIT = """
import resource, sys
from pathlib import Path
from audit.errors import StorageUnavailableError
from audit.stores.sqlite.store import LEDGER, SqliteStore
from audit.evidence.ledger_verifier import verify_ledger
from tests.fakes.leaves import decide, first_version

data = Path(sys.argv[1])
store = SqliteStore.create(data)
store.transact(first_version)
size = (data / f"{LEDGER}-wal").stat().st_size
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5000, hard))
outcomes = store.transact_each([decide("a"), decide("b"), decide("a")])
assert [type(each) for each in outcomes] == [StorageUnavailableError] * 3, outcomes
with store.read() as view:
    assert view.head("acme").size == 3
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert store.transact(decide("a")).index == 3
with store.read() as view:
    [report] = verify_ledger(view)
assert (report.size, report.findings) == (4, ()), report
store.close()
"""


def test_failed_commit_is_undone_for_all_its_works(tmp_path: Path) -> None:
    """The system refuses the write of the commit itself; afterwards the store goes on."""
    run_apart(FAILING_COMMIT, tmp_path)


def test_read_only_folder_is_reported() -> None:
    """A stranger is told what is wrong, not what SQLite calls it."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        SqliteStore.create(data).close()
        for file, mode in ((data / LEDGER, 0o444), (data / LOCK, 0o444), (data, 0o555)):
            file.chmod(mode)
        Path(name).chmod(0o755)
        with as_a_stranger(), pytest.raises(StorageUnavailableError, match="ledger's file"):
            SqliteStore.open(data)
        data.chmod(0o700)


@contextmanager
def as_a_stranger() -> Iterator[None]:
    """Not as root, for whom every file can be written."""
    user = os.geteuid()
    os.seteuid(NOBODY if user == 0 else user)
    yield
    os.seteuid(user)


def run_apart(script: str, data: Path) -> None:
    """Run a script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_write_waits_for_another_programs_lock_and_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a shell in which someone forgot a transaction; when it ends, writing goes on."""
    monkeypatch.setattr(connections, "_BUSY_SECONDS", 0.01)
    with SqliteStore.create(tmp_path) as store:
        raw = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailableError, match="another program"):
            store.transact(decide("ev-1"))
        raw.execute("ROLLBACK")
        raw.close()
        assert store.transact(decide("ev-1")).index == 0


def test_damaged_file_is_reported(tmp_path: Path) -> None:
    with SqliteStore.create(tmp_path) as store:
        store.transact_each([decide(f"ev-{number}") for number in range(100)])
    with (tmp_path / LEDGER).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 200_000)
    with (
        SqliteStore.open(tmp_path) as store,
        pytest.raises(StorageUnavailableError, match="damaged"),
    ):
        store.transact(decide("ev-new"))


def test_reader_cannot_write_or_checkpoint(tmp_path: Path) -> None:
    """Only the connection that holds the lock moves the WAL into the file."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
        before = (tmp_path / f"{LEDGER}-wal").stat().st_size
        with store.read() as view:
            assert view._connection is not None
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                view._connection.execute("DELETE FROM personal")
        with SqliteStore.open(tmp_path) as other, other.read() as view:
            assert view.head("acme").size == 1
        assert (tmp_path / f"{LEDGER}-wal").stat().st_size == before > 0
    assert not (tmp_path / f"{LEDGER}-wal").exists()


def test_writer_uses_wal_and_full_synchronization(tmp_path: Path) -> None:
    """WAL with synchronous FULL (2): a commit is on disk when it returns."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
        writer = store._writer._connection
        assert writer is not None
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_readers_reuse_connections_one_at_a_time(tmp_path: Path) -> None:
    """Snapshots within snapshots, and in threads, each have a view of their own."""
    with SqliteStore.create(tmp_path) as store:
        sizes = []

        def look() -> None:
            with store.read() as view:
                sizes.append(view.head("acme").size)

        with store.read() as outer:
            assert outer.head("acme").size == 0
            store.transact(decide("ev-1"))
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            look()
            assert outer.head("acme").size == 0
        assert sizes == [1, 1]
        assert len(store._idle_readers) == 2


def test_closed_store_refuses_reads_and_writes(tmp_path: Path) -> None:
    store = SqliteStore.create(tmp_path)
    with store.read():
        store.close()
    with pytest.raises(StorageUnavailableError, match="closed"):
        store.transact(decide("ev-1"))
    with pytest.raises(StorageUnavailableError, match="closed"), store.read():
        pass
    assert store._idle_readers == []
    store.close()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda view: view.decision("acme", "ev-1"), "entries_by_event"),
        (lambda view: view.latest_decision("acme", "c-1"), "entries_by_conversation"),
        (lambda view: view.latest_entry("acme", "version."), "entries_by_kind"),
        (lambda view: view.entries_of_family("acme", "version."), "entries_by_kind"),
        (lambda view: view.search("acme", EntryFilter(kind="hold.set"), 1, 9), "entries_by_kind"),
        (
            lambda view: view.search("acme", EntryFilter(conversation="c-1"), 1, 9),
            "entries_by_conversation",
        ),
        (lambda view: view.search("acme", EntryFilter(contact="ct-1"), 1, 9), "PRIMARY KEY"),
    ],
)
def test_selective_search_uses_an_index(
    tmp_path: Path, query: Callable[[SqliteSnapshot], object], index: str
) -> None:
    """The time of a decision, or of a conversation's story, must not grow with the ledger."""
    statements: list[str] = []
    with SqliteStore.create(tmp_path) as store, store.read() as view:
        connection = view._connection
        assert connection is not None
        connection.set_trace_callback(statements.append)
        query(view)
        connection.set_trace_callback(None)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]
    steps = [step for step in plan if "entries" in step]
    assert steps
    assert all(index in step or "(log=? AND idx=?)" in step for step in steps)
    assert not [step for step in plan if "SCAN entries" in step]
