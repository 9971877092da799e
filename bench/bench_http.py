"""One durable decision per request, against an empty Flask view on the same server.

`policy-service serve` serves both: granian, two workers with the default number of threads, the
same options. 128 connections send the same events to each, in turns.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.harness import TIMES, Bar, Row
from bench.load import CONNECTIONS, load
from policy_service.settings import Settings
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench

EMPTY = Path(__file__).with_name("empty")


def run(bench: Bench) -> Iterator[Row]:
    """Yield rate and p99 against the empty view, and the absolute figures."""
    with (
        _server(bench, "decisions") as ours,
        _server(bench, "empty", PYTHONPATH=str(EMPTY)) as view,
    ):
        measured = []
        for _ in range(bench.rounds + 1):
            sent = bench.take_conversations(bench.count(8_000))
            measured.append(
                tuple(load(each.port, each.keys["platform"], sent) for each in (ours, view))
            )
    measured = measured[1:]
    name = f"one durable decision per request, {CONNECTIONS} connections, against an empty view"
    rate = median(a.rate / b.rate for a, b in measured)
    p99 = median(a.p99 / b.p99 for a, b in measured)
    yield Row(f"{name}: rate", rate, TIMES, Bar(0.5, 0.65))
    yield Row(f"{name}: p99", p99, TIMES, Bar(4, least=False))
    yield Row("decisions a second, on this machine", median(a.rate for a, _ in measured), "/s")
    yield Row(
        "p99 of a decision, on this machine", median(a.p99 for a, _ in measured) * 1000, " ms"
    )
    yield Row("the empty view, on this machine", median(b.rate for _, b in measured), "/s")
    share = median(b.share for _, b in measured)
    yield Row("share of a core of the load generator at the empty view", share * 100, " %")


def _server(bench: Bench, name: str, **environment: str) -> Server:
    data = bench.folder / name
    return Server(data, made(data), threads=Settings().threads, environment=environment)
