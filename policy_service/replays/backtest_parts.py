"""A backtest of a whole log, in parts that any executor may take.

A part says all that it needs, so another process, or machine with the ledger's folder, can do it.
Of an executor nothing is asked but `concurrent.futures`' own interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import orjson

from audit.entry import format_time
from audit.stores.sqlite.store import SqliteStore
from policy_service.replays.backtest_result import Tally
from policy_service.replays.conversation_backtest import Retold, begun_within
from policy_service.replays.decision_backtest import EVER, Backtest, Mode, Period
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor
    from datetime import datetime
    from pathlib import Path

    from audit.stores.contract import Snapshot

ENTRIES = 10_000
CONVERSATIONS = 1_000
"""How much of a history a part is."""

Told: TypeAlias = "tuple[tuple[str, tuple[int, ...]], ...]"


@dataclass(frozen=True, slots=True)
class Asked:
    """A candidate, as its canonical JSON, over the first `size` entries of a log."""

    log: str
    candidate: bytes
    size: int
    mode: Mode = Mode.DECISIONS
    period: Period = EVER


@dataclass(frozen=True, slots=True)
class Part:
    """Some entries, from `start` up to before `stop`; or some conversations, `told`."""

    asked: Asked
    start: int = 0
    stop: int = 0
    told: Told = ()

    @property
    def size(self) -> int:
        """How many entries it is of."""
        return self.stop - self.start + sum(len(places) for _, places in self.told)


def period(since: datetime | None, until: datetime | None) -> Period:
    """The time between; a moment within a millisecond comes behind it."""

    def text(moment: datetime) -> str:
        return format_time(moment) + ("~" if moment.microsecond % 1000 else "")

    return Period(text(since) if since else "", text(until) if until else "~")


def parts(snapshot: Snapshot, asked: Asked) -> Iterator[Part]:
    """The parts, which together are all that was asked for."""
    if asked.mode is Mode.DECISIONS:
        for start in range(0, asked.size, ENTRIES):
            yield Part(asked, start, min(start + ENTRIES, asked.size))
        return
    found = iter(begun_within(snapshot, asked.log, asked.size, asked.period).items())
    while told := tuple((name, tuple(places)) for name, places in islice(found, CONVERSATIONS)):
        yield Part(asked, told=told)


class Trial:
    """A candidate in both modes; what it remembers of one part helps with the next."""

    def __init__(self, candidate: bytes) -> None:
        self._decisions = Backtest(Document(orjson.loads(candidate)))
        self._conversations = Retold(self._decisions)

    def done(self, part: Part, snapshot: Snapshot) -> Tally:
        """What the part came to."""
        asked = part.asked
        if part.told:
            return self._conversations.tally(snapshot, asked.log, part.told)
        of = part.start, part.stop, asked.period
        return self._decisions.decisions(snapshot, asked.log, *of)


def backtest_in(
    executor: Executor, data: Path, those: list[Part], advance: Callable[[int], object]
) -> Tally:
    """Do the parts in an executor, whose workers open the ledger; AuditError."""
    whole = Tally()
    done_by_others = executor.map(_done_in_worker, [data] * len(those), those)
    for part, tally in zip(those, done_by_others, strict=True):
        whole.add(tally)
        advance(part.size)
    return whole


_trials: dict[bytes, Trial] = {}  # of this process, the last one alone


def _done_in_worker(data: Path, part: Part) -> Tally:
    candidate = part.asked.candidate
    if candidate not in _trials:
        _trials.clear()
        _trials[candidate] = Trial(candidate)
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return _trials[candidate].done(part, snapshot)
