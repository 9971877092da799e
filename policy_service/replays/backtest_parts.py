"""A backtest of a whole log, in parts that an executor of `concurrent.futures` runs.

A part contains all that it needs, so that another process with the ledger's folder can run it.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeAlias

import orjson

from audit.entry import format_time
from audit.stores.sqlite.store import SqliteStore
from policy_service.replays.backtest_result import Tally
from policy_service.replays.conversation_backtest import ConversationBacktest, find_conversations
from policy_service.replays.decision_backtest import (
    ALL_TIME,
    BacktestMode,
    DecisionBacktest,
    Period,
)
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor
    from datetime import datetime
    from pathlib import Path

    from audit.stores.contract import Snapshot

PART_ENTRIES = 10_000
PART_CONVERSATIONS = 1_000
"""The size of a part."""

ConversationIndices: TypeAlias = "tuple[tuple[str, tuple[int, ...]], ...]"


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """A backtest of a candidate, in canonical JSON, over the first `size` entries of a log."""

    log: str
    candidate: bytes
    size: int
    mode: BacktestMode = BacktestMode.DECISIONS
    period: Period = ALL_TIME


@dataclass(frozen=True, slots=True)
class BacktestPart:
    """A range of entries, `stop` excluded; or some conversations."""

    request: BacktestRequest
    start: int = 0
    stop: int = 0
    conversations: ConversationIndices = ()

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.stop - self.start + sum(len(places) for _, places in self.conversations)


def make_period(since: datetime | None, until: datetime | None) -> Period:
    """Return the period; a time within a millisecond counts as after that millisecond."""

    def text(moment: datetime) -> str:
        return format_time(moment) + ("~" if moment.microsecond % 1000 else "")

    return Period(text(since) if since else "", text(until) if until else "~")


def list_parts(snapshot: Snapshot, request: BacktestRequest) -> Iterator[BacktestPart]:
    """Yield the parts of a request, in the order of the log."""
    if request.mode is BacktestMode.DECISIONS:
        for start in range(0, request.size, PART_ENTRIES):
            yield BacktestPart(request, start, min(start + PART_ENTRIES, request.size))
        return
    found = iter(find_conversations(snapshot, request.log, request.size, request.period).items())
    while conversations := tuple(
        (name, tuple(places)) for name, places in islice(found, PART_CONVERSATIONS)
    ):
        yield BacktestPart(request, conversations=conversations)


class CandidateBacktest:
    """A candidate in both modes; its caches speed up later parts."""

    def __init__(self, candidate: bytes) -> None:
        self._decisions = DecisionBacktest(Document(orjson.loads(candidate)))
        self._conversations = ConversationBacktest(self._decisions)

    def run(self, part: BacktestPart, snapshot: Snapshot) -> Tally:
        """Return the result of a part."""
        request = part.request
        if part.conversations:
            return self._conversations.tally(snapshot, request.log, part.conversations)
        of = part.start, part.stop, request.period
        return self._decisions.decisions(snapshot, request.log, *of)


def run_backtest(
    executor: Executor, data: Path, parts: list[BacktestPart], advance: Callable[[int], object]
) -> Tally:
    """Run the parts in an executor, whose workers open the ledger; return their sum.

    Raises AuditError if the ledger cannot be read.
    """
    whole = Tally()
    done_by_others = executor.map(_run_in_worker, [data] * len(parts), parts)
    for part, tally in zip(parts, done_by_others, strict=True):
        whole.add(tally)
        advance(part.size)
    return whole


def run_in_processes(
    data: Path, parts: list[BacktestPart], advance: Callable[[int], object]
) -> Tally:
    """Run the parts on all processors; return their sum.

    This process must have no connection to the ledger: the others are forks of it.
    """
    processes = max(1, min(len(parts), os.cpu_count() or 1))
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        return run_backtest(pool, data, parts, advance)


_backtests: dict[bytes, CandidateBacktest] = {}  # of this process; only the last candidate


def _run_in_worker(data: Path, part: BacktestPart) -> Tally:
    candidate = part.request.candidate
    if candidate not in _backtests:
        _backtests.clear()
        _backtests[candidate] = CandidateBacktest(candidate)
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return _backtests[candidate].run(part, snapshot)
