"""Counts of recorded decisions per region of facts: the region of a finding or of a difference.

The recorded facts of a decision count, whichever version decided: nothing is derived again. A leaf
that cannot be read is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.errors import BadLeafError
from audit.replay.replay import parse_raw_entry
from rules.analysis.regions import RegionIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.stores.contract import Snapshot
    from rules.analysis.regions import Region

MAX_ENTRIES = 10_000
"""Maximum number of entries, the newest, that are read for an answer over HTTP."""

_DECISION = EntryKind.DECISION.value.encode()


@dataclass(slots=True)
class RegionCounts:
    """The number of decisions in each region, in the order of the regions.

    `decisions` is the number of decisions that were read, also those in no region. `complete` is
    False if older decisions of the log were not read.
    """

    in_region: list[int]
    decisions: int = 0
    complete: bool = True


@dataclass
class RegionCounter:
    """A counter of decisions, part by part; a decision counts in the first region that has it."""

    regions: Sequence[Region]
    counts: RegionCounts = field(init=False)

    def __post_init__(self) -> None:
        self._of = RegionIndex(self.regions).find_region
        self.counts = RegionCounts([0] * len(self.regions))

    def add(self, snapshot: Snapshot, log: str, start: int, stop: int) -> None:
        """Count the decisions among the entries from `start` up to before `stop`."""
        for recorded in snapshot.raw_entries(log, start, stop):
            if recorded.kind != _DECISION:
                continue
            try:
                number = self._of(parse_raw_entry(recorded)["facts"])
            except (BadLeafError, KeyError, TypeError, AttributeError):
                continue
            self.counts.decisions += 1
            if number is not None:
                self.counts.in_region[number] += 1


def count_newest_decisions(snapshot: Snapshot, log: str, regions: Sequence[Region]) -> RegionCounts:
    """Return the counts of the newest entries, at most `MAX_ENTRIES`."""
    size = snapshot.head(log).size
    start = max(0, size - MAX_ENTRIES)
    counting = RegionCounter(regions)
    counting.add(snapshot, log, start, size)
    counting.counts.complete = start == 0
    return counting.counts
