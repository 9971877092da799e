"""Bytes of the ledger per decision after the WAL checkpoint, personal parts separately."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import LEDGER
from bench import ledgers
from bench.harness import Bar, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench

_PERSONAL = ("contacts", "personal")


def run(bench: Bench) -> Iterator[Row]:
    """Yield the bytes per decision, without personal parts and of them."""
    decisions = bench.count(20_000)
    with ledgers.record_decisions(bench, decisions):
        pass  # closing runs the WAL checkpoint
    ledger = bench.folder / "ledger" / LEDGER
    with closing(sqlite3.connect(ledger)) as connection:
        sizes = connection.execute(
            "SELECT tbl_name IN (?, ?), sum(pgsize) FROM dbstat"
            " JOIN sqlite_master ON sqlite_master.name = dbstat.name GROUP BY 1",
            _PERSONAL,
        )
        personal = dict(sizes.fetchall())[1]
    remaining = ledgers.size_of(ledger.parent) - personal
    name = "ledger on disk, per decision"
    yield Row(
        f"{name}, without personal parts",
        remaining / decisions,
        " bytes",
        Bar(1000, 700, least=False),
    )
    yield Row(f"{name}: its personal part", personal / decisions, " bytes")
