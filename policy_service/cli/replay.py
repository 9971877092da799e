"""`replay`: decide every recorded decision again and print each difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audit.errors import AuditError
from audit.verification.findings import escape_control
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.cli.progress import show_progress
from policy_service.replays.log_replay import replay_difference_view, replay_logs

if TYPE_CHECKING:
    from pathlib import Path

    from audit.replay.replay import ReplayReport
    from audit.stores.contract import Snapshot

MAX_PRINTED = 20
"""The number of printed differences of one workspace; `--json` prints all of them."""


@click.command()
@data_option
@click.option("--workspace", help="Only this workspace.")
@json_option
def replay(data: Path, workspace: str | None, *, as_json: bool) -> None:
    """Decide every recorded decision again, from its recorded facts and its version.

    A ledger that cannot be read to its end is a finding too.
    """
    with open_ledger(data) as store, store.read() as snapshot:
        sizes = {log: _count_entries(snapshot, log) for log in snapshot.logs()}
    if workspace:
        sizes = {log: size for log, size in sizes.items() if log == workspace}
        if not sizes:
            fail(f"there is no log of a workspace {workspace}")
    try:
        with show_progress("Replaying", sum(sizes.values())) as advance:
            replayed = replay_logs(data, sizes, advance)
    except AuditError as error:
        click.echo(f"the ledger cannot be read to its end: {error}", err=True)
        exit_with_finding()
    reports = [_report_view(log, report) for log, report in replayed.items()]
    if as_json:
        print_json({"workspaces": reports})
    else:
        for report in reports:
            _print_report(report)
    if any(report["differences"] for report in reports):
        exit_with_finding()


def _count_entries(snapshot: Snapshot, log: str) -> int:
    """Return the number of entries, also if the head is damaged."""
    last = snapshot.latest_entry(log, "")
    return last.index + 1 if last else 0


def _report_view(log: str, report: ReplayReport) -> dict[str, Any]:
    return {
        "workspace": log,
        "decisions": report.decisions,
        "identical": report.identical,
        "differences": [replay_difference_view(each) for each in report.differences],
    }


def _print_report(report: dict[str, Any]) -> None:
    counts = f"{report['decisions']} decisions, {report['identical']} identical"
    click.echo(f"{escape_control(report['workspace'])}: {counts}")
    for difference in report["differences"][:MAX_PRINTED]:
        click.echo(
            f"  entry {difference['index']}, {difference['member']}: recorded"
            f" {difference['recorded']!r}, replayed {difference['replayed']!r}"
        )
    if len(report["differences"]) > MAX_PRINTED:
        click.echo(f"  and {len(report['differences']) - MAX_PRINTED} more differences")
