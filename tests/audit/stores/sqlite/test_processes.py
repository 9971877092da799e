"""Many processes on one ledger, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.sqlite.store import LEDGER, SqliteStore
from tests.fakes.leaves import decide, first_version
from tests.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from audit.verification.findings import LogReport


def start(data: Path, name: str, threads: int, count: int) -> subprocess.Popen[str]:
    arguments = [str(data), name, str(threads), str(count)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.writing_process", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.split()


def events_and_report(data: Path) -> tuple[list[str], LogReport]:
    with SqliteStore.open(data) as store, store.read() as view:
        events = [e.value["event"] for e in view.entries("acme") if e.value["kind"] == "decision"]
        [report] = verify_ledger(view)
    return events, report


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
    return tmp_path


def test_two_processes_write_one_log_without_gaps(data: Path) -> None:
    """Every acknowledged entry of either is there once, and the log verifies."""
    both = [start(data, "a", 8, 25), start(data, "b", 8, 25)]
    acknowledged = [event for process in both for event in finish(process)]
    events, report = events_and_report(data)
    assert len(events) == 400
    assert sorted(events) == sorted(acknowledged)
    assert report.findings == ()


def test_event_is_decided_once_when_two_processes_get_it(data: Path) -> None:
    """Of two processes with the same events, for each event one has the decision."""
    both = [start(data, "same", 4, 25), start(data, "same", 4, 25)]
    acknowledged = [event for process in both for event in finish(process)]
    events, report = events_and_report(data)
    assert len(set(events)) == len(events) == 100
    assert sorted(events) == sorted(acknowledged)
    assert report.findings == ()


@pytest.mark.parametrize("lines", [1, 40, 173])
def test_killed_process_loses_no_acknowledged_entry(data: Path, lines: int) -> None:
    """After SIGKILL the ledger opens without repair, verifies, and goes on."""
    process = start(data, "a", 4, 10_000)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(lines)]
    process.kill()
    rest, _ = process.communicate(timeout=60)
    acknowledged += rest.split("\n")[:-1]  # the last line may be half written
    events, report = events_and_report(data)
    assert set(acknowledged) <= set(events)
    assert len(set(events)) == len(events)
    assert report.findings == ()
    with SqliteStore.open(data) as store:
        assert store.transact(decide("after", conversation="after")).index == report.size


def test_killed_creation_leaves_no_ledger(tmp_path: Path) -> None:
    """What it left behind is cleared away by the next creation."""
    for name in (f"{LEDGER}.new", f"{LEDGER}.new-wal"):
        (tmp_path / name).write_bytes(b"half a ledger")
    with SqliteStore.create(tmp_path) as store:
        assert store.transact(decide("ev-1")).index == 0
    assert not list(tmp_path.glob("*.new*"))
