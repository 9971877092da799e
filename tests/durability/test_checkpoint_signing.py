"""A server signs checkpoints by itself: one process does, and another if that one is killed."""

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
    """Return the processes that hold the lock; a process that fails to get it closes the file."""
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
    """Return the size of the log's stored checkpoint, without asking the server for one."""
    try:
        note = (data / "checkpoints" / log).read_bytes()
    except FileNotFoundError:
        return 0
    return parse_checkpoint(parse_note(note).text).size


def wait_for(data: Path, size: int) -> None:
    for _ in patiently(f"no checkpoint of {size} entries"):
        if signed(data) == size:
            return


def test_checkpoints_are_signed_without_a_request(tmp_path: Path) -> None:
    """Each checkpoint is signed once, and the last act of a server is to sign."""
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


def test_another_process_signs_when_the_signer_is_killed(tmp_path: Path) -> None:
    """Exactly one process signs at a time."""
    with served(tmp_path / "data", workers=2) as server:
        first = the_signer(server)
        decide(server, "ev-1")
        wait_for(server.data, 3)
        os.kill(first, signal.SIGKILL)
        the_signer(server, other_than=first)
        decide(server, "ev-2")
        wait_for(server.data, 4)


def test_changed_entry_is_not_signed_and_readiness_reports_it(tmp_path: Path) -> None:
    """A log that was changed gets no checkpoint; `/readyz` and the metrics report the refusal."""
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
    assert "entry 2 of acme does not have the stored hash" in told.json["detail"]
    assert "policy_service_checkpoint_lag_entries 3.0" in metrics
    assert "policy_service_checkpoint_refusals_total 1.0" in metrics
    assert signed(data) == 0
    assert signed(data, "system") == 5


def test_application_signs_nothing_before_it_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Creating the application starts no jobs."""
    made(tmp_path / "data")
    monkeypatch.setenv("POLICY_SERVICE_DATA", str(tmp_path / "data"))
    from policy_service.app import create_app  # noqa: PLC0415 - it reads the environment

    create_app().extensions["policy_service"].store.close()
    assert not (tmp_path / "data" / "jobs.lock").exists()
