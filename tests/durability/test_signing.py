"""A real server signs by itself: one process of all, and another when that one is killed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from audit.log.checkpoint import parse_checkpoint
from audit.log.signed_note import parse_note
from audit.stores.sqlite.store import SqliteStore
from tests.fakes.tampering import owned
from tests.policy_service.api_client import event
from tests.served import Server, made, patiently, run, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def signers(server: Server) -> list[int]:
    """The processes that hold the lock: who does not get it closes the file again."""
    lock = (server.data / "jobs.lock").resolve()
    return [pid for pid in server.process_ids() if lock in set(opened_by(pid))]


def opened_by(pid: int) -> Iterator[Path]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield descriptor.readlink()


def the_signer(server: Server, other_than: int | None = None) -> int:
    for _ in patiently("nobody signs"):
        found = signers(server)
        if len(found) == 1 and found[0] != other_than:
            return found[0]
    raise AssertionError


def decide(server: Server, *names: str) -> None:
    for name in names:
        sent = orjson.dumps(event(name, conversation={"id": name}))
        for _ in patiently(f"{name} was not decided"):
            with suppress(Exception), server.client() as client:
                if client.decide(sent).status == 200:
                    break


def signed(data: Path, log: str = "acme") -> int:
    """The size of the log's checkpoint outside; nobody is asked for one."""
    try:
        note = (data / "checkpoints" / log).read_bytes()
    except FileNotFoundError:
        return 0
    return parse_checkpoint(parse_note(note).text).size


def wait_for(data: Path, size: int) -> None:
    for _ in patiently(f"no checkpoint of {size} entries"):
        if signed(data) == size:
            return


def test_checkpoints_appear_without_being_asked_for(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        decide(server, "ev-1")
        wait_for(server.data, 3)
        decide(server, "ev-2")
        wait_for(server.data, 4)
        decide(server, "ev-3")
        assert server.stop() == 0
    assert signed(tmp_path / "data") == 5, "the last thing that a server does is to sign"
    with SqliteStore.open(tmp_path / "data") as store, store.read() as snapshot:
        assert signed(tmp_path / "data", "system") == snapshot.head("system").size
        sizes = [
            entry.value["size"] for entry in snapshot.entries_of_family("system", "checkpoint")
        ]
    assert sizes == sorted(set(sizes)), "each is signed once, by one process"
    run("verify", f"--data={tmp_path / 'data'}")


def test_one_process_signs_and_another_takes_over_when_it_is_killed(tmp_path: Path) -> None:
    with served(tmp_path / "data", workers=2) as server:
        first = the_signer(server)
        decide(server, "ev-1")
        wait_for(server.data, 3)
        os.kill(first, signal.SIGKILL)
        the_signer(server, other_than=first)
        decide(server, "ev-2")
        wait_for(server.data, 4)


def test_a_changed_entry_is_not_signed_and_every_process_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    keys = made(data)
    run("decide", f"--data={data}", given=orjson.dumps(event("ev-1")))
    with owned(data) as connection:
        connection.execute("UPDATE entries SET reason = 'switched_off' WHERE kind = 'decision'")
    server = Server(data, keys)
    server.launch()
    try:
        for _ in patiently("nobody says that it is not signed"):
            with suppress(Exception), server.client(None) as client:
                told = client.get("/readyz")
                if told.status == 503 and told.json["code"] == "not_signed":
                    break
        with server.client(None) as client:
            metrics = client.get("/metrics").body.decode()
    finally:
        server.kill()
    assert "entry 2 of acme is not what was hashed" in told.json["detail"]
    assert "policy_service_checkpoint_lag_entries 3.0" in metrics
    assert "policy_service_checkpoint_refusals_total 1.0" in metrics
    assert signed(data) == 0
    assert signed(data, "system") == 5


def test_nothing_is_signed_by_an_application_that_only_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "data")
    monkeypatch.setenv("POLICY_SERVICE_DATA", str(tmp_path / "data"))
    from policy_service.app import create_app  # noqa: PLC0415 - it reads the environment

    create_app().extensions["policy_service"].store.close()
    assert not (tmp_path / "data" / "jobs.lock").exists()
