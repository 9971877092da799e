"""Erasures of a contact while servers record more of its events, and when a server is killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import orjson

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.sqlite.store import SqliteStore
from tests.durability.promises import verify_and_replay
from tests.policy_service.api_client import event
from tests.served import NoResponseError, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.served import Server

ERASURES = "/v1/workspaces/acme/erasures"
WHY = {"contact": "ct-1", "reason": "Asked for"}
CLIENTS = 2
ROUNDS = 2
MOMENTS = (0.0, 0.004, 0.008, 0.016)
"""Seconds after which a server is killed that was asked to erase."""


def send_events(server: Server, client: int, stopped: Flag) -> list[int]:
    """Send events of ct-1 until stopped; return the indices of the acknowledged decisions."""
    indices = []
    with server.client() as platform:
        number = 0
        while not stopped.is_set():
            number += 1
            name = f"{client}-{number}"
            sent = orjson.dumps(event(name, conversation={"id": name}))
            try:
                answer = platform.decide(sent)
            except NoResponseError:
                continue
            assert answer.status == 200, answer.body
            indices.append(answer.json["ledger"]["index"])
    return indices


def erase(server: Server) -> Any:
    with server.client("auditor") as auditor:
        answer = auditor.request("POST", ERASURES, orjson.dumps(WHY))
    assert answer.status == 201, answer.body
    return answer.json


def erase_by_command(data: Path) -> Any:
    options = (f"--data={data}", "--workspace=acme", "--reason=Asked for", "--json")
    return orjson.loads(run("erase", *options, "ct-1").stdout)


def test_each_personal_part_is_erased_by_exactly_one_erasure(server: Server) -> None:
    """No part stays, and no part comes back, if servers and the command erase at the same time."""
    stopped = Flag()
    erasures = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        telling = [pool.submit(send_events, server, client, stopped) for client in range(CLIENTS)]
        try:
            for _ in range(ROUNDS):
                erasures += [erase(server), erase_by_command(server.data)]
        finally:
            stopped.set()
        acknowledged = {index for each in telling for index in each.result()}
    erasures.append(erase(server))
    erased = [index for erasure in erasures for index in erasure["entries"]]
    assert len(erased) == len(set(erased))
    assert acknowledged == set(erased)
    assert sum(bool(erasure["entries"]) for erasure in erasures) > ROUNDS
    with SqliteStore.open(server.data) as store, store.read() as view:
        size = view.head("acme").size
        assert [view.personal("acme", index) for index in range(size)] == [None] * size
    verify_and_replay(server.data)


def test_erasure_is_complete_or_absent_when_the_server_is_killed(server: Server) -> None:
    """At any moment of the kill, exactly the parts that an entry names are gone."""
    for number, moment in enumerate(MOMENTS):
        with server.client() as platform:
            sent = orjson.dumps(event(f"ev-{number}", conversation={"id": f"c-{number}"}))
            assert platform.decide(sent).status == 200
        with ThreadPoolExecutor(1) as pool:
            erasing = pool.submit(erase, server)
            time.sleep(moment)
            server.kill()
            answered = erasing.exception() is None
        with SqliteStore.open(server.data) as store, store.read() as view:
            decision = view.decision("acme", f"ev-{number}")
            assert decision
            named = {
                i for e in view.entries_of_family("acme", "contact.") for i in e.value["entries"]
            }
            gone = view.personal("acme", decision.index) is None
            assert gone == (decision.index in named)
            assert gone or not answered
            assert [finding for each in verify_ledger(view) for finding in each.findings] == []
        server.start()
