"""A batch of 1,000 events, durable, against a bare `executemany` of the rows that it wrote.

The bare database is a copy of the ledger without triggers: the same tables, indexes, content and
pragmas. It takes the rows of each batch in one commit.
"""

# ruff: noqa: S608 - only names of this module's tables are put into statements

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import LEDGER
from bench import ledgers
from bench.harness import TIMES, Bar, Row, seconds, take_turns
from policy_service.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.harness import Bench

_BATCH = 1_000
_RECORDED = 20_000  # recorded before, so that the indexes have some depth
_TABLES = ("contacts", "entries", "personal")
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384")


def run(bench: Bench) -> Iterator[Row]:
    """Yield the speed of a batch against that of the bare database."""
    with ledgers.record_decisions(bench, bench.count(_RECORDED)) as store:
        service = Services(store)
        with closing(
            _BareDatabase(bench.folder / "ledger" / LEDGER, bench.folder / "bare.sqlite3")
        ) as bare:

            def batch() -> float:
                events = bench.take_events(bench.count(_BATCH))
                return seconds(lambda: ledgers.decide(service, events))

            yield Row(
                "batch of 1,000, durable, against a bare `executemany` of its rows",
                1 / take_turns(batch, bare.seconds_to_follow, bench.rounds).ratio,
                TIMES,
                Bar(0.4, 0.6),
            )


class _BareDatabase:
    """The bare copy; it takes over new rows of the ledger."""

    def __init__(self, ledger: Path, copy: Path) -> None:
        self._ledger = sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)
        self._bare = sqlite3.connect(copy, isolation_level=None)
        self._ledger.backup(self._bare)
        triggers = self._bare.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            self._bare.execute(f"DROP TRIGGER {name}")
        for pragma in _PRAGMAS:
            self._bare.execute(f"PRAGMA {pragma}")

    def seconds_to_follow(self) -> float:
        """Return the seconds to insert the rows that the copy lacks."""
        inserts = [self._missing(table) for table in _TABLES]

        def insert() -> None:
            self._bare.execute("BEGIN IMMEDIATE")
            for statement, rows in inserts:
                self._bare.executemany(statement, rows)
            self._bare.execute("COMMIT")

        return seconds(insert)

    def _missing(self, table: str) -> tuple[str, list[tuple[object, ...]]]:
        columns = [name for _, name, *_ in self._bare.execute(f"PRAGMA table_info({table})")]
        [last] = self._bare.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()
        named = ", ".join(columns)
        rows = self._ledger.execute(f"SELECT {named} FROM {table} WHERE rowid > ?", (last,))
        values = ", ".join("?" * len(columns))
        return f"INSERT INTO {table} ({named}) VALUES ({values})", rows.fetchall()

    def close(self) -> None:
        """Close both connections."""
        self._ledger.close()
        self._bare.close()
