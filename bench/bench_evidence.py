"""Decisions over HTTP, encrypted and signed, against the same service without either.

Both are `policy-service serve` on separate ledgers, loaded in turns. The second one stores personal
parts unencrypted. This process holds its lock for jobs, so none of its workers signs.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from audit.stores.files.checkpoint_files import CHECKPOINTS
from audit.stores.files.file_locks import FileLeaderLock
from audit.stores.sqlite.store import LEDGER
from bench.harness import TIMES, Bar, Row
from bench.load import CONNECTIONS, load
from policy_service.jobs.scheduler import LEADER_LOCK
from policy_service.settings import Settings
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench

UNENCRYPTED = Path(__file__).with_name("unencrypted")


def run(bench: Bench) -> Iterator[Row]:
    """Yield rate and p99 with encryption and signatures, against those without."""
    evidence = _server(bench, "evidence")
    bare = _server(bench, "bare", PYTHONPATH=str(UNENCRYPTED))
    leader_lock = FileLeaderLock(bare.data / f"{LEADER_LOCK}.lock")
    if not leader_lock.try_acquire():
        raise AssertionError("another process holds the lock")
    with evidence, bare:
        measured = []
        for _ in range(bench.rounds + 1):
            sent = bench.take_conversations(bench.count(8_000))
            measured.append(
                tuple(load(each.port, each.keys["platform"], sent) for each in (evidence, bare))
            )
    leader_lock.release()
    if (_is_signed(evidence), _is_encrypted(evidence)) != (True, True):
        raise AssertionError("the first ledger was not encrypted and signed")
    if (_is_signed(bare), _is_encrypted(bare)) != (False, False):
        raise AssertionError("the second ledger was encrypted or signed")
    name = f"decisions encrypted and signed, {CONNECTIONS} connections, against neither"
    rate = median(a.rate / b.rate for a, b in measured[1:])
    p99 = median(a.p99 / b.p99 for a, b in measured[1:])
    yield Row(f"{name}: rate", rate, TIMES, Bar(0.8, 0.95))
    yield Row(f"{name}: p99", p99, TIMES)


def _server(bench: Bench, name: str, **environment: str) -> Server:
    data = bench.folder / name
    return Server(data, made(data), threads=Settings().threads, environment=environment)


def _is_signed(server: Server) -> bool:
    return (server.data / CHECKPOINTS).exists()


def _is_encrypted(server: Server) -> bool:
    with closing(sqlite3.connect(server.data / LEDGER)) as connection:
        [part] = connection.execute("SELECT min(substr(body, 1, 1)) FROM personal").fetchone()
    return bytes(part) != b"\x00"
