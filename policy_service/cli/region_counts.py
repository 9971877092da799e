"""Recorded decisions counted by region, with progress, for several commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policy_service.cli.console import fail, open_ledger
from policy_service.cli.progress import show_progress
from policy_service.policies.region_counts import RegionCounter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from policy_service.policies.region_counts import RegionCounts
    from rules.analysis.regions import Region

BATCH_SIZE = 10_000
"""Entries between two updates of the progress."""

history_option = click.option(
    "--workspace", help="Count the recorded decisions of this workspace in each group."
)


def count_decisions(
    data: Path, workspace: str | None, regions: Sequence[Region]
) -> RegionCounts | None:
    """Return the counts of all recorded decisions of the workspace; None without a workspace."""
    if workspace is None:
        return None
    counting = RegionCounter(regions)
    with open_ledger(data) as store, store.read() as snapshot:
        if workspace not in snapshot.logs():
            fail(f"there is no log of a workspace {workspace}")
        size = snapshot.head(workspace).size
        with show_progress("Counting", size) as advance:
            for start in range(0, size, BATCH_SIZE):
                stop = min(start + BATCH_SIZE, size)
                counting.add(snapshot, workspace, start, stop)
                advance(stop - start)
    return counting.counts
