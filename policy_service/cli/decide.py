"""`decide`: decide events without a server."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from audit.errors import AuditError, NotALedgerError
from audit.stores.sqlite.store import SqliteStore
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    fail_with_ledger,
    open_ledger,
)
from policy_service.cli.progress import show_progress
from policy_service.decisions.batch import decide_lines
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import PolicyCache

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@click.command()
@data_option
@click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="Accepted as in every command; decisions are always JSON.",
)
def decide(data: Path) -> None:
    """Decide the events on standard input, one a line; print one decision a line.

    A refused line has its problem in its place, and the exit code is 1 at the end. If the folder
    has no ledger yet, one is created, without keys.
    """
    _create_if_missing(data)
    is_refused = False
    with open_ledger(data) as store:
        for line in decide_lines(
            store, PolicyCache(), DecisionMetrics(), _with_progress(sys.stdin.buffer)
        ):
            is_refused = is_refused or line.is_refused
            sys.stdout.buffer.write(line.text)
        sys.stdout.buffer.flush()
    if is_refused:
        exit_with_finding()


def _with_progress(lines: BinaryIO) -> Iterable[bytes]:
    """Yield the lines; show the progress unless decisions go to the terminal."""
    if sys.stdout.isatty():
        yield from lines
        return
    with show_progress("Deciding", _size(lines)) as advance:
        for line in lines:
            yield line
            advance(len(line))


def _size(lines: BinaryIO) -> int | None:
    """Return the size of the input in bytes; None if it is unknown, as in a pipe."""
    try:
        about = os.fstat(lines.fileno())
    except OSError:
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _create_if_missing(data: Path) -> None:
    try:
        SqliteStore.open(data).close()
    except NotALedgerError:
        if data.is_dir() and any(data.iterdir()):
            fail(f"{data} is not empty and holds no ledger")
        try:
            SqliteStore.create(data).close()
        except AuditError as error:
            fail_with_ledger(error, data)
        click.echo(f"Made a ledger in {data}.", err=True)
    except AuditError as error:
        fail_with_ledger(error, data)
