"""Parts that every benchmark shares: turns of two sides, medians, and the rows of the table.

No machine is equally fast twice. So both sides of a comparison take turns (A B A B …). Each round
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


TIMES = " ×"  # noqa: RUF001 - the multiplication sign is intended


@dataclass(frozen=True, slots=True)
class Bar:
    """The goal that a figure must reach, and a further goal."""

    reach: float
    beyond: float | None = None
    least: bool = True
    """True if figures must be at least the limit, False if at most."""

    def verdict(self, figure: float) -> str:
        """Return `beyond`, `reached` or `SHORT` for a figure."""
        if self.beyond is not None and self._is_met(figure, self.beyond):
            return "beyond"
        return "reached" if self._is_met(figure, self.reach) else "SHORT"

    def _is_met(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.least else figure <= limit

    def describe(self, limit: float | None, unit: str) -> str:
        """Return a limit as text, empty if there is none."""
        return "" if limit is None else f"{'≥' if self.least else '≤'} {format_number(limit)}{unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A row without a bar is for comparison only."""

    name: str
    figure: float
    unit: str
    bar: Bar | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the line, empty if they do not apply."""
        figure = f"{format_number(self.figure)}{self.unit}"
        if self.bar is None:
            return self.name, figure, "", "", ""
        bar = self.bar
        limits = bar.describe(bar.reach, self.unit), bar.describe(bar.beyond, self.unit)
        return self.name, figure, *limits, bar.verdict(self.figure)


@dataclass(frozen=True, slots=True)
class Bench:
    """The input of a benchmark: a folder, conversations, rounds and scale."""

    folder: Path
    """An empty folder of its own, on a disk."""
    conversations: Iterator[Conversation]
    """An endless iterator; each conversation is sent once."""
    rounds: int = 5
    scale: float = 1.0
    """1 for valid figures; a smaller scale only shows that a benchmark runs."""

    def count(self, full: int) -> int:
        """Return the scaled number, at least 20."""
        return max(20, int(full * self.scale))

    def take_conversations(self, events: int) -> list[Conversation]:
        """Return the next conversations, with about this many events in all."""
        taken: list[Conversation] = []
        while events > 0:
            taken.append(next(self.conversations))
            events -= len(taken[-1])
        return taken

    def take_events(self, events: int) -> list[bytes]:
        """Return exactly this many events, those of a conversation in order."""
        taken = [event for each in self.take_conversations(events) for event in each]
        return taken[:events]


@dataclass(frozen=True, slots=True)
class Turns:
    """The measurements of two sides, round by round."""

    first: Sequence[float]
    second: Sequence[float]

    @property
    def ratio(self) -> float:
        """Return the median ratio of the first side to the second."""
        return median(a / b for a, b in zip(self.first, self.second, strict=True))


def take_turns(first: Callable[[], float], second: Callable[[], float], rounds: int) -> Turns:
    """Measure both sides in turns, after one warm-up round."""
    measured = [(first(), second()) for _ in range(rounds + 1)][1:]
    return Turns([a for a, _ in measured], [b for _, b in measured])


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that the work takes, with garbage collection on and run before."""
    return _timed(time.perf_counter, work)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of all threads, for work that never waits.

    By the clock, other work on the machine would lengthen a long measurement more than a short one.
    """
    return _timed(time.process_time, work)


def _timed(clock: Callable[[], float], work: Callable[[], object]) -> float:
    gc.collect()
    start = clock()
    work()
    return clock() - start


def format_number(value: float) -> str:
    """Return a number with three digits or more: 41,200, 318, 6.42, 0.83."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits


def render_table(rows: Iterable[Row]) -> str:
    """Return the rows as Markdown with aligned columns."""
    lines = [("row", "figure", "reach", "beyond", "verdict"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in (lines[0], rule, *lines[1:])
    )


def is_on_disk(folder: Path) -> bool:
    """Return True if the folder is on a disk, not on a file system in memory."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    parents = {str(each) for each in (folder.resolve(), *folder.resolve().parents)}
    kinds = {at: kind for _, at, kind, *_ in mounts if at in parents}
    return kinds[max(kinds, key=len)] not in ("tmpfs", "ramfs")
