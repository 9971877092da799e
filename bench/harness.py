"""What every benchmark shares: turns taken by two sides, medians, and the rows of the one table.

A machine is never as fast twice. So what is compared is measured in turns (A B A B …), each round
gives one ratio, and the figure is the median of the rounds.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.sample import Conversation


TIMES = " ×"  # noqa: RUF001 - the sign is meant


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to reach, and what would be more than was hoped for."""

    reach: float
    beyond: float | None = None
    least: bool = True
    """Figures are to be at least that; otherwise at most."""

    def verdict(self, figure: float) -> str:
        if self.beyond is not None and self._is_met(figure, self.beyond):
            return "beyond"
        return "reached" if self._is_met(figure, self.reach) else "SHORT"

    def _is_met(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.least else figure <= limit

    def written(self, limit: float | None, unit: str) -> str:
        return "" if limit is None else f"{'≥' if self.least else '≤'} {number(limit)}{unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without a bar it is there to compare with."""

    what: str
    figure: float
    unit: str
    bar: Bar | None = None

    def cells(self) -> tuple[str, ...]:
        figure = f"{number(self.figure)}{self.unit}"
        if self.bar is None:
            return self.what, figure, "", "", ""
        bar = self.bar
        limits = bar.written(bar.reach, self.unit), bar.written(bar.beyond, self.unit)
        return self.what, figure, *limits, bar.verdict(self.figure)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a benchmark is given: where to write, what to send, and how much of it."""

    folder: Path
    """An empty folder of its own, on a disk."""
    conversations: Iterator[Conversation]
    """Without end, each told once."""
    rounds: int = 5
    scale: float = 1.0
    """1 for figures; less only shows that a benchmark runs."""

    def count(self, full: int) -> int:
        return max(20, int(full * self.scale))

    def conversations_of(self, events: int) -> list[Conversation]:
        """So many that they hold about this many events."""
        taken: list[Conversation] = []
        while events > 0:
            taken.append(next(self.conversations))
            events -= len(taken[-1])
        return taken

    def events(self, events: int) -> list[bytes]:
        """Exactly so many, those of a conversation in order."""
        told = [event for each in self.conversations_of(events) for event in each]
        return told[:events]


@dataclass(frozen=True, slots=True)
class Turns:
    """What two sides measured, round by round."""

    first: Sequence[float]
    second: Sequence[float]

    @property
    def ratio(self) -> float:
        """The first to the second."""
        return median(a / b for a, b in zip(self.first, self.second, strict=True))


def turns(first: Callable[[], float], second: Callable[[], float], rounds: int) -> Turns:
    """Both measures in turns, after one round that does not count."""
    measured = [(first(), second()) for _ in range(rounds + 1)][1:]
    return Turns([a for a, _ in measured], [b for _, b in measured])


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, with the collector of garbage as in the service: on, and run before."""
    return _timed(time.perf_counter, work)


def cpu_seconds(work: Callable[[], object]) -> float:
    """What it takes of processors, all threads together: for what never waits.

    Other work on the machine makes a long measure longer than a short one by the clock.
    """
    return _timed(time.process_time, work)


def _timed(clock: Callable[[], float], work: Callable[[], object]) -> float:
    gc.collect()
    start = clock()
    work()
    return clock() - start


def number(value: float) -> str:
    """As short as it may be read: 41,200, 318, 6.42, 0.83."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown, columns aligned."""
    lines = [("what", "figure", "reach", "beyond", "verdict"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in (lines[0], rule, *lines[1:])
    )


def is_on_disk(folder: Path) -> bool:
    """Whether what is written there reaches a disk: the file system is none in memory."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    parents = {str(each) for each in (folder.resolve(), *folder.resolve().parents)}
    kinds = {at: kind for _, at, kind, *_ in mounts if at in parents}
    return kinds[max(kinds, key=len)] not in ("tmpfs", "ramfs")
