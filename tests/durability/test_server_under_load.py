"""Servers under load: two on one ledger, a stop, a full queue. No decision is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest

from audit.stores.files.file_locks import hold_lock
from audit.stores.sqlite.store import LOCK
from tests.durability.load import Platform, event
from tests.durability.promises import (
    broken_in_ledger,
    broken_over_http,
    decided_in,
    out_of_order,
    verify_and_replay,
)
from tests.served import Server, made, patiently, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.served import Answer

ANSWERS = 400


def talk(*platforms: Platform) -> None:
    """Wait until each platform has its answers."""
    for _ in patiently("the answers did not come"):
        if all(len(platform.acknowledged()) >= ANSWERS for platform in platforms):
            return


@pytest.fixture
def second(server: Server) -> Iterator[Server]:
    """Return another server on the same ledger."""
    with Server(server.data, server.keys) as other:
        yield other


def test_two_servers_share_one_ledger(server: Server, second: Server) -> None:
    """Each acknowledged decision is stored once, and the other server answers the same bytes."""
    platform = Platform([server, second], clients=12, seed=3)
    with platform.talking():
        talk(platform)
    acknowledged = platform.acknowledged()
    assert platform.complaints == []
    assert broken_over_http(server, acknowledged) == []
    assert broken_over_http(second, acknowledged) == []
    assert broken_in_ledger(server.data, acknowledged) == []
    assert out_of_order(acknowledged) == []
    verify_and_replay(server.data)


def test_event_sent_to_two_servers_is_decided_once(server: Server, second: Server) -> None:
    """Two platforms send the same conversations, each to its server, and get the same answers."""
    platforms = [Platform([each], clients=6, seed=4) for each in (server, second)]
    with platforms[0].talking(), platforms[1].talking():
        talk(*platforms)
    heard = [{each.name: each.body for each in one.acknowledged()} for one in platforms]
    both = heard[0].keys() & heard[1].keys()
    assert both
    assert all(heard[0][name] == heard[1][name] for name in both)
    acknowledged = [each for one in platforms for each in one.acknowledged()]
    assert [platform.complaints for platform in platforms] == [[], []]
    assert broken_in_ledger(server.data, acknowledged) == []
    verify_and_replay(server.data)


def test_stop_answers_every_accepted_event(server: Server) -> None:
    """On SIGTERM under load every decision is answered completely, and the server exits with 0."""
    platform = Platform([server], clients=12, seed=5)
    with platform.talking():
        talk(platform)
        assert server.stop() == 0
    acknowledged = platform.acknowledged()
    assert platform.complaints == []
    assert platform.torn == 0
    assert broken_in_ledger(server.data, acknowledged) == []
    assert decided_in(server.data) == {each.name for each in acknowledged}
    verify_and_replay(server.data)


def test_stop_ends_a_server_that_is_still_starting(tmp_path: Path) -> None:
    """SIGTERM reaches workers that do not serve yet, so the main process does not wait for them."""
    server = Server(tmp_path / "data", made(tmp_path / "data"))
    server.launch()
    for _ in patiently("the server started no workers"):
        if len(server.worker_ids()) == server.workers:
            break
    assert server.stop() == 0


def test_full_queue_refuses_events_and_drops_none(tmp_path: Path) -> None:
    """While no commit is possible, each worker keeps one writer waiting and refuses all others."""
    events = [event(f"c{n}", 1, "acme", "conversation.started") for n in range(16)]
    with served(tmp_path / "data", environment={"POLICY_SERVICE_QUEUE": "1"}) as server:

        def decide(told: bytes) -> Answer:
            with server.client() as client:
                return client.decide(told)

        with ThreadPoolExecutor(len(events)) as pool:
            with hold_lock(server.data / LOCK):
                asked = [pool.submit(decide, told) for told in events]
                for _ in patiently("too many writers wait"):
                    if len(wait(asked, 0).done) >= len(events) - server.workers:
                        break
            answers = [each.result() for each in asked]
        refused = [answer for answer in answers if answer.status != 200]
        assert {answer.status for answer in refused} == {503}
        assert {answer.json["code"] for answer in refused} == {"busy"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        assert len(decided_in(server.data)) == len(events) - len(refused) > 0
        for told, answer in zip(events, answers, strict=True):
            again = decide(told)
            assert again.status == 200
            assert again.replayed == (answer.status == 200)
        assert len(decided_in(server.data)) == len(events)


def test_event_refused_by_a_full_queue_is_decided_once_when_repeated(tmp_path: Path) -> None:
    """Many clients with a queue of one repeat their events until they are answered."""
    with served(tmp_path / "data", environment={"POLICY_SERVICE_QUEUE": "1"}) as server:
        platform = Platform([server], clients=16, seed=6)
        with platform.talking():
            talk(platform)
            for _ in patiently("the queue was never full"):
                if platform.refused:
                    break
        assert platform.complaints == []
        acknowledged = platform.acknowledged()
        assert broken_over_http(server, acknowledged) == []
        assert broken_in_ledger(server.data, acknowledged) == []
        assert out_of_order(acknowledged) == []


def test_oversized_request_is_refused_while_it_is_still_sent(server: Server) -> None:
    """The client gets status 413 even if it reads nothing before it has sent everything."""
    with server.client() as client:
        assert client.decide(b" " * 4_000_000).status == 413
        assert client.decide_all([b" " * 20_000_000]).status == 413
        assert client.decide(event("c-1", 1, "acme", "conversation.started")).status == 200
