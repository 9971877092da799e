"""A full disk: writes are refused with the reason, reads work, and writes work again later."""

from __future__ import annotations

import os
import random
import resource
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from audit.stores.sqlite.store import LEDGER
from tests.durability.disks import small_disk
from tests.durability.load import Platform
from tests.durability.promises import (
    broken_in_ledger,
    broken_over_http,
    out_of_order,
    verify_and_replay,
)
from tests.served import Server, patiently, run, served

if TYPE_CHECKING:
    from tests.served import Answer

REFUSALS = 20


def refused(platform: Platform) -> list[Answer]:
    """Return the refusals that a platform gets while the disk has no room."""
    platform.refused.clear()
    with platform.talking():
        for _ in patiently("there was room"):
            if len(platform.refused) >= REFUSALS:
                break
    return platform.refused


def wait_for_writers(server: Server) -> None:
    """Wait until every worker has the ledger open for writing: opening it needs room on the disk.

    A busy machine gives many requests in a row to the same worker, so no fixed number is enough.
    """
    for _ in patiently("not every worker opened the ledger for writing"):
        server.is_ready()
        workers = server.worker_ids()
        if len(workers) == server.workers and all(map(may_write_ledger, workers)):
            return


def may_write_ledger(pid: int) -> bool:
    """Return True if the process has the ledger's file open for reading and writing."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if descriptor.readlink().name == LEDGER and _is_read_write(pid, descriptor.name):
                    return True
    return False


def _is_read_write(pid: int, descriptor: str) -> bool:
    lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    [flags] = [int(line.split()[1], 8) for line in lines if line.startswith("flags:")]
    return flags & os.O_ACCMODE == os.O_RDWR


def talk(platform: Platform) -> None:
    """Send events until there are a hundred more answers."""
    had = len(platform.acknowledged())
    with platform.talking():
        for _ in patiently("the answers did not come"):
            if len(platform.acknowledged()) >= had + 100:
                return


def check_refusals(answers: list[Answer], words: str) -> None:
    assert {answer.status for answer in answers} == {503}
    assert {answer.json["code"] for answer in answers} == {"storage_unavailable"}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all(words in answer.json["detail"] for answer in answers)


def check_reading(server: Server, platform: Platform) -> None:
    """Check that each decision is answered again, looked up and listed, and readiness."""
    acknowledged = platform.acknowledged()
    assert broken_over_http(server, acknowledged) == []
    check_lookups(server, platform)
    assert server.is_ready()


def check_lookups(server: Server, platform: Platform) -> None:
    """Check the requests that write nothing, at every worker."""
    acknowledged = platform.acknowledged()
    workspace, event = acknowledged[-1].name
    for _ in range(20):
        with server.client("auditor") as auditor:
            found = auditor.get(f"/v1/workspaces/{workspace}/decisions/{event}")
            assert found.body == acknowledged[-1].body
            assert auditor.get(f"/v1/workspaces/{workspace}/ledger/entries").status == 200
            assert auditor.get("/metrics").status == 200


def test_full_disk_refuses_writes_and_loses_no_decision(tmp_path: Path) -> None:
    """Writes work again without a restart, and a worker that starts in between can read."""
    with small_disk(tmp_path / "small") as disk:
        data = disk.folder / "data"
        made = run("init", f"--data={data}", "--json", wrapper=disk.wrapper)
        keys = orjson.loads(made.stdout)["keys"]
        with Server(data, keys, wrapper=disk.wrapper, logged_in=tmp_path) as server:
            wait_for_writers(server)
            workers = server.worker_ids()
            platform = Platform([server], clients=8, seed=7)
            talk(platform)
            disk.fill()
            check_refusals(refused(platform), "the disk is full")
            check_reading(server, platform)
            assert server.worker_ids() == workers
            server.kill_worker(random.Random(7))
            for _ in patiently("no other worker serves"):
                if server.log.read_text().count("Started worker-") > server.workers:
                    break
            check_lookups(server, platform)
            check_refusals(refused(platform), "the disk is full")
            disk.make_room()
            talk(platform)
            assert platform.complaints == []
            assert server.stop() == 0
        copy = tmp_path / "copy"
        shutil.copytree(disk.seen_from_here / "data", copy)
    assert broken_in_ledger(copy, platform.acknowledged()) == []
    assert out_of_order(platform.acknowledged()) == []
    verify_and_replay(copy)


def test_file_size_limit_refuses_writes_and_loses_no_decision(tmp_path: Path) -> None:
    """A quota has the same effect: the limit is set and lifted while the server runs."""
    environment = {"POLICY_SERVICE_LOG": "warning"}
    with served(tmp_path / "data", environment=environment) as server:
        wait_for_writers(server)
        workers = server.worker_ids()
        platform = Platform([server], clients=8, seed=8)
        talk(platform)
        limits = {each: resource.prlimit(each, resource.RLIMIT_FSIZE) for each in workers}
        size = (server.data / "ledger.sqlite3-wal").stat().st_size
        for each, (_, hard) in limits.items():
            resource.prlimit(each, resource.RLIMIT_FSIZE, (size, hard))
        check_refusals(refused(platform), "the disk failed to read or write, or a quota is used up")
        check_reading(server, platform)
        for each, limit in limits.items():
            resource.prlimit(each, resource.RLIMIT_FSIZE, limit)
        talk(platform)
        assert platform.complaints == []
        assert server.worker_ids() == workers
        assert server.stop() == 0
    assert broken_in_ledger(server.data, platform.acknowledged()) == []
    assert out_of_order(platform.acknowledged()) == []
    verify_and_replay(server.data)
