"""A backtest requested over HTTP is completed by another server if the first one is killed."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from audit.stores.sqlite.store import SqliteStore
from bench.sample import draw_conversations
from policy_service.replays.replay_queue import Replay, ReplayState, read_replay
from tests.durability.test_checkpoint_signing import opened_by
from tests.policy_service.api_client import document
from tests.served import NoResponseError, Server, made, patiently, run

if TYPE_CHECKING:
    from pathlib import Path

WORKSPACE = "software-co"
PATH = f"/v1/workspaces/{WORKSPACE}/replays"
CONVERSATIONS = 600


def candidate() -> dict[str, Any]:
    """Return a document that tests an undeclared attribute, so that every event is decrypted."""
    tree = document("By size", ask_again=0)
    by_size = {
        "id": "large",
        "when": {"attributes.company_size": {"gte": 250}},
        "outcome": "noted",
        "reason": "large",
    }
    declared = {"attributes.company_size": {"type": "integer"}}
    return {**tree, "facts": declared, "rules": [by_size, *tree["rules"]], "tests": []}


def stored_replays(data: Path) -> list[Replay]:
    """Return the replays in the queue of the ledger."""
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return [read_replay(each) for each in snapshot.jobs()]


def pause_while_running(server: Server) -> None:
    """Stop (SIGSTOP) the process that holds the lock as soon as it works."""
    lock = (server.data / "replays.lock").resolve()
    for _ in patiently("nobody works"):
        for pid in server.process_ids():
            if lock in set(opened_by(pid)):
                os.kill(pid, signal.SIGSTOP)
                if [replay.state for replay in stored_replays(server.data)] == [
                    ReplayState.RUNNING
                ]:
                    return
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return the folder of a ledger with many decisions, for tests to copy, and its keys."""
    data = tmp_path_factory.mktemp("recorded") / "data"
    keys = made(data)
    events = [event for each in islice(draw_conversations(), CONVERSATIONS) for event in each]
    run("decide", f"--data={data}", given=b"\n".join(events))
    return data, keys


@pytest.mark.parametrize("mode", ["decisions", "conversations"])
def test_backtest_of_a_killed_server_is_completed_by_another(
    tmp_path: Path, recorded: tuple[Path, dict[str, str]], mode: str
) -> None:
    """The result equals that of the command that does it in one run."""
    template, keys = recorded
    data, file = shutil.copytree(template, tmp_path / "data"), tmp_path / "candidate.json"
    file.write_bytes(orjson.dumps(candidate()))
    asked = ("backtest", f"--data={data}", f"--workspace={WORKSPACE}", f"--candidate={file}")
    in_one_go = orjson.loads(run(*asked, f"--mode={mode}", "--json", exit_code=1).stdout)
    body = orjson.dumps({"document": candidate(), "mode": mode})
    with Server(data, keys, workers=1) as first, Server(data, keys, workers=1) as second:
        asking = threading.Thread(target=ask, args=[first, body])
        asking.start()
        pause_while_running(first)
        first.kill()
        asking.join()
        [begun] = stored_replays(data)
        assert begun.state == ReplayState.RUNNING
        with second.client("auditor") as client:
            for _ in patiently("nobody took it over"):
                found = client.get(f"{PATH}/{begun.id}").json
                if found["state"] in ("done", "failed"):
                    break
    assert (found["state"], found["error"]) == ("done", None)
    assert found["progress"]["done"] == found["progress"]["total"] > 0
    assert found["result"] == {"kind": "backtest", **without(in_one_go, "workspace", "mode")}


def ask(server: Server, body: bytes) -> None:
    with suppress(NoResponseError), server.client("auditor") as client:
        client.request("POST", PATH, body)


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: member for name, member in value.items() if name not in names}
