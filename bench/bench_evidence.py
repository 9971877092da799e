"""Decisions over HTTP sealed and signed, against the same on a service that does neither.

Both are `policy-service serve` on ledgers of their own, loaded in turns. Of the second one personal
parts stand open, and this process holds the lock of its jobs, so that no worker of it ever signs.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from audit.stores.files.checkpoint_files import CHECKPOINTS
from audit.stores.files.file_locks import LeaderLock
from audit.stores.sqlite.store import LEDGER
from bench.harness import TIMES, Bar, Row
from bench.load import CONNECTIONS, load
from policy_service.jobs.scheduler import LOCK_FILE
from policy_service.settings import Settings
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench

UNSEALED = Path(__file__).with_name("unsealed")


def run(bench: Bench) -> Iterator[Row]:
    evidence = _server(bench, "evidence")
    bare = _server(bench, "bare", PYTHONPATH=str(UNSEALED))
    leader_lock = LeaderLock(bare.data / LOCK_FILE)
    if not leader_lock.try_acquire():
        raise AssertionError("somebody else signs")
    with evidence, bare:
        measured = []
        for _ in range(bench.rounds + 1):
            told = bench.conversations_of(bench.count(8_000))
            measured.append(
                tuple(load(each.port, each.keys["platform"], told) for each in (evidence, bare))
            )
    leader_lock.release()
    if (_is_signed(evidence), _is_sealed(evidence)) != (True, True):
        raise AssertionError("the one was not sealed and signed")
    if (_is_signed(bare), _is_sealed(bare)) != (False, False):
        raise AssertionError("the other was")
    what = f"decisions sealed and signed, {CONNECTIONS} connections, against neither"
    rate = median(a.rate / b.rate for a, b in measured[1:])
    p99 = median(a.p99 / b.p99 for a, b in measured[1:])
    yield Row(f"{what}: rate", rate, TIMES, Bar(0.8, 0.95))
    yield Row(f"{what}: p99", p99, TIMES)


def _server(bench: Bench, name: str, **environment: str) -> Server:
    data = bench.folder / name
    return Server(data, made(data), threads=Settings().threads, environment=environment)


def _is_signed(server: Server) -> bool:
    return (server.data / CHECKPOINTS).exists()


def _is_sealed(server: Server) -> bool:
    with closing(sqlite3.connect(server.data / LEDGER)) as connection:
        [part] = connection.execute("SELECT min(substr(body, 1, 1)) FROM personal").fetchone()
    return bytes(part) != b"\x00"
