"""Recompute the whole ledger, and name what does not fit."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import click

from audit.errors import StorageUnavailable
from audit.verify import verify_all
from policy_service.cli.progress import progress
from policy_service.cli.terminal import data_option, found, json_option, opened, printable, show

if TYPE_CHECKING:
    from pathlib import Path

    from audit.findings import Report
    from audit.store import Snapshot


@click.command()
@data_option
@json_option
def verify(data: Path, *, as_json: bool) -> None:
    """Recompute every leaf, hash, root and step of every log.

    A ledger that cannot be read to its end is a finding too.
    """
    reports: list[Report] = []
    strays: list[str] = []
    unreadable = None
    with opened(data) as store:
        try:
            with store.read() as snapshot, progress("Verifying", _size(snapshot)) as advance:
                reports.extend(verify_all(snapshot, advance))
                strays.extend(snapshot.strays())
        except StorageUnavailable as error:
            unreadable = str(error)
    if as_json:
        logs = [_view(report) for report in reports]
        show({"logs": logs, "strays": strays, "unreadable": unreadable})
    else:
        for report in reports:
            _print(report)
        for stray in strays:
            click.echo(f"beside the logs: {printable(stray)}")
        if unreadable:
            click.echo(f"the rest cannot be read: {unreadable}")
    if unreadable or strays or any(report.findings for report in reports):
        found()


def _size(snapshot: Snapshot) -> int | None:
    """How many entries there should be; None where no head can be read."""
    try:
        return sum(snapshot.head(log).size for log in snapshot.logs())
    except StorageUnavailable:
        return None


def _view(report: Report) -> dict[str, Any]:
    return {
        "log": report.log,
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "findings": [
            {"index": finding.index, "code": finding.code, "message": finding.message}
            for finding in report.findings
        ],
    }


def _print(report: Report) -> None:
    state = "sound" if not report.findings else f"{len(report.findings)} findings"
    root = base64.b64encode(report.root).decode()
    click.echo(f"{printable(report.log)}: {report.size} entries, root {root}, {state}")
    for finding in report.findings:
        where = "log" if finding.index is None else f"entry {finding.index}"
        click.echo(f"  {where}: {printable(finding.message)} ({finding.code})")
