"""Group commit: the first waiting request commits for all that wait.

A write costs one wait for the disk; writes that arrive during that wait share the next one. The
queue is first in, first out, and bounded. A leader commits one group, which includes its own
request, and hands over to the first request that came later. A request is answered once: after its
commit, or with an error after which nothing of it is stored.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from audit.errors import AuditError, BusyError, StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from audit.stores.contract import CommitCallback, LookupKey

Tx = TypeVar("Tx")
Tx_co = TypeVar("Tx_co", covariant=True)
T = TypeVar("T")

QUEUE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class WorkResult(Generic[T]):
    """The value that a work returned."""

    value: T


@dataclass(frozen=True, slots=True)
class WorkFailure:
    """The error that a work raised."""

    error: Exception


class CommitInProgress(Protocol[Tx_co]):
    """One commit of a store under way."""

    def prefetch(self, lookup_keys: Sequence[LookupKey]) -> None:
        """Look up the names that the works of this commit need.

        An exception loses the whole commit.
        """

    def attempt(self, work: Callable[[Tx_co], T]) -> WorkResult[T] | WorkFailure:
        """Run the work; if it raises, undo its writes and no others.

        An exception from here means that the whole commit is lost.
        """

    def commit(self) -> None:
        """Make all writes durable; an exception means that none of them is stored."""


class Waiter:
    """A signal for one wait; a `threading.Event` would take three times as long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """Wait until `wake` was called."""
        self._lock.acquire()

    def wake(self) -> None:
        """End the wait."""
        self._lock.release()


@dataclass(slots=True, eq=False)
class _Request(Generic[Tx]):
    works: Sequence[Callable[[Tx], Any]]
    lookup_keys: Sequence[LookupKey] = ()
    waiter: Waiter = field(default_factory=Waiter)  # to read the answer, or to lead
    outcomes: list[WorkResult[Any] | WorkFailure] | None = None
    refusal: AuditError | None = None


class GroupCommit(Generic[Tx]):
    """A queue of works whose commits are shared between threads.

    `begin` opens one commit, as a context, while all other writers wait; leaving it without
    `commit` undoes everything. `begin` and `commit` raise AuditErrors alone.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[CommitInProgress[Tx]]],
        limit: int = QUEUE_LIMIT,
    ) -> None:
        self._begin = begin
        self._limit = limit
        self._mutex = threading.Lock()
        self._queue: deque[_Request[Tx]] = deque()
        self._queued_works = 0
        self._leader: _Request[Tx] | None = None
        self._leader_thread: int | None = None
        self.on_commit: CommitCallback = lambda _works, _seconds: None

    def submit(
        self, works: Sequence[Callable[[Tx], T]], lookup_keys: Sequence[LookupKey] = ()
    ) -> list[WorkResult[T] | WorkFailure]:
        """Run the works, in order, in one commit; return the outcome of each once it is durable.

        Raises BusyError if `limit` works are waiting already, or StorageUnavailableError if the
        commit was lost: then no outcome of any work in it counts.
        """
        if self._leader_thread == threading.get_ident():
            raise RuntimeError("a work cannot wait for another commit: it is run by this one")
        request = _Request(works, lookup_keys)
        is_leader = self._enqueue(request)
        if not is_leader:
            self._wait(request)
        if request.outcomes is None and request.refusal is None:
            self._lead()
        if request.refusal is not None:
            raise request.refusal
        return request.outcomes or []

    def _enqueue(self, request: _Request[Tx]) -> bool:
        """Put the request in the queue; return True if it must lead."""
        with self._mutex:
            if self._queue and self._queued_works + len(request.works) > self._limit:
                raise BusyError(f"{self._queued_works} writes are waiting already; try again")
            self._queue.append(request)
            self._queued_works += len(request.works)
            if self._leader is None:
                self._leader = request
            return self._leader is request

    def _wait(self, request: _Request[Tx]) -> None:
        try:
            request.waiter.wait()
        except BaseException:  # the thread was interrupted: no request may wait for it
            with self._mutex:
                if request in self._queue:
                    self._queue.remove(request)
                    self._queued_works -= len(request.works)
                was_to_lead = self._leader is request
            if was_to_lead:
                self._hand_over()
            raise

    def _lead(self) -> None:
        """Commit one group and answer it.

        1. begin, which waits for other writers while more requests enter the queue
        2. take all waiting requests in order; prefetch; run each work
        3. commit; only then give out the outcomes
        4. hand over to the first request that came later
        5. report the commit; no request waits for this step
        """
        seconds = None
        group: list[_Request[Tx]] = []
        self._leader_thread = threading.get_ident()
        try:
            with self._begin() as commit:
                start = time.perf_counter()
                group = self._take_queue()
                commit.prefetch([key for request in group for key in request.lookup_keys])
                outcomes = [[commit.attempt(work) for work in request.works] for request in group]
                commit.commit()
                seconds = time.perf_counter() - start
                for request, outcome in zip(group, outcomes, strict=True):
                    request.outcomes = outcome
        except AuditError as error:
            group = group or self._take_queue()
            self._refuse(group, error)
        except BaseException:
            group = group or self._take_queue()
            self._refuse(
                group, StorageUnavailableError("the write was interrupted; nothing was stored")
            )
            raise
        finally:
            self._leader_thread = None
            self._hand_over()
            for request in group:
                request.waiter.wake()
        if seconds is not None:
            self.on_commit(sum(len(request.works) for request in group), seconds)

    def _take_queue(self) -> list[_Request[Tx]]:
        with self._mutex:
            group = list(self._queue)
            self._queue.clear()
            self._queued_works = 0
            return group

    @staticmethod
    def _refuse(group: list[_Request[Tx]], error: AuditError) -> None:
        for request in group:
            if request.outcomes is None:
                request.refusal = type(error)(*error.args)  # one each: they rise in many threads
                request.refusal.__cause__ = error

    def _hand_over(self) -> None:
        with self._mutex:
            self._leader = self._queue[0] if self._queue else None
            if self._leader is not None:
                self._leader.waiter.wake()
