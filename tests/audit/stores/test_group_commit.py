"""Group commit: who leads, who waits, who is refused."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from audit.errors import BusyError, StorageUnavailableError
from audit.stores.group_commit import GroupCommit, Waiter, WorkFailure, WorkResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit.stores.contract import LookupKey

SECONDS = 20  # to wait for a thread that a broken build would never let go


class Ledger:
    """The smallest thing that commits can be made to: works append to a list.

    `gate` holds the next commit back until it is set; `failures` are raised by the commits to come.
    """

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)
        self.failures: list[BaseException] = []

    @contextmanager
    def begin(self) -> Iterator[Writing]:
        self.begun.release()
        assert self.gate.wait(SECONDS)
        yield Writing(self)


class Writing:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._written: list[str] = []

    def prefetch(self, about: Sequence[LookupKey]) -> None:
        assert not about

    def attempt(self, work: Callable[[list[str]], Any]) -> WorkResult[Any] | WorkFailure:
        before = list(self._written)
        try:
            return WorkResult(work(self._written))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            self._written[:] = before
            return WorkFailure(error)

    def commit(self) -> None:
        if self._ledger.failures:
            raise self._ledger.failures.pop()
        self._ledger.commits.append(self._written)


class Caller(threading.Thread):
    """One thread that submits works and keeps what it got for them."""

    def __init__(
        self,
        group: GroupCommit[list[str]],
        *works: Callable[[list[str]], Any],
        name: str | None = None,
    ) -> None:
        super().__init__(daemon=True, name=name)
        self._group, self._works = group, works
        self.got: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.got = self._group.submit(self._works)
        except BaseException as error:  # noqa: BLE001 - it is asserted on
            self.got = error

    def result(self) -> Any:
        self.join(SECONDS)
        assert not self.is_alive()
        return self.got


def write(text: str) -> Callable[[list[str]], str]:
    def work(written: list[str]) -> str:
        written.append(text)
        return text

    return work


def fail(written: list[str]) -> None:
    written.append("lost")
    raise ValueError("mine")


def interrupt(_: list[str]) -> None:
    raise KeyboardInterrupt


def queued(group: GroupCommit[list[str]], count: int) -> None:
    """Wait until so many works are in the queue."""
    pause = threading.Event()
    for _ in range(SECONDS * 1000):
        if group._queued_works == count:
            return
        pause.wait(0.001)
    pytest.fail(f"{group._queued_works} works are waiting, not {count}")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def group(ledger: Ledger) -> GroupCommit[list[str]]:
    return GroupCommit(ledger.begin, limit=4)


def test_single_work_is_committed_at_once(ledger: Ledger, group: GroupCommit[list[str]]) -> None:
    assert group.submit([write("a")]) == [WorkResult("a")]
    assert ledger.commits == [["a"]]


def test_submit_of_no_works_opens_no_commit(group: GroupCommit[list[str]]) -> None:
    assert group.submit([]) == []


def test_waiting_works_share_one_commit_in_order(
    ledger: Ledger, group: GroupCommit[list[str]]
) -> None:
    """First come, first served; nobody is answered before the commit."""
    ledger.gate.clear()
    callers = []
    for count, text in enumerate("abc", start=1):
        callers.append(Caller(group, write(text)))
        queued(group, count)
    assert [caller.got for caller in callers] == [None] * 3
    ledger.gate.set()
    assert [caller.result() for caller in callers] == [[WorkResult(text)] for text in "abc"]
    assert ledger.commits == [["a", "b", "c"]]


def test_leader_returns_after_one_group(ledger: Ledger, group: GroupCommit[list[str]]) -> None:
    """Whoever comes during a commit is led by one of their own, and the leader gets away."""
    arrived = threading.Event()

    def slow(written: list[str]) -> None:
        written.append("slow")
        arrived.set()
        queued(group, 2)
        ledger.gate.clear()  # the next commit is held back

    leader = Caller(group, slow)
    assert arrived.wait(SECONDS)
    later = [Caller(group, write("a")), Caller(group, write("b"))]
    assert leader.result() == [WorkResult(None)]
    assert all(caller.got is None for caller in later)
    ledger.gate.set()
    for caller in later:
        caller.result()
    assert [sorted(commit) for commit in ledger.commits] == [["slow"], ["a", "b"]]


def test_error_of_a_work_does_not_affect_other_works(
    ledger: Ledger, group: GroupCommit[list[str]]
) -> None:
    a, failed, b = group.submit([write("a"), fail, write("b")])
    assert (a, b) == (WorkResult("a"), WorkResult("b"))
    assert isinstance(failed, WorkFailure)
    assert str(failed.error) == "mine"
    assert ledger.commits == [["a", "b"]]


def test_full_queue_refuses_a_work_and_loses_none(
    ledger: Ledger, group: GroupCommit[list[str]]
) -> None:
    """Busy is for the newcomer; those who wait keep their places."""
    ledger.gate.clear()
    callers = []
    for count in range(1, 5):
        callers.append(Caller(group, write(str(count))))
        queued(group, count)
    with pytest.raises(BusyError):
        group.submit([write("one too many")])
    ledger.gate.set()
    assert [caller.result() for caller in callers] == [[WorkResult(str(n))] for n in range(1, 5)]


def test_lost_commit_fails_every_work_of_its_group(
    ledger: Ledger, group: GroupCommit[list[str]]
) -> None:
    """Even for a work that raised: it may have done so because of what is lost now."""
    ledger.failures.append(StorageUnavailableError("the disk is full"))
    ledger.gate.clear()
    callers = [Caller(group, write("a")), Caller(group, fail)]
    queued(group, 2)
    ledger.gate.set()
    refusals = [caller.result() for caller in callers]
    assert [str(refusal) for refusal in refusals] == ["the disk is full"] * 2
    assert refusals[0] is not refusals[1]
    assert group.submit([write("b")]) == [WorkResult("b")]
    assert ledger.commits == [["b"]]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(), MemoryError()])
def test_interrupted_leader_leaves_no_request_waiting(
    ledger: Ledger, group: GroupCommit[list[str]], interruption: BaseException
) -> None:
    """It rises in the thread that led; the others are told that nothing was stored."""
    ledger.failures.append(interruption)
    ledger.gate.clear()
    leader = Caller(group, write("a"))
    queued(group, 1)
    waiting = Caller(group, write("b"))
    queued(group, 2)
    ledger.gate.set()
    assert leader.result() is interruption
    assert isinstance(waiting.result(), StorageUnavailableError)
    assert group.submit([write("c")]) == [WorkResult("c")]
    assert ledger.commits == [["c"]]


def test_interrupting_work_fails_its_whole_group(
    ledger: Ledger, group: GroupCommit[list[str]]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        group.submit([write("a"), interrupt])
    assert group.submit([write("b")]) == [WorkResult("b")]
    assert ledger.commits == [["b"]]


def test_interrupted_request_is_not_made_leader(
    ledger: Ledger, group: GroupCommit[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread interrupted while it waits gives up its place; those behind it are led."""
    ledger.gate.clear()
    first = Caller(group, write("first"))
    queued(group, 1)
    with monkeypatch.context() as patched:
        patched.setattr(Waiter, "wait", _interrupted(Waiter.wait))
        with pytest.raises(KeyboardInterrupt):
            group.submit([write("gone")])
    last = Caller(group, write("last"))
    queued(group, 2)
    ledger.gate.set()
    assert (first.result(), last.result()) == ([WorkResult("first")], [WorkResult("last")])
    assert ledger.commits == [["first", "last"]]


