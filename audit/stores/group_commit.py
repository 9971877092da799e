"""Group commit: whoever comes first commits for all that wait.

A write costs one wait for the disk; many writes that arrive during that wait share the next one.
The queue is first in, first out, and bounded. A leader leads one group, which its own request is
part of, and hands over to the first that came after it. A request is answered after its commit,
or with a refusal after which nothing of it is stored; never before, never twice.
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

    from audit.stores.contract import About, Committed

Tx = TypeVar("Tx")
Tx_co = TypeVar("Tx_co", covariant=True)
T = TypeVar("T")

QUEUE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Returned(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class Raised:
    error: Exception


class Commit(Protocol[Tx_co]):
    """One commit of a store under way."""

    def foresee(self, about: Sequence[About]) -> None:
        """Look up what works of this commit are about. An exception loses the whole commit."""

    def attempt(self, work: Callable[[Tx_co], T]) -> Returned[T] | Raised:
        """Run the work; where it raises, undo what it did, and nothing else.

        An exception from here means that the whole commit is lost.
        """

    def commit(self) -> None:
        """Make all of it durable; an exception means that none of it is stored."""


class Turn:
    """Comes once, and is waited for once; a `threading.Event` would take three times as long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        self._lock.acquire()

    def comes(self) -> None:
        self._lock.release()


@dataclass(slots=True, eq=False)
class _Request(Generic[Tx]):
    works: Sequence[Callable[[Tx], Any]]
    about: Sequence[About] = ()
    turn: Turn = field(default_factory=Turn)  # to read the answer, or to lead
    outcomes: list[Returned[Any] | Raised] | None = None
    refusal: AuditError | None = None


class GroupCommit(Generic[Tx]):
    """Shares the commits that `begin` opens among threads.

    `begin` gives a context in which one commit is under way and all other writers wait; leaving
    it without `commit` undoes everything. It raises AuditErrors alone, and so does the commit.
    """

    def __init__(
        self, begin: Callable[[], AbstractContextManager[Commit[Tx]]], limit: int = QUEUE_LIMIT
    ) -> None:
        self._begin = begin
        self._limit = limit
        self._mutex = threading.Lock()
        self._queue: deque[_Request[Tx]] = deque()
        self._queued_works = 0
        self._leading: _Request[Tx] | None = None
        self._leading_thread: int | None = None
        self.committed: Committed = lambda _works, _seconds: None

    def submit(
        self, works: Sequence[Callable[[Tx], T]], about: Sequence[About] = ()
    ) -> list[Returned[T] | Raised]:
        """Run the works, in order, in one commit; what became of each, once it is durable.

        Raises BusyError where `limit` works are waiting already, or StorageUnavailableError where
        the commit was lost: then no outcome of any work in it counts.
        """
        if self._leading_thread == threading.get_ident():
            raise RuntimeError("a work cannot wait for another commit: it is run by this one")
        request = _Request(works, about)
        leads = self._enqueue(request)
        if not leads:
            self._wait(request)
        if request.outcomes is None and request.refusal is None:
            self._lead()
        if request.refusal is not None:
            raise request.refusal
        return request.outcomes or []

    def _enqueue(self, request: _Request[Tx]) -> bool:
        """Put the request in the queue; whether it is to lead."""
        with self._mutex:
            if self._queue and self._queued_works + len(request.works) > self._limit:
                raise BusyError(f"{self._queued_works} writes are waiting already; try again")
            self._queue.append(request)
            self._queued_works += len(request.works)
            if self._leading is None:
                self._leading = request
            return self._leading is request

    def _wait(self, request: _Request[Tx]) -> None:
        try:
            request.turn.wait()
        except BaseException:  # the thread was interrupted: nobody may wait for it to lead
            with self._mutex:
                if request in self._queue:
                    self._queue.remove(request)
                    self._queued_works -= len(request.works)
                was_to_lead = self._leading is request
            if was_to_lead:
                self._hand_over()
            raise

    def _lead(self) -> None:
        """Commit one group and answer it.

        1. begin, which waits for other writers; meanwhile more requests queue up
        2. take all that wait, first come first served; look up what they are about; run each work
        3. commit; only then are outcomes given out
        4. hand over to the first request that came later
        5. tell of the commit, which from here on nobody waits for
        """
        seconds = None
        group: list[_Request[Tx]] = []
        self._leading_thread = threading.get_ident()
        try:
            with self._begin() as commit:
                began = time.perf_counter()
                group = self._take()
                commit.foresee([each for request in group for each in request.about])
                outcomes = [[commit.attempt(work) for work in each.works] for each in group]
                commit.commit()
                seconds = time.perf_counter() - began
                for request, outcome in zip(group, outcomes, strict=True):
                    request.outcomes = outcome
        except AuditError as error:
            group = group or self._take()
            self._refuse(group, error)
        except BaseException:
            group = group or self._take()
            self._refuse(
                group, StorageUnavailableError("the write was interrupted; nothing was stored")
            )
            raise
        finally:
            self._leading_thread = None
            self._hand_over()
            for request in group:
                request.turn.comes()
        if seconds is not None:
            self.committed(sum(len(each.works) for each in group), seconds)

    def _take(self) -> list[_Request[Tx]]:
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
            self._leading = self._queue[0] if self._queue else None
            if self._leading is not None:
                self._leading.turn.comes()
