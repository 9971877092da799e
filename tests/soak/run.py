"""A soak run: traffic, the memory of the workers, and a check of the ledger at the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from policy_service.client import Client
from policy_service.settings import Settings
from tests.durability.promises import verify_and_replay
from tests.served import Server, made
from tests.soak.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_GROWTH = 5.0
"""Per cent that a worker may grow from the first quarter of the requests to the last …"""
SMALL = 120_000_000
"""… unless it is still smaller than that many bytes."""
_FIRST = 4  # a quarter of the requests, after which memory is looked at for the first time


@dataclass(frozen=True)
class Soaked:
    """The result of one run."""

    requests: int
    decided: int
    replayed: int
    refused: int
    seconds: float
    memory: dict[int, tuple[int, int]]
    """Of each worker, by its process id: bytes after the first quarter, and at the end."""
    complaints: list[str]

    def table(self) -> str:
        rows = [
            ("requests answered", f"{self.requests:,}"),
            ("decided, each once", f"{self.decided:,}"),
            ("answered from the ledger", f"{self.replayed:,}"),
            ("refused for the moment (503)", f"{self.refused:,}"),
            ("requests a second", f"{self.requests / self.seconds:,.0f}"),
        ]
        for number, (first, last) in enumerate(self.memory.values(), 1):
            size = f"{first / 1e6:.1f} → {last / 1e6:.1f} MB, {growth(first, last):+.1f} %"
            rows.append((f"memory of worker {number}, a quarter → all", size))
        rows.append(("complaints", f"{len(self.complaints):,}"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {figure}" for name, figure in rows)


def soak(data: Path, requests: int, clients: int) -> Soaked:
    """Send this many requests to a server on a new ledger; AssertionError if a command fails."""
    with Server(data, made(data), threads=Settings().threads) as server:
        traffic = Traffic(server, clients)
        start = time.monotonic()
        traffic.send(requests // _FIRST)
        first = _memory(server)
        traffic.send(requests - requests // _FIRST)
        last = _memory(server)
        seconds = time.monotonic() - start
        heard = traffic.heard.values()
        wrong = [*traffic.complaints, *_wrong_answers(traffic), *_wrong_entries(server, traffic)]
        assert server.stop() == 0, server.log.read_text()
    verify_and_replay(data)
    if first.keys() != last.keys():
        wrong.append("a worker ended under way")
    memory = {worker: (first[worker], last[worker]) for worker in first.keys() & last.keys()}
    return Soaked(
        requests=sum(each.decided + each.replayed for each in heard),
        decided=sum(each.decided for each in heard),
        replayed=sum(each.replayed for each in heard),
        refused=traffic.refused,
        seconds=seconds,
        memory=memory,
        complaints=[*wrong, *_grown(memory)],
    )


def growth(first: int, last: int) -> float:
    """Return the growth in per cent."""
    return (last / first - 1) * 100


def _wrong_answers(traffic: Traffic) -> Iterator[str]:
    for event, heard in traffic.heard.items():
        if (heard.decided, heard.replayed) != (1, 1):
            yield f"{event} was decided {heard.decided} times and replayed {heard.replayed}"


def _wrong_entries(server: Server, traffic: Traffic) -> Iterator[str]:
    """Compare the entries that an auditor reads with the answers that the platform got."""
    url = f"http://127.0.0.1:{server.port}"
    unseen = dict(traffic.heard)
    with Client(url, server.keys["auditor"], timeout=60) as auditor:
        for workspace in sorted({heard.name[0] for heard in traffic.heard.values()}):
            indices: Counter[int] = Counter()
            for item in auditor.list_entries(workspace, limit=500):
                indices[item["index"]] += 1
                if item["kind"] != "decision":
                    continue
                event = cast("Mapping[str, str]", item["entry"])["event"]
                heard = unseen.pop(event, None)
                if heard is None:
                    yield f"decided twice, or never answered: {event}"
                elif (heard.index, heard.leaf_hash) != (item["index"], item["leaf_hash"]):
                    yield f"not in the ledger where it was said to be: {event}"
            if set(indices) != set(range(len(indices))) or max(indices.values()) > 1:
                yield f"the indices of {workspace} are not 0, 1, 2 …"
        for heard in islice(traffic.heard.values(), 0, None, 100):
            decision = auditor.get_decision(*heard.name)
            if decision["ledger"]["index"] != heard.index:
                yield f"looked up, it is another decision: {heard.name[1]}"
    yield from (f"lost: {event}" for event in unseen)


def _grown(memory: dict[int, tuple[int, int]]) -> Iterator[str]:
    for first, last in memory.values():
        if growth(first, last) > MAX_GROWTH and last > SMALL:
            yield f"a worker grew by {growth(first, last):.1f} %, to {last / 1e6:.0f} MB"


def _memory(server: Server) -> dict[int, int]:
    """Return the bytes that each worker has in memory (RSS)."""
    return {worker: _rss(worker) for worker in sorted(server.worker_ids())}


def _rss(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024