def test_request_hands_over_when_it_is_interrupted_as_leader(
    ledger: Ledger, group: GroupCommit[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leadership that was given to a thread that is gone would stop everyone behind it."""

    def slow(written: list[str]) -> None:
        written.append("slow")
        queued(group, 2)

    ledger.gate.clear()
    leader = Caller(group, slow)
    queued(group, 1)
    wait = Waiter.wait

    def interrupted_when_woken(turn: Waiter) -> None:
        wait(turn)
        if threading.current_thread().name == "gone":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Waiter, "wait", interrupted_when_woken)
        assert ledger.begun.acquire(timeout=SECONDS)
        ledger.gate.set()
        queued(group, 0)
        gone = Caller(group, write("gone"), name="gone")
        queued(group, 1)
        last = Caller(group, write("last"))
        results = [caller.result() for caller in (leader, gone, last)]
    assert results[0] == [WorkResult(None)]
    assert isinstance(results[1], KeyboardInterrupt)
    assert results[2] == [WorkResult("last")]
    assert ledger.commits == [["slow"], ["last"]]


def test_work_cannot_wait_for_another_commit(group: GroupCommit[list[str]]) -> None:
    """It would wait for itself for good."""
    [outcome] = group.submit([lambda _: group.submit([write("a")])])
    assert isinstance(outcome, WorkFailure)
    assert isinstance(outcome.error, RuntimeError)


def test_each_thread_gets_its_own_outcome() -> None:
    """No work is lost, answered twice, or given another's answer."""
    ledger = Ledger()
    group = GroupCommit(ledger.begin, limit=64)
    callers = [Caller(group, write(str(number))) for number in range(48)]
    for number, caller in enumerate(callers):
        assert caller.result() == [WorkResult(str(number))]
    written = [text for commit in ledger.commits for text in commit]
    assert sorted(written, key=int) == [str(number) for number in range(48)]


def _interrupted(wait: Callable[[Waiter], None]) -> Callable[[Waiter], None]:
    """`Waiter.wait` as the main thread meets it when Ctrl-C is pressed; other threads wait on."""
    here = threading.get_ident()

    def interrupted(turn: Waiter) -> None:
        if threading.get_ident() == here:
            raise KeyboardInterrupt
        wait(turn)

    return interrupted
