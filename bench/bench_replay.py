"""Replay of recorded decisions on all processors, as `policy-service replay` runs it.

`json.loads` of the same leaves in one process shows the speed of the machine.
"""

from __future__ import annotations

import json
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from bench import ledgers
from bench.harness import TIMES, Bar, Row, seconds, take_turns
from policy_service.replays.log_replay import replay_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench


def run(bench: Bench) -> Iterator[Row]:
    """Yield replayed decisions a second, and the ratio to parsed leaves."""
    count = bench.count(150_000)  # so that the start of processes hardly counts
    with ledgers.record_decisions(bench, count) as store, store.read() as snapshot:
        sizes = {log: snapshot.head(log).size for log in snapshot.logs()}
        some = islice(ledgers.decisions_of(snapshot), bench.count(20_000))
        leaves = [entry.leaf for entry in some]

    def all_of_them() -> None:
        reports = replay_logs(bench.folder / "ledger", sizes).values()
        identical = sum(report.identical for report in reports)
        if identical != count:
            raise AssertionError(f"{count - identical} decisions were replayed differently")

    def replaying() -> float:
        return count / seconds(all_of_them)

    def parse() -> None:
        for leaf in leaves:
            json.loads(leaf)

    def parsing() -> float:
        return len(leaves) / seconds(parse)

    measured = take_turns(replaying, parsing, bench.rounds)
    name = "replay of recorded decisions"
    yield Row(name, median(measured.first), "/s", Bar(100_000, 250_000))
    yield Row(f"{name}, against json.loads of their leaves", measured.ratio, TIMES)
