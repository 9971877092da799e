"""Decide everything recorded once more, and name each difference.

A log never changes, so its parts can be replayed apart: several processes each take a part after
the other, from a ledger of their own opening.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from itertools import groupby
from multiprocessing import get_context
from operator import add
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from audit.errors import AuditError
from audit.replay import replay as replaying
from audit.stores.sqlite.store import SqliteStore
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

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.replay.replay import ReplayDifference, ReplayReport
    from audit.stores.contract import Snapshot

    LogPart: TypeAlias = tuple[Path, str, int, int]
    """A ledger's folder, a log of it, and which of its entries: the first, and the one behind."""

PART_ENTRIES = 2_500
"""Entries that a process takes at a time."""

_memory = [replaying.ReplayCache()]  # of the ledger that is being replayed, in this process

MAX_PRINTED = 20
"""Differences of one workspace that are printed; `--json` has all of them."""


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
        replayed = replay_logs(data, sizes)
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
    """How many entries there are, whatever the head says."""
    last = snapshot.latest_entry(log, "")
    return last.index + 1 if last else 0


def replay_logs(data: Path, sizes: dict[str, int]) -> dict[str, ReplayReport]:
    """Replay each log up to its size, on all processors; AuditError where it cannot be read.

    No connection to the ledger may be open in this process, or be opened meanwhile: the others
    are forks of it, and SQLite would take its locks for theirs.
    """
    parts = [
        (data, log, start, min(start + PART_ENTRIES, size))
        for log, size in sizes.items()
        for start in range(0, size, PART_ENTRIES)
    ]
    _memory[0] = replaying.ReplayCache()
    processes = min(len(parts), os.cpu_count() or 1)
    if processes <= 1:
        return _sum_by_log(parts, _with_progress(parts, map(_replay_part, parts)))
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        return _sum_by_log(parts, _with_progress(parts, pool.map(_replay_part, parts)))


def _with_progress(parts: list[LogPart], reports: Iterable[ReplayReport]) -> list[ReplayReport]:
    """The reports, while it is shown how many of the parts' entries they are of."""
    sizes = [stop - start for _, _, start, stop in parts]
    results = []
    with show_progress("Replaying", sum(sizes)) as advance:
        for size, report in zip(sizes, reports, strict=True):
            results.append(report)
            advance(size)
    return results


def _replay_part(part: LogPart) -> ReplayReport:
    data, log, start, stop = part
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return replaying.summarize_replay(snapshot, log, start, stop, cache=_memory[0])


def _sum_by_log(parts: list[LogPart], reports: list[ReplayReport]) -> dict[str, ReplayReport]:
    paired = zip((log for _, log, _, _ in parts), reports, strict=True)
    return {
        log: reduce(add, (report for _, report in group))
        for log, group in groupby(paired, key=lambda pair: pair[0])
    }


def _report_view(log: str, report: ReplayReport) -> dict[str, Any]:
    return {
        "workspace": log,
        "decisions": report.decisions,
        "identical": report.identical,
        "differences": list(map(_difference_view, report.differences)),
    }


def _difference_view(difference: ReplayDifference) -> dict[str, Any]:
    return {
        "index": difference.index,
        "decision": difference.decision,
        "member": difference.member,
        "recorded": difference.recorded,
        "replayed": difference.replayed,
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
