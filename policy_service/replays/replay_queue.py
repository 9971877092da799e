"""The queue of replays requested over HTTP: stored outside the logs, run by one process.

The process with the store's leader lock `replays` runs the unfinished replays one after another, in
a thread that ends when none is left. The lock is released when its process ends. The replay that
was running then starts again with the next request, or with the next tick of `serve`.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import format_time
from audit.errors import AuditError
from audit.replay import replay as replaying
from audit.stores.contract import Job
from policy_service.problems import ProblemCode, ProblemError
from policy_service.replays import backtest_parts
from policy_service.replays.backtest_result import Tally
from policy_service.replays.decision_backtest import BacktestMode, Period
from policy_service.replays.log_replay import replay_difference_view

if TYPE_CHECKING:
    from collections.abc import Container

    from audit.replay.replay import ReplayReport
    from audit.stores.contract import LeaderLock, Store, Transaction

LEADER_LOCK = "replays"
MAX_SAVED = 50
"""The number of stored replays of a workspace; the oldest finished ones are removed first."""
MAX_WAITING = 10
"""The number of unfinished replays of a workspace."""
MAX_DIFFERENCES = 100
"""The number of differences that a result lists; it also has their count."""
SECONDS_BETWEEN_WRITES = 1.0
WAIT_SECONDS = 1.0
"""Seconds for which a request for a replay waits for its end."""

_log = logging.getLogger(__name__)


class ReplayState(StrEnum):
    """The state of a replay."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay. Without `digest` each decision is replayed with its own version.

    `document` is the candidate's canonical JSON, if it is not a version, until the replay ends.
    `size` is the size of the log at the time of the request.
    """

    id: str
    workspace: str
    mode: str
    version: int | None
    digest: str | None
    document: str | None
    since: str
    until: str
    asked_at: str
    asked_by: str
    size: int
    state: str = ReplayState.PENDING.value
    done: int = 0
    total: int = 0
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def finished(self) -> bool:
        """True if the replay is done or failed."""
        return self.state in (ReplayState.DONE, ReplayState.FAILED)

    @property
    def kept(self) -> Job:
        """The replay as a job of the store."""
        return Job(self.id, self.workspace, self.finished, orjson.dumps(asdict(self)))


def read_replay(kept: Job) -> Replay:
    """Return the replay of a job."""
    return Replay(**orjson.loads(kept.body))


def new_replay_id() -> str:
    """Return a random id."""
    return f"rep-{secrets.token_hex(8)}"


def enqueue(tx: Transaction, asked: Replay) -> Replay:
    """Store a pending replay; raise ProblemError `busy` if too many are waiting."""
    before = tx.jobs(asked.workspace)
    if sum(not work.finished for work in before) >= MAX_WAITING:
        raise ProblemError(ProblemCode.BUSY, f"{MAX_WAITING} replays are waiting already")
    finished = [work for work in before if work.finished]
    for work in finished[: max(0, len(before) + 1 - MAX_SAVED)]:
        tx.delete_job(work.id)
    size = tx.head(asked.workspace).size
    entered = replace(asked, asked_at=format_time(tx.now), size=size, total=size)
    tx.save_job(entered.kept)
    return entered


def replay_view(replay: Replay) -> dict[str, Any]:
    """Return the replay as an answer."""
    return {
        "id": replay.id,
        "workspace": replay.workspace,
        "state": replay.state,
        "mode": replay.mode,
        "version": replay.version,
        "digest": replay.digest,
        "asked_at": replay.asked_at,
        "asked_by": replay.asked_by,
        "progress": {"done": replay.done, "total": replay.total},
        "result": replay.result,
        "error": replay.error,
    }


class ReplayQueue:
    """The queue of a process; safe to share between threads, and between processes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def wake(self) -> threading.Thread | None:
        """Start a thread unless a process works already; return the thread of this process."""
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return self._thread
            leader_lock = self._store.leader_lock(LEADER_LOCK)
            if self._stopping.is_set() or not self._unfinished() or not leader_lock.try_acquire():
                return None
            self._thread = threading.Thread(target=self._run_all, args=[leader_lock], daemon=True)
            self._thread.start()
            return self._thread

    def stop(self) -> None:
        """Stop after the current part; other processes run the rest."""
        self.request_stop()
        if self._thread is not None:
            self._thread.join()

    def _unfinished(self, put_off: Container[str] = ()) -> list[Job]:
        with self._store.read() as snapshot:
            kept = snapshot.jobs()
        return [work for work in kept if not work.finished and work.id not in put_off]

    def _run_all(self, leader_lock: LeaderLock) -> None:
        put_off: set[str] = set()  # postponed by errors of the ledger, until the next round
        try:
            while not self._stopping.is_set() and (works := self._unfinished(put_off)):
                try:
                    self._run(read_replay(works[0]))
                except AuditError as error:
                    _log.warning("the replay %s is postponed: %s", works[0].id, error)
                    put_off.add(works[0].id)
        except AuditError as error:
            _log.warning("replays are postponed: %s", error)
        finally:
            leader_lock.release()

    def _run(self, replay: Replay) -> None:
        began = self._save(replace(replay, state=ReplayState.RUNNING.value, done=0))
        try:
            result = self._compute_result(began)
        except AuditError:
            raise  # the replay is tried again later
        except Exception as error:  # noqa: BLE001 - a failure must not stop the next replay
            _log.exception("the replay %s failed", replay.id)
            failed = replace(began, state=ReplayState.FAILED.value, error=type(error).__name__)
            self._save(replace(failed, document=None))
        else:
            if result is not None:
                ended = replace(began, state=ReplayState.DONE.value, document=None, result=result)
                self._save(replace(ended, done=began.total))

    def _save(self, replay: Replay) -> Replay:
        self._store.transact(lambda tx: tx.save_job(replay.kept))
        return replay

    def _compute_result(self, replay: Replay) -> dict[str, Any] | None:
        """Return the result; None if the queue was stopped."""
        of_a_candidate = replay.digest is not None
        return self._run_backtest(replay) if of_a_candidate else self._run_replay(replay)

    def _run_replay(self, replay: Replay) -> dict[str, Any] | None:
        memory = replaying.ReplayCache()
        total = replaying.ReplayReport(0, 0, ())
        difference_count = 0
        progress = _ProgressWriter(self, replay)
        within = replay.since.encode(), replay.until.encode()
        for start in range(0, replay.size, backtest_parts.PART_ENTRIES):
            stop = min(start + backtest_parts.PART_ENTRIES, replay.size)
            with self._store.read() as snapshot:
                log = replay.workspace
                report = replaying.summarize_replay(
                    snapshot, log, start, stop, cache=memory, period=within
                )
            difference_count += len(report.differences)
            total += report
            total = replace(total, differences=total.differences[:MAX_DIFFERENCES])
            if not progress.advance(stop - start):
                return None
        return _result_view(total, difference_count)

    def _run_backtest(self, replay: Replay) -> dict[str, Any] | None:
        period = Period(replay.since, replay.until)
        with self._store.read() as snapshot:
            if replay.document is None:
                body = snapshot.document(replay.digest or "") or b""
            else:
                body = replay.document.encode()
            mode = BacktestMode(replay.mode)
            asked = backtest_parts.BacktestRequest(
                replay.workspace, body, replay.size, mode, period
            )
            parts = list(backtest_parts.list_parts(snapshot, asked))
        trial = backtest_parts.CandidateBacktest(body)
        tally = Tally()
        progress = _ProgressWriter(self, replace(replay, total=sum(part.size for part in parts)))
        for part in parts:
            with self._store.read() as snapshot:
                tally.add(trial.run(part, snapshot))
            if not progress.advance(part.size):
                return None
        return {"kind": "backtest", **tally.as_json()}

    def write_progress(self, replay: Replay, done: int) -> bool:
        """Store the progress; return False if the queue is stopping."""
        self._save(replace(replay, done=done))
        return not self._stopping.is_set()

    def request_stop(self) -> None:
        """Ask the thread to stop after its current part."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """True after a request to stop."""
        return self._stopping.is_set()


class _ProgressWriter:
    """The progress of a replay, written at most once a second."""

    def __init__(self, replays: ReplayQueue, replay: Replay) -> None:
        self._replays, self._replay = replays, replay
        self._done = 0
        self._next = time.monotonic() + SECONDS_BETWEEN_WRITES

    def advance(self, by: int) -> bool:
        """Add finished entries; return False if the queue is stopping."""
        self._done += by
        if time.monotonic() < self._next:
            return not self._replays.stopping
        self._next = time.monotonic() + SECONDS_BETWEEN_WRITES
        return self._replays.write_progress(self._replay, self._done)


def _result_view(report: ReplayReport, difference_count: int) -> dict[str, Any]:
    return {
        "kind": "replay",
        "decisions": report.decisions,
        "identical": report.identical,
        "differences": [replay_difference_view(each) for each in report.differences],
        "difference_count": difference_count,
    }
