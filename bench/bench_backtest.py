"""Backtests of recorded decisions on all processors, as `policy-service backtest` does them.

The figure for 1,000,000 decisions is that of the ledger measured, in proportion: no decision takes
longer for those before it.
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

_ASKED = 1_000_000


def run(bench: Bench) -> Iterator[Row]:
    with ledgers.recorded(bench, bench.count(60_000)) as store, store.read() as snapshot:
        sizes = {log: snapshot.head(log).size for log in snapshot.logs() if log != "system"}
        log = max(sizes, key=lambda each: sizes[each])
    for mode in BacktestMode:
        took = median(
            seconds(partial(_backtest, bench.folder / "ledger", log, mode))
            for _ in range(bench.rounds)
        )
        what = f"backtest of 1,000,000 decisions, from {sizes[log]:,}, {mode}"
        yield Row(what, took * _ASKED / sizes[log], " s", Bar(30, least=False))


def _backtest(data: Path, log: str, mode: BacktestMode) -> None:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        asked = BacktestRequest(log, _candidate().canonical_bytes, snapshot.head(log).size, mode)
        those = list(list_parts(snapshot, asked))
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork")) as pool:
        tally = run_backtest(pool, data, those, lambda _: None)
    if not tally.differs:
        raise AssertionError("the candidate changed nothing")


def _candidate() -> Document:
    """The built-in document that gives another reason, for asking and for leaving alone."""
    tree = deepcopy(dict(builtin.load_tree()))
    for rule in (*tree["guards"], *tree["rules"]):
        if rule["id"] in ("ask-if-customer", "plan-not-entitled"):
            rule["reason"] = "another"
    return Document(tree)
