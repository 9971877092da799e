"""Each answer leaves after a sync, as the system calls of the server's processes show.

After SIGKILL the system still has what a process wrote. Only a sync before the answer keeps it when
the machine fails.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.durability.broken_stores import LateServer, UnsyncedServer
from tests.durability.load import Platform, event
from tests.durability.trace_analysis import read_trace, tracing, unsynced_answers
from tests.served import Server, made, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.durability.trace_analysis import Line

ANSWERS = 120


@contextmanager
def traced(server: Server, out: Path) -> Iterator[list[Line]]:
    """Run the server under a trace; yield the list that holds the trace after the block."""
    server.wrapper = tracing(out)
    trace: list[Line] = []
    with server:
        yield trace
        server.stop()
    trace += read_trace(out)


def answered_unsynced(server: Server, out: Path) -> list[str]:
    """Return, in words, the decisions for eight concurrent clients that were not synced."""
    platform = Platform([server], clients=8, seed=1)
    with traced(server, out) as trace, platform.talking():
        for _ in patiently("the answers did not come"):
            if len(platform.acknowledged()) >= ANSWERS:
                break
    assert platform.complaints == []
    return unsynced_answers(trace, [each.name[1] for each in platform.acknowledged()])


def test_log_is_synced_before_every_answer(tmp_path: Path) -> None:
    """For every event in this order: request read, decision written, log synced, answer sent."""
    server = Server(tmp_path / "data", made(tmp_path / "data"))
    assert answered_unsynced(server, tmp_path / "trace") == []


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (UnsyncedServer, "was answered before a sync began"),
        (LateServer, "was answered before its decision was written"),
    ],
)
def test_trace_shows_unsynced_answers_of_a_broken_store(
    tmp_path: Path, broken: type[Server], found: str
) -> None:
    """The check itself finds a store that does not sync, and one that does not even write."""
    server = broken(tmp_path / "data", made(tmp_path / "data"))
    missing = answered_unsynced(server, tmp_path / "trace")
    assert len(missing) >= ANSWERS
    assert all(each.endswith(found) for each in missing)


def test_unsynced_commit_of_a_killed_server_is_synced_before_it_is_answered(
    tmp_path: Path,
) -> None:
    """After a kill the next server reads the commit again, so it syncs before it answers."""
    told = event("c", 1, "acme", "conversation.started")
    with UnsyncedServer(tmp_path / "data", made(tmp_path / "data")) as first:
        with first.client() as client:
            assert client.decide(told).status == 200
        first.kill()
    second = Server(first.data, first.keys)
    with traced(second, tmp_path / "trace") as trace, second.client() as client:
        assert client.decide(told).replayed
    sent = next(n for n, line in enumerate(trace) if line.sends('"event":"ev-c-1."'))
    assert any(line.syncs("return") for line in trace[:sent])
