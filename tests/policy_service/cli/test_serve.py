"""`serve` reports that it is ready, and logs no warning by default."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from policy_service.settings import Settings
from tests.served import PATIENCE, Server, made, patiently, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def unstarted(tmp_path: Path) -> Server:
    """Return a server with the default numbers of workers and threads."""
    settings = Settings()
    data = tmp_path / "data"
    return Server(data, made(data), workers=settings.workers, threads=settings.threads)


def test_serve_logs_its_address_when_ready_and_no_warning(unstarted: Server) -> None:
    unstarted.launch()
    ready = f"Ready: http://127.0.0.1:{unstarted.port}/docs"
    for _ in patiently("the server did not get ready"):
        if ready in unstarted.log.read_text():
            break
    with unstarted.client(None) as client:
        assert client.get("/docs").status == 200
    lines = [json.loads(line) for line in unstarted.log.read_text().splitlines()]
    assert unstarted.stop() == 0
    assert {line["level"] for line in lines} == {"info"}


def test_serve_prints_its_address_on_a_terminal_when_ready(unstarted: Server) -> None:
    terminal, follower = os.openpty()
    process = subprocess.Popen(unstarted.command, stderr=follower)
    os.close(follower)
    watchdog = Timer(PATIENCE, process.kill)
    watchdog.start()
    with os.fdopen(terminal) as lines:
        ready = next(line for line in lines if line.startswith("Ready"))
        process.terminate()
        assert process.wait() == 0
    watchdog.cancel()
    assert ready.rstrip() == f"Ready: http://127.0.0.1:{unstarted.port}/docs"


def test_interrupt_of_a_terminal_stops_every_worker_without_a_kill(unstarted: Server) -> None:
    """The terminal sends SIGINT to the whole group, and the parent SIGTERM to its workers."""
    unstarted.launch()
    for _ in patiently("the workers did not start"):
        if unstarted.log.read_text().count("Started worker") == unstarted.workers:
            break
    os.killpg(unstarted.process.pid, signal.SIGINT)
    assert unstarted.process.wait(PATIENCE) == 0
    assert unstarted.log.read_text().count("Stopping worker") == unstarted.workers


def test_serve_suggests_another_port_when_its_port_is_in_use(server: Server) -> None:
    """Two servers on one port would share its requests, each on its own ledger."""
    refusal = run("serve", f"--data={server.data}", f"--port={server.port}", exit_code=2)
    assert refusal.stderr.decode() == (
        f"policy-service: Port {server.port} is in use."
        f" Choose another: --port {server.port + 1} (make run PORT={server.port + 1}).\n"
    )
