"""Backtests of recorded decisions on all processors, as `policy-service backtest` runs them.

The figure for 1,000,000 decisions is extrapolated in proportion: the time per decision does not
depend on earlier decisions.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import SqliteStore
from bench import ledgers
from bench.harness import Bar, Row, seconds
from policy_service.replays.backtest_parts import BacktestRequest, list_parts, run_backtest
from policy_service.replays.decision_backtest import BacktestMode
from rules.model import builtin
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.harness import Bench

_DECISIONS = 1_000_000


def run(bench: Bench) -> Iterator[Row]:
    """Yield the seconds of a backtest of 1,000,000 decisions, for each mode."""
    with ledgers.record_decisions(bench, bench.count(60_000)) as store, store.read() as snapshot:
        sizes = {log: snapshot.head(log).size for log in snapshot.logs() if log != "system"}
        log = max(sizes, key=lambda each: sizes[each])
    for mode in BacktestMode:
        took = median(
            seconds(partial(_backtest, bench.folder / "ledger", log, mode))
            for _ in range(bench.rounds)
        )
        name = f"backtest of 1,000,000 decisions, from {sizes[log]:,}, {mode}"
        yield Row(name, took * _DECISIONS / sizes[log], " s", Bar(30, least=False))


def _backtest(data: Path, log: str, mode: BacktestMode) -> None:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        asked = BacktestRequest(log, _candidate().canonical_bytes, snapshot.head(log).size, mode)
        parts = list(list_parts(snapshot, asked))
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork")) as pool:
        tally = run_backtest(pool, data, parts, lambda _: None)
    if not tally.differs:
        raise AssertionError("the candidate changed nothing")


def _candidate() -> Document:
    """Return the built-in document with a different reason for two rules."""
    tree = deepcopy(dict(builtin.load_tree()))
    for rule in (*tree["guards"], *tree["rules"]):
        if rule["id"] in ("ask-if-customer", "plan-not-entitled"):
            rule["reason"] = "another"
    return Document(tree)
