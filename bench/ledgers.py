"""Ledgers for measurements, created by the service's own code in this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

from audit.entry import EntryKind
from audit.stores.sqlite.store import SqliteStore
from policy_service.decisions.batch import decide_lines
from policy_service.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from bench.harness import Bench
    from rules.model.document import Facts


@contextmanager
def record_decisions(bench: Bench, decisions: int) -> Iterator[SqliteStore]:
    """Yield a new ledger with this many decisions."""
    with SqliteStore.create(bench.folder / "ledger") as store:
        decide(Services(store), bench.take_events(decisions))
        yield store


def decide(service: Services, events: Iterable[bytes]) -> None:
    """Decide and record all events. Raises AssertionError if one is refused."""
    for line in decide_lines(service.store, service.policies, service.metrics, events):
        if line.is_refused:
            raise AssertionError(line.text)


def decisions_of(snapshot: Snapshot) -> Iterator[Entry]:
    """Yield every decision of every log."""
    for log in snapshot.logs():
        for entry in snapshot.entries(log):
            if entry.value["kind"] == EntryKind.DECISION:
                yield entry


def facts_of(bench: Bench, decisions: int) -> list[Facts]:
    """Return the facts of this many recorded decisions."""
    with record_decisions(bench, decisions) as store, store.read() as snapshot:
        return [orjson.loads(entry.leaf)["facts"] for entry in decisions_of(snapshot)]


def size_of(data: Path) -> int:
    """Return the bytes of all files of a ledger, including the lock."""
    return sum(file.stat().st_size for file in data.iterdir())
