"""The memory of a serving worker under load: its share (PSS) as counted by the kernel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Bar, Row
from bench.load import load
from policy_service.settings import Settings
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.harness import Bench

_FIRST, _LAST = 50_000, 200_000
_PER_RUN = 10_000  # events, so that the generator itself needs little memory
_MB = 1_000_000


def run(bench: Bench) -> Iterator[Row]:
    """Yield the memory of the largest worker and its growth."""
    data = bench.folder / "data"
    with Server(data, made(data), threads=Settings().threads) as server:
        _decide(bench, server, bench.count(_FIRST))
        before = _memory(server)
        _decide(bench, server, bench.count(_LAST) - bench.count(_FIRST))
        after = _memory(server)
    name = "memory of a serving worker"
    yield Row(f"{name} after {_LAST:,} decisions", after / _MB, " MB", Bar(120, least=False))
    growth = (after / before - 1) * 100
    yield Row(f"{name}: growth since {_FIRST:,}", growth, " %", Bar(5, least=False))


def _decide(bench: Bench, server: Server, decisions: int) -> None:
    for start in range(0, decisions, _PER_RUN):
        sent = bench.take_conversations(min(_PER_RUN, decisions - start))
        load(server.port, server.keys["platform"], sent)


def _memory(server: Server) -> int:
    """Return the bytes of the largest worker."""
    return max(map(_pss, server.worker_ids()))


def _pss(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("Pss:")]
    return int(kilobytes) * 1024
