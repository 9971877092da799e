"""Decisions over HTTP while every log is signed within a second, against the same unsigned.

Both are `policy-service serve` on ledgers of their own, loaded in turns. For the second one this
process holds the lock of the jobs, so that no worker of it ever signs.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from audit.stores.kept_checkpoints import CHECKPOINTS
from bench.harness import TIMES, Bar, Row
from bench.load import CONNECTIONS, load
from policy_service.jobs import LOCK, Turn
from policy_service.settings import Settings
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench


def run(bench: Bench) -> Iterator[Row]:
    signed, unsigned = (_server(bench, name) for name in ("signed", "unsigned"))
    turn = Turn(unsigned.data / LOCK)
    if not turn.is_ours():
        raise AssertionError("somebody else signs")
    with signed, unsigned:
        measured = []
        for _ in range(bench.rounds + 1):
            told = bench.conversations_of(bench.count(8_000))
            measured.append(
                tuple(load(each.port, each.keys["platform"], told) for each in (signed, unsigned))
            )
    turn.give_up()
    if (unsigned.data / CHECKPOINTS).exists() or not (signed.data / CHECKPOINTS).exists():
        raise AssertionError("the wrong one was signed")
    what = f"decisions with checkpoints, {CONNECTIONS} connections, against none"
    rate = median(a.rate / b.rate for a, b in measured[1:])
    p99 = median(a.p99 / b.p99 for a, b in measured[1:])
    yield Row(f"{what}: rate", rate, TIMES, Bar(0.8, 0.95))
    yield Row(f"{what}: p99", p99, TIMES)


def _server(bench: Bench, name: str) -> Server:
    data = bench.folder / name
    return Server(data, made(data), threads=Settings().threads)
