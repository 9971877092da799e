"""The last use of keys: to the minute, over all processes, and cheap."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from audit.errors import StorageUnavailableError
from audit.stores.sqlite.store import SqliteStore
from policy_service.access.key_usage import KeyUsage
from policy_service.access.keys import Role
from policy_service.app import create_app
from tests.fakes.memory_store import MemoryStore
from tests.policy_service.api_client import ACME, NOON, event, read
from tests.policy_service.command_line import as_json, call
from tests.served import Server, made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.stores.contract import LookupKey
    from tests.policy_service.api_client import Api

T = TypeVar("T")

AT_NOON = "2026-11-22T12:00:00.000Z"


def last_use(api: Api, role: Role) -> str | None:
    """Return the last use of a key in the ledger."""
    with api.store.read() as snapshot:
        return snapshot.last_uses().get(api.keys[role].id)


def commits(api: Api) -> list[int]:
    """Return a list that gets the number of works of each later commit."""
    told: list[int] = []
    api.store.on_commit(lambda works, _: told.append(works))
    return told


def test_key_shows_its_last_use(api: Api) -> None:
    """It is null for a key that was never used."""
    api.get(f"{ACME}/policy")
    listed = read(api.get("/v1/keys", Role.OWNER))["items"]
    used = {key["role"] for key in listed if key["last_used_at"] == AT_NOON}
    assert used == {"auditor", "owner"}
    assert [key["last_used_at"] for key in listed].count(None) == len(Role) - 2


def test_busy_key_costs_one_write_per_minute(api: Api) -> None:
    told = commits(api)
    for _ in range(10):
        api.get(f"{ACME}/policy")
        api.clock.move(seconds=5.999)
    assert (last_use(api, Role.AUDITOR), told) == (AT_NOON, [1])
    api.clock.move(seconds=0.01)
    api.get(f"{ACME}/policy")
    assert (last_use(api, Role.AUDITOR), told) == ("2026-11-22T12:01:00.000Z", [1, 1])


def test_next_request_writes_uses_of_all_keys(api: Api) -> None:
    api.get(f"{ACME}/policy")
    api.clock.move(seconds=30)
    api.get(f"{ACME}/policy")
    api.get("/v1/keys", Role.OWNER)
    assert last_use(api, Role.AUDITOR) == "2026-11-22T12:00:30.000Z"


def test_use_is_written_in_commit_of_its_decision(api: Api) -> None:
    """The keys are cached by then, so that the transaction checks the key."""
    api.get(f"{ACME}/policy")
    told = commits(api)
    api.decide(event())
    assert (last_use(api, Role.PLATFORM), told) == (AT_NOON, [1])
    api.clock.move(minutes=1)
    api.decide(event())
    assert (last_use(api, Role.PLATFORM), told) == ("2026-11-22T12:01:00.000Z", [1, 1])


def test_refused_request_counts_as_use(api: Api) -> None:
    """An attacker may have the key and try calls with it."""
    bad = event(type="no such")
    assert api.post("/v1/decisions", bad, Role.PLATFORM).status_code == 400
    assert api.get("/v1/keys", Role.AUTHOR).status_code == 403
    api.clock.move(minutes=1)
    assert api.post("/v1/decisions", bad, Role.PLATFORM).status_code == 400
    assert last_use(api, Role.AUTHOR) == AT_NOON
    assert last_use(api, Role.PLATFORM) == "2026-11-22T12:01:00.000Z"


def test_invalid_key_is_not_recorded_as_used(api: Api) -> None:
    """Revoked keys and wrong secrets do not count either, so that nobody can fill the ledger."""
    key, token = api.new_key(Role.PLATFORM)
    api.send("DELETE", f"/v1/keys/{key.id}", None, api.tokens[Role.OWNER])
    for sent in (token, f"{api.keys['author'].id}.guessed", "key-none.x", "x"):
        for method, path in (("GET", f"{ACME}/policy"), ("POST", "/v1/decisions")):
            assert api.send(method, path, json.dumps(event()), sent).status_code == 401
    with api.store.read() as snapshot:
        assert snapshot.last_uses().keys() == {api.keys["owner"].id}


def test_latest_use_of_two_processes_is_shown(api: Api, tmp_path: Path) -> None:
    with SqliteStore.open(tmp_path / "data", clock=api.clock) as beside:
        first = api.client.application.extensions["policy_service"]
        other = create_app(store=beside).test_client()
        headers = {"Authorization": f"Bearer {api.tokens[Role.AUDITOR]}"}
        api.get(f"{ACME}/policy")
        api.clock.move(seconds=20)
        api.get(f"{ACME}/policy")
        api.clock.move(seconds=20)
        assert other.get(f"{ACME}/policy", headers=headers).status_code == 200
        assert last_use(api, Role.AUDITOR) == "2026-11-22T12:00:40.000Z"
        first.stop()
        assert last_use(api, Role.AUDITOR) == "2026-11-22T12:00:40.000Z"


def test_stopped_server_has_written_every_use(tmp_path: Path) -> None:
    """Both workers write; the last of many requests came within the minute."""
    server = Server(tmp_path / "data", made(tmp_path / "data"))
    with server:
        for _ in range(2):
            for role in ("platform", "auditor"):
                with server.client(role) as client:
                    assert client.get(f"{ACME}/policy").status == 200
        with server.client("author") as client:
            assert client.get(f"{ACME}/policy").status == 200
            first = _used(server.data)["author"]
            assert client.get(f"{ACME}/policy").status == 200
        assert _used(server.data)["author"] == first
        assert server.stop() == 0
    used = _used(server.data)
    assert used["author"] > first
    assert used["approver"] is None
    assert max(filter(None, used.values())) == used["author"]


def _used(data: Path) -> dict[str, Any]:
    return {
        key["role"]: key["last_used_at"] for key in as_json("keys", "list", "--data", data)["items"]
    }


def test_command_line_shows_last_use_of_key(api: Api, tmp_path: Path) -> None:
    api.get(f"{ACME}/policy")
    said = call("keys", "list", "--data", tmp_path / "data").stdout.splitlines()
    assert [line.split(", ")[-1].split("  ")[0] for line in said] == [
        f"last used {AT_NOON}" if role is Role.AUDITOR else "never used" for role in Role
    ]


class Full(MemoryStore):
    """Refuse every write."""

    asked = 0

    def transact(self, work: Callable[..., T], _: LookupKey | None = None) -> T:
        self.asked += 1
        raise StorageUnavailableError(f"the disk has no room for {work}")


def test_refused_write_of_uses_is_logged_and_retried_once_per_minute() -> None:
    """Reads continue, and writes that wait for space are not delayed."""
    uses, store = KeyUsage(), Full(lambda: NOON)
    for seconds in range(61):
        uses.record("key-1", NOON + timedelta(seconds=seconds), store)
    assert store.asked == 2


class Hanging(MemoryStore):
    """Write when the test allows it."""

    def __init__(self) -> None:
        super().__init__(lambda: NOON)
        self.began, self.let = Event(), Event()

    def transact(self, work: Callable[..., T], lookup_key: LookupKey | None = None) -> T:
        self.began.set()
        assert self.let.wait(60)
        return super().transact(work, lookup_key)


def test_request_does_not_wait_for_write_of_another() -> None:
    """If the disk hangs, one request hangs; the next write includes the later uses."""
    uses, store = KeyUsage(), Hanging()
    hangs = Thread(target=uses.record, args=("key-1", NOON, store))
    hangs.start()
    assert store.began.wait(60)
    uses.record("key-2", NOON, store)
    store.let.set()
    hangs.join()
    assert list(_last_uses(store)) == ["key-1"]
    uses.record("key-2", NOON, store)
    assert list(_last_uses(store)) == ["key-1", "key-2"]


def _last_uses(store: MemoryStore) -> dict[str, str]:
    with store.read() as snapshot:
        return snapshot.last_uses()
