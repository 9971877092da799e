"""Serve over HTTP: granian, several processes of several threads, one ledger.

Granian's sockets share their port (SO_REUSEPORT). So a worker must not outlive the process that
started it, or it would go on taking requests beside the server that was started next.
"""

from __future__ import annotations

import os
import signal
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
    os.environ.update(settings.environment())
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
    ).serve(target_loader=_load)


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
