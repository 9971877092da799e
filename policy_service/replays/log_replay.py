"""A replay of whole logs, in parts, by several processes.

A log never changes, so that its parts can be replayed independently: each process takes one part
after another, and opens the ledger itself.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from itertools import groupby
from multiprocessing import get_context
from operator import add
from typing import TYPE_CHECKING, Any, TypeAlias

from audit.replay import replay as replaying
from audit.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from audit.replay.replay import ReplayDifference, ReplayReport

    LogPart: TypeAlias = tuple[Path, str, int, int]
    """The folder of a ledger, a log of it, and the range of entries: the start and the stop."""

PART_ENTRIES = 2_500
"""The number of entries that a process takes at a time."""

_cache = [replaying.ReplayCache()]  # of the ledger that this process replays


def replay_logs(
    data: Path, sizes: Mapping[str, int], advance: Callable[[int], object] = lambda _: None
) -> dict[str, ReplayReport]:
    """Replay each log up to its size, on all processors; return the reports by log.

    `advance` gets the number of entries of each finished part. This process must have no connection
    to the ledger: the others are forks of it, and would take SQLite's locks for theirs. Raises
    AuditError if the ledger cannot be read.
    """
    parts = [
        (data, log, start, min(start + PART_ENTRIES, size))
        for log, size in sizes.items()
        for start in range(0, size, PART_ENTRIES)
    ]
    _cache[0] = replaying.ReplayCache()
    processes = min(len(parts), os.cpu_count() or 1)
    if processes <= 1:
        return _sum_by_log(parts, map(_replay_part, parts), advance)
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        return _sum_by_log(parts, pool.map(_replay_part, parts), advance)


def _replay_part(part: LogPart) -> ReplayReport:
    data, log, start, stop = part
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return replaying.summarize_replay(snapshot, log, start, stop, cache=_cache[0])


def _sum_by_log(
    parts: list[LogPart], reports: Iterable[ReplayReport], advance: Callable[[int], object]
) -> dict[str, ReplayReport]:
    reports_by_part = []
    for part, report in zip(parts, reports, strict=True):
        _, log, start, stop = part
        reports_by_part.append((log, report))
        advance(stop - start)
    return {
        log: reduce(add, (report for _, report in group))
        for log, group in groupby(reports_by_part, key=lambda pair: pair[0])
    }


def replay_difference_view(difference: ReplayDifference) -> dict[str, Any]:
    """Return a member of a decision with its recorded and its replayed value."""
    return {
        "index": difference.index,
        "decision": difference.decision,
        "member": difference.member,
        "recorded": difference.recorded,
        "replayed": difference.replayed,
    }
