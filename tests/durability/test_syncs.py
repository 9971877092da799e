"""What is on disk when an answer leaves, seen from the system calls of the server's processes.

SIGKILL leaves to the system what a process has written; that it also outlives the machine, only a
sync before the answer promises.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.durability.broken import LateServer, UnsyncedServer
from tests.durability.load import Platform, event
from tests.durability.traces import read_trace, tracing, unsynced_answers
from tests.served import Server, made, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.durability.traces import Line

ANSWERS = 120


@contextmanager
def traced(server: Server, out: Path) -> Iterator[list[Line]]:
    """The server runs and is traced; after the block it is killed, and the trace is there."""
    server.wrapper = tracing(out)
    trace: list[Line] = []
    with server:
        yield trace
        server.stop()
    trace += read_trace(out)


def answered_unsynced(server: Server, out: Path) -> list[str]:
    """Of a hundred decisions for eight clients at once: those that were not synced, in words."""
    platform = Platform([server], clients=8, seed=1)
    with traced(server, out) as trace, platform.talking():
        for _ in patiently("the answers did not come"):
            if len(platform.acknowledged()) >= ANSWERS:
                break
    assert platform.complaints == []
    return unsynced_answers(trace, [each.name[1] for each in platform.acknowledged()])


def test_a_sync_of_the_log_precedes_every_answer(tmp_path: Path) -> None:
    """Request read, decision written, log synced, answer sent: in this order for every event."""
    server = Server(tmp_path / "data", made(tmp_path / "data"))
    assert answered_unsynced(server, tmp_path / "trace") == []


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (UnsyncedServer, "was answered before a sync began"),
        (LateServer, "was answered before its decision was written"),
    ],
)
def test_the_trace_shows_answers_that_no_sync_precedes(
    tmp_path: Path, broken: type[Server], found: str
) -> None:
    """The test of the test: a store that does not sync, and one that does not even write."""
    server = broken(tmp_path / "data", made(tmp_path / "data"))
    missing = answered_unsynced(server, tmp_path / "trace")
    assert len(missing) >= ANSWERS
    assert all(each.endswith(found) for each in missing)


def test_what_a_killed_server_had_not_synced_is_synced_before_it_is_answered(
    tmp_path: Path,
) -> None:
    """A commit that was written and not synced is read again after a kill, and may be repeated."""
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
