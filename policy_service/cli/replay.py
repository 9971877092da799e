"""Decide everything recorded once more, and name each difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audit import replay as replaying
from policy_service.cli.terminal import data_option, fail, found, json_option, opened, show

if TYPE_CHECKING:
    from pathlib import Path

    from audit.replay import Difference
    from audit.store import Snapshot

SHOWN = 20
"""Differences of one workspace that are printed; `--json` has all of them."""


@click.command()
@data_option
@click.option("--workspace", help="Only this one.")
@json_option
def replay(data: Path, workspace: str | None, *, as_json: bool) -> None:
    """Decide every recorded decision again, from its recorded facts and its version."""
    with opened(data) as store, store.read() as snapshot:
        logs = [log for log in snapshot.logs() if workspace in (None, log)]
        if workspace and not logs:
            fail(f"there is no log of a workspace {workspace}")
        reports = [_replayed(snapshot, log) for log in logs]
    if as_json:
        show({"workspaces": reports})
    else:
        for report in reports:
            _print(report)
    if any(report["differences"] for report in reports):
        found()


def _replayed(snapshot: Snapshot, log: str) -> dict[str, Any]:
    decisions = 0
    identical = 0
    differences: list[dict[str, Any]] = []
    for replayed in replaying.replay(snapshot, log):
        decisions += 1
        identical += not replayed.differences
        differences += map(_as_json, replayed.differences)
    return {
        "workspace": log,
        "decisions": decisions,
        "identical": identical,
        "differences": differences,
    }


def _as_json(difference: Difference) -> dict[str, Any]:
    return {
        "index": difference.index,
        "decision": difference.decision,
        "member": difference.member,
        "recorded": difference.recorded,
        "replayed": difference.replayed,
    }


def _print(report: dict[str, Any]) -> None:
    counts = f"{report['decisions']} decisions, {report['identical']} identical"
    click.echo(f"{report['workspace']}: {counts}")
    for difference in report["differences"][:SHOWN]:
        click.echo(
            f"  entry {difference['index']}, {difference['member']}: recorded"
            f" {difference['recorded']!r}, replayed {difference['replayed']!r}"
        )
    if len(report["differences"]) > SHOWN:
        click.echo(f"  and {len(report['differences']) - SHOWN} more differences")
