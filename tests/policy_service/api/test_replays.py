"""Replays over HTTP: asked for, done by whoever is there, kept over a restart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from audit.errors import StorageUnavailableError
from policy_service.access.keys import Role
from policy_service.replays import backtest_parts, replay_queue
from policy_service.replays.replay_queue import MAX_SAVED, MAX_WAITING, ReplayState, read_replay
from tests.policy_service.api_client import ACME, document, event, read, reply
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

PATH = f"{ACME}/replays"


def tell(api: Api, conversations: int = 4) -> None:
    """Conversations that are asked, half of which answer."""
    for number in range(conversations):
        named = {"conversation": {"id": f"c-{number}"}, "contact": {"id": f"ct-{number}"}}
        api.decide(event(f"ev-{number}", **named))
        if number % 2:
            api.decide(reply(f"re-{number}", "customer", **named))


def ask(api: Api, role: Role = Role.AUDITOR, **body: Any) -> dict[str, Any]:
    answered = api.post(PATH, body, role)
    assert answered.status_code == 201, answered.text
    return read(answered)


def finished(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 20
    while True:
        found = read(api.get(f"{PATH}/{asked['id']}"))
        if found["state"] in {"done", "failed"}:
            return found
        assert time.monotonic() < until
        time.sleep(0.02)


def test_replay_without_candidate_uses_version_of_each_decision(api: Api) -> None:
    tell(api)
    found = finished(api, ask(api))
    assert (found["state"], found["version"], found["digest"]) == ("done", None, None)
    assert found["progress"] == {"done": 8, "total": 8}
    assert found["result"] == {
        "kind": "replay",
        "decisions": 6,
        "identical": 6,
        "differences": [],
        "difference_count": 0,
    }


@pytest.mark.parametrize("mode", ["decisions", "conversations"])
def test_backtest_of_document_has_result(api: Api, mode: str) -> None:
    tell(api)
    before = api.log_heads()
    asked = ask(api, Role.AUTHOR, document=document(entitled_plans=["none"]), mode=mode)
    result = finished(api, asked)["result"]
    assert {"before": "ask", "after": "not_triggered", "count": 4} in result["outcomes"]
    assert result["decisions"] == 6
    assert result["conversations"]["changed"] == 4
    assert result["conversations"]["examples"][0] == {"conversation": "c-0", "index": 2}
    assert api.log_heads() == before


def test_backtest_of_proposed_version_has_result(api: Api) -> None:
    tell(api)
    proposed = api.propose(document(entitled_plans=["none"]))
    found = finished(api, ask(api, version=proposed["version"]))
    assert (found["version"], found["digest"]) == (2, proposed["digest"])
    assert found["result"]["changed"] == 4
    same = finished(api, ask(api, version=1))
    assert same["result"]["changed"] == 0


def test_replay_is_empty_before_first_write(api: Api) -> None:
    assert finished(api, ask(api))["result"]["decisions"] == 0
    assert finished(api, ask(api, version=1))["result"]["decisions"] == 0


def test_replay_is_limited_by_times(api: Api) -> None:
    tell(api, 1)
    api.clock.move(hours=1)
    api.decide(event("later", conversation={"id": "c-9"}))
    border = "2026-11-22T12:30:00Z"
    bodies: list[dict[str, Any]]
    bodies = [{}, {"version": 1}, {"version": 1, "mode": "conversations"}]
    for body in bodies:
        for name in ("from", "to"):
            found = finished(api, ask(api, Role.AUDITOR, **body, **{name: border}))
            assert found["result"]["decisions"] == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"version": 1, "document": {}}, (400, "invalid_request")),
        ({"mode": "conversations"}, (400, "invalid_request")),
        ({"mode": "all"}, (400, "invalid_request")),
        ({"from": "today"}, (400, "invalid_request")),
        ({"colour": 1}, (400, "invalid_request")),
        ({"version": 7}, (404, "not_found")),
        ({"document": {}}, (422, "invalid_document")),
    ],
)
def test_replay_is_refused_when_its_body_is_wrong(
    api: Api, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code(api.post(PATH, body, Role.AUDITOR)) == expected
    with api.store.read() as snapshot:
        assert snapshot.jobs() == []


def test_replay_is_found_only_in_its_workspace(api: Api) -> None:
    asked = ask(api)
    for path in (f"{PATH}/rep-0000000000000000", f"/v1/workspaces/globex/replays/{asked['id']}"):
        assert code(api.get(path)) == (404, "not_found")


def test_replay_restarts_from_beginning_after_restart(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who worked on it is gone, and its lock with it; whoever asks next takes over."""
    tell(api)
    service = api.client.application.extensions["policy_service"]
    with monkeypatch.context() as patch:
        patch.setattr(replay_queue, "SECONDS_BETWEEN_WRITES", 0)
        patch.setattr(backtest_parts, "PART_ENTRIES", 3)
        written = replay_queue.ReplayQueue.write_progress

        def die(self: replay_queue.ReplayQueue, replay: replay_queue.Replay, done: int) -> bool:
            written(self, replay, done)
            self.request_stop()
            return False

        patch.setattr(replay_queue.ReplayQueue, "write_progress", die)
        asked = ask(api, document=document(entitled_plans=["none"]))
        service.replays.stop()
    with api.store.read() as snapshot:
        kept = snapshot.job(asked["id"])
        assert kept
    cut = read_replay(kept)
    assert (cut.state, cut.done, cut.result) == (ReplayState.RUNNING, 3, None)
    object.__setattr__(service, "replays", replay_queue.ReplayQueue(api.store))
    found = finished(api, asked)
    assert found["result"]["changed"] == 4


def test_replay_waits_when_another_process_works(api: Api) -> None:
    tell(api)
    other = api.store.leader_lock(replay_queue.LEADER_LOCK)
    assert other.try_acquire()
    asked = ask(api)
    assert asked["state"] == "pending"
    assert read(api.get(f"{PATH}/{asked['id']}"))["state"] == "pending"
    other.release()
    assert finished(api, asked)["state"] == "done"


def test_replays_have_limits_for_waiting_and_finished_jobs(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = api.store.leader_lock(replay_queue.LEADER_LOCK)
    assert other.try_acquire()
    asked = [ask(api) for _ in range(MAX_WAITING)]
    assert code(api.post(PATH, {}, Role.AUDITOR)) == (503, "busy")
    other.release()
    for each in asked:
        finished(api, each)
    monkeypatch.setattr(replay_queue, "MAX_SAVED", 4)
    last = finished(api, ask(api))
    with api.store.read() as snapshot:
        assert [kept.id for kept in snapshot.jobs()] == [e["id"] for e in asked[-3:]] + [last["id"]]
    assert MAX_SAVED > MAX_WAITING


def test_failed_replay_does_not_block_other_replays(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again in the next round."""
    tell(api)
    other = api.store.leader_lock(replay_queue.LEADER_LOCK)
    assert other.try_acquire()
    damaged, sound = ask(api), ask(api)
    replayed = replay_queue.ReplayQueue._run_replay

    def unless_damaged(
        self: replay_queue.ReplayQueue, asked: replay_queue.Replay
    ) -> dict[str, Any] | None:
        if asked.id == damaged["id"]:
            raise StorageUnavailableError("a page of it cannot be read")
        return replayed(self, asked)

    with monkeypatch.context() as patch:
        patch.setattr(replay_queue.ReplayQueue, "_run_replay", unless_damaged)
        other.release()
        assert finished(api, sound)["state"] == "done"
        assert read(api.get(f"{PATH}/{damaged['id']}"))["state"] == "running"
    assert finished(api, damaged)["state"] == "done"
