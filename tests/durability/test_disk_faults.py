"""A disk that fails at any one call of an append: no decision is lost or doubled.

Each call that writes or syncs a file of the ledger fails once in each way, under the real server
and commands. The platform repeats an event until it is decided.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.durability.faulty_disk import Failure, Fault, Step
from tests.durability.load import Acknowledged, event
from tests.durability.promises import (
    broken_in_ledger,
    broken_over_http,
    decided_in,
    verify_and_replay,
)
from tests.folders import ROOT
from tests.served import Server, made, patiently, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.served import Answer, Client

_MANY = 200  # events that write so many pages that SQLite moves them from its log in the end


def event_with(fault: Fault, number: int) -> bytes:
    """Return an event of the one conversation during which the fault strikes."""
    said = event("c", 1, "acme", "contact.replied", message={"text": f"Hm {number}"})
    return said.replace(b"ev-c-1.", b"%s." % fault.event.encode())


def on_faulty_disk(out: Path) -> list[str]:
    """Return the command that runs another command on a disk that fails."""
    return [sys.executable, "-m", "tests.durability.faulty_disk", str(out)]


def has_struck(fault: Fault, out: Path) -> bool:
    return fault.event in out.read_text().split()


def decided(client: Client, said: bytes) -> Answer:
    for _ in patiently(f"no decision on {said!r}"):
        answer = client.decide(said)
        if answer.status == 200:
            return answer
    raise AssertionError


@pytest.mark.parametrize("failure", [Failure.FAILED, Failure.PERSISTED, Failure.FULL])
def test_failed_write_or_sync_loses_and_doubles_no_decision(
    tmp_path: Path, failure: Failure
) -> None:
    """The first write of an append fails, then the second of the next one, up to the last sync."""
    out = tmp_path / "faults"
    first_of_all = event("c", 1, "acme", "conversation.started")
    refused: list[Answer] = []
    data = tmp_path / "data"
    with (
        Server(data, made(data), workers=1, wrapper=on_faulty_disk(out)) as server,
        server.client() as client,
    ):
        # From here on the use of the key is known and not written with every decision.
        acknowledged = [Acknowledged(first_of_all, decided(client, first_of_all).body)]
        for step in (Step.LOGGED, Step.LOG_SYNCED):
            for number in count():
                fault = Fault(failure, step, number)
                first = client.decide(event_with(fault, number))
                if not has_struck(fault, out):
                    break
                again = decided(client, event_with(fault, number))
                assert again.replayed == (first.status == 200)
                refused += [first] if first.status != 200 else []
                acknowledged.append(Acknowledged(event_with(fault, number), again.body))
            assert number > 0
            acknowledged.append(Acknowledged(event_with(fault, number), first.body))
        assert broken_over_http(server, acknowledged) == []
        server.stop()
    assert len(refused) > 1
    assert {(answer.status, answer.json["code"]) for answer in refused} == {
        (503, "storage_unavailable")
    }
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert broken_in_ledger(data, acknowledged) == []
    assert decided_in(data) == {each.name for each in acknowledged}
    verify_and_replay(data)


@pytest.mark.parametrize("failure", [Failure.FAILED, Failure.PERSISTED, Failure.FULL])
def test_failed_checkpoint_of_the_write_ahead_log_loses_nothing(
    tmp_path: Path, failure: Failure
) -> None:
    """Pages that SQLite cannot move stay in its log and are moved another time."""
    out = tmp_path / "faults"
    acknowledged: list[Acknowledged] = []
    data = tmp_path / "data"
    with (
        Server(data, made(data), workers=1, wrapper=on_faulty_disk(out)) as server,
        server.client() as client,
    ):
        for fault in (
            Fault(failure, Step.MOVED, 0),
            Fault(failure, Step.MOVED, 7),
            Fault(failure, Step.SYNCED, 0),
        ):
            acknowledged.append(
                Acknowledged(event_with(fault, 0), decided(client, event_with(fault, 0)).body)
            )
            for batch in count():
                if has_struck(fault, out):
                    break
                lines = [
                    event(f"{fault.event}-{batch}-{n}", 1, "acme", "conversation.started")
                    for n in range(_MANY)
                ]
                answer = client.decide_all(lines)
                assert answer.status == 200
                bodies = answer.body.splitlines(keepends=True)
                acknowledged += [Acknowledged(*each) for each in zip(lines, bodies, strict=True)]
        server.stop()
    assert broken_in_ledger(data, acknowledged) == []
    verify_and_replay(data)


@contextmanager
def deciding(data: Path, out: Path) -> Iterator[Callable[[bytes], bytes]]:
    """Yield a function that runs `decide` on a failing disk and returns its output."""
    command = [
        *on_faulty_disk(out),
        sys.executable,
        "-m",
        "tests.durability.decide_processes",
        str(data),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        given, printed = process.stdin, process.stdout

        def decide(said: bytes) -> bytes:
            given.write(said)
            given.flush()
            return b"".join(iter(printed.readline, b"\n"))

        yield decide
        given.close()


def test_kill_at_a_write_or_sync_loses_and_doubles_no_decision(tmp_path: Path) -> None:
    """`decide` is killed before each of its calls in turn, and nothing is repaired in between."""
    out, data = tmp_path / "faults", tmp_path / "data"
    made(data)
    said: list[bytes] = []
    acknowledged: list[Acknowledged] = []
    with deciding(data, out) as decide:
        for step in Step:
            for number in count():
                fault = Fault(Failure.KILLED, step, number)
                said.append(event_with(fault, number))
                if printed := decide(said[-1]):
                    acknowledged.append(Acknowledged(said[-1], printed))
                if not has_struck(fault, out):
                    break
            assert number > 0
    assert len(acknowledged) >= len(Step)
    assert broken_in_ledger(data, acknowledged) == []
    again = run("decide", f"--data={data}", given=b"\n".join(said)).stdout.splitlines(keepends=True)
    assert {each.body for each in acknowledged} <= set(again)
    assert broken_in_ledger(data, map(Acknowledged, said, again)) == []
    assert len(decided_in(data)) == len(said)
    verify_and_replay(data)
