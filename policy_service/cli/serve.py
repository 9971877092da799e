"""`serve`: serve the ledger over HTTP with several processes and threads (granian).

Granian's sockets share their port (SO_REUSEPORT), so two servers on one port would each get a part
of the requests. A port in use is therefore refused, and a worker ends with its parent.
"""

from __future__ import annotations

import ctypes
import errno
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from policy_service.cli.console import fail, local_url, open_ledger
from policy_service.observability import json_logs
from policy_service.settings import FILE_VARIABLE, SETTINGS, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

_M_ARENA_MAX = -8  # of glibc's malloc.h
_MODULES_OF_WORKERS = ("policy_service.app", "policy_service.jobs.scheduler")
"""Modules that are loaded before the fork, so that workers share their memory.

The library of the metrics is not among them: it looks for its folder when it is imported.
"""
_MAX_PORT = 65535
_SECONDS_BETWEEN_TRIES = 0.02
SECONDS_TO_STOP = 30
"""Seconds after which a worker that was asked to stop is killed. The ledger allows that."""

_log = logging.getLogger("policy_service.serve")


def _option_for_each_setting(command: Callable[..., None]) -> Callable[..., None]:
    for name, setting in reversed(SETTINGS.items()):
        metavar = "INTEGER" if isinstance(setting.default, int) else "TEXT"
        text = f"{setting.description}.".capitalize()
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="A file of settings (TOML).")
@_option_for_each_setting
def serve(config: Path | None, **options: str | None) -> None:
    """Serve the ledger over HTTP until stopped.

    The environment (POLICY_SERVICE_DATA and so on) supplies settings that are not given as options;
    the file of --config or POLICY_SERVICE_CONFIG supplies the rest.
    """
    try:
        settings = Settings.load(options, file=config)
    except SettingsError as error:
        fail("\n".join(error.complaints))
    with open_ledger(settings.data):
        pass
    _check_free(settings.host, settings.port)
    os.environ.update(settings.environment())
    os.environ.pop(FILE_VARIABLE, None)  # it was read; later workers need not find it
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_folder_of_metrics(settings))
    for module in _MODULES_OF_WORKERS:
        import_module(module)
    os.register_at_fork(
        before=_block_sigterm, after_in_parent=_unblock_sigterm, after_in_child=_prepare_signals
    )
    _share_heaps()
    multiprocessing.set_start_method("fork", force=True)  # no longer the default in Python 3.14
    loaded, load = os.pipe()
    Thread(target=_announce, args=(settings, loaded), daemon=True).start()
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
        log_level=LogLevels(settings.log),
        log_dictconfig=json_logs.logging_config(settings.log),
    ).serve(target_loader=partial(_load, load))


def _announce(settings: Settings, loaded: int) -> None:
    """Print the address of the page once a worker answers; log it if nobody sees a terminal.

    Each worker writes a byte to the pipe after it has loaded the application. Before this no
    connection is opened, which a worker would inherit with the fork.
    """
    for _ in range(settings.workers):
        os.read(loaded, 1)
    url = local_url(settings)
    while not _answers(url):
        time.sleep(_SECONDS_BETWEEN_TRIES)
    ready = f"Ready: {url}/docs"
    if sys.stderr.isatty():
        click.echo(ready, err=True)
    else:
        _log.info(ready)


def _answers(url: str) -> bool:
    """Return True if a server answers a request."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _share_heaps() -> None:
    """Limit the threads of a worker to two heaps, so that its memory hardly grows.

    glibc gives nearly every thread a heap of its own, and no other thread can use its free memory.
    Workers are forked and keep the limit. Other C libraries have neither the heaps nor the call.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _folder_of_metrics(settings: Settings) -> Path:
    """Return an empty folder for the counters of the workers on this address."""
    folder = settings.data / "metrics" / f"{settings.host}:{settings.port}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in folder.glob("*.db"):
            file.unlink()
    except OSError as error:
        fail(f"cannot write to {folder}: {error.strerror}")
    return folder


def _check_free(host: str, port: int) -> None:
    """End the command if the address cannot be used, or another process listens on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            fail(f"cannot listen on {host}, port {port}: {error.strerror}")
        other = port - 1 if port == _MAX_PORT else port + 1
        fail(f"Port {port} is in use. Choose another: --port {other} (make run PORT={other}).")


def _block_sigterm() -> None:
    """Block SIGTERM while a worker is forked: a signal before `_prepare_signals` would be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _unblock_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _prepare_signals() -> None:
    """Let a worker end at once when its parent sends SIGTERM, until the worker serves.

    The handlers of the parent would swallow the signal, and the parent would wait for the worker.
    SIGINT of a terminal reaches parent and workers alike. It is blocked here: granian's workers may
    hang if SIGTERM of the parent comes while they handle SIGINT.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _unblock_sigterm()


def _load(loaded: int, target: str) -> Any:  # noqa: ANN401 - whatever application the target names
    """Return the application `module:name` in a worker, and tie the worker's life to its parent.

    Writes a byte to the pipe `loaded` at the end.
    """
    Thread(target=_end_with_parent, daemon=True).start()
    module, _, name = target.partition(":")
    app = getattr(import_module(module), name)
    if services := getattr(app, "extensions", {}).get("policy_service"):
        scheduler = import_module("policy_service.jobs.scheduler").JobScheduler(services)
        scheduler.start()
        Finalize(None, scheduler.stop, exitpriority=1)  # before the services are stopped
    os.write(loaded, b".")
    return app


def _end_with_parent() -> None:
    """Wait for the parent to end, then end at once. Work that is not on disk is unanswered."""
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
