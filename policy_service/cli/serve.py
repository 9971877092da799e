"""Serve over HTTP: granian, several processes of several threads, one ledger.

Granian's sockets share their port (SO_REUSEPORT): two servers on one port would each get some of
the requests. So a port that is taken is refused, and a worker does not outlive the process that
started it.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import replace
from importlib import import_module
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import click
from granian import Granian
from granian.constants import Interfaces

from policy_service.cli.terminal import fail, opened
from policy_service.settings import Settings, WrongSetting

SECONDS_TO_STOP = 30
"""After these a worker that was asked to stop is killed; the ledger does not mind."""


@click.command()
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="The ledger's folder."
)
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that serve.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads of each process.")
def serve(**given: Path | str | int | None) -> None:
    """Serve the ledger over HTTP until stopped.

    What no option says is as the environment says (POLICY_SERVICE_DATA and so on).
    """
    try:
        settings = Settings.from_environment()
    except WrongSetting as error:
        fail(str(error))
    settings = replace(settings, **{name: v for name, v in given.items() if v is not None})  # type: ignore[arg-type]  # click has typed them
    with opened(settings.data):
        pass
    _check_free(settings.host, settings.port)
    os.environ.update(settings.environment())
    os.register_at_fork(after_in_child=_end_when_asked)
    Granian(
        "wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 4,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_STOP,
    ).serve(target_loader=_load)


def _check_free(host: str, port: int) -> None:
    """End the command where the address cannot be listened on, or somebody does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        fail(f"cannot listen on {host}, port {port}: {error.strerror}")


def _end_when_asked() -> None:
    """Until it serves, a worker ends as soon as it is asked to.

    The handlers that it has from its parent would swallow that, and the parent would wait for it.
    """
    for asked_to_stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked_to_stop, signal.SIG_DFL)


def _load(target: str) -> Any:  # noqa: ANN401 - whatever application the target names
    """The application `module:name`, in a worker, which is made to end with its parent."""
    Thread(target=_end_with_parent, daemon=True).start()
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _end_with_parent() -> None:
    """Wait for the parent, however it ends; then end at once: what is not on disk is unanswered."""
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
