"""Replay of recorded decisions, and `json.loads` of the same leaves for a yardstick."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from audit.replay import replay
from bench import ledgers
from bench.harness import TIMES, Bar, Row, seconds, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench


def run(bench: Bench) -> Iterator[Row]:
    count = bench.count(60_000)
    with ledgers.recorded(bench, count) as store, store.read() as snapshot:
        leaves = [entry.leaf for entry in ledgers.decisions_of(snapshot)]

        def replaying() -> float:
            return count / seconds(lambda: [list(replay(snapshot, log)) for log in snapshot.logs()])

        def parsing() -> float:
            return count / seconds(lambda: [json.loads(leaf) for leaf in leaves])

        measured = turns(replaying, parsing, bench.rounds)
    what = "replay of recorded decisions"
    yield Row(what, sorted(measured.first)[bench.rounds // 2], "/s", Bar(100_000, 250_000))
    yield Row(f"{what}, against json.loads of their leaves", measured.ratio, TIMES)
