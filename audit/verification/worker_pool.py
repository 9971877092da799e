"""A pool of processes that read blocks of a bundle; results come in the order of the blocks.

The pool needs the standard library alone, since it runs in `verify.pyz`. If no process can be
started, this process reads the blocks, with the same results.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import os
import signal
import sys
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from audit.errors import AuditError, AuditErrorCode
from audit.verification import bundle_blocks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from concurrent.futures import Future

Task: TypeAlias = tuple[int, bytes]
"""The number of lines before a block of lines, and the block."""
Result: TypeAlias = tuple[Any, ...]

TASK_FUNCTIONS = MappingProxyType(
    {"leaves": bundle_blocks.parse_leaves, "parts": bundle_blocks.parse_parts}
)
"""The functions that read a block, by name; their results are values that `marshal` writes."""

_SAFE_PATH = "PYTHONSAFEPATH"
_MAX_PROCESSES_ON_WINDOWS = 61  # the limit of ProcessPoolExecutor


class WorkerStoppedError(AuditError):
    """A worker process that ended before its work did, so that the verdict is undetermined."""

    code = AuditErrorCode.UNFINISHED


def count_processors() -> int:
    """Return the number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


class WorkerPool:
    """Processes that read blocks, or this process if there are no others."""

    def __init__(self, processes: int) -> None:
        if sys.platform == "win32":
            processes = min(processes, _MAX_PROCESSES_ON_WINDOWS)
        self._max_pending = processes + 1
        self._executor = _start_executor(processes) if processes else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor:
            self._executor.shutdown(cancel_futures=True)

    def run_in_order(
        self, work: str, tasks: Iterable[Task]
    ) -> Generator[tuple[Task, Result], None, None]:
        """Yield each task with its result, in order.

        At most one more task than there are processes is in memory at a time. Raises
        WorkerStoppedError if a process ends before its work.
        """
        if self._executor is None:
            yield from ((task, TASK_FUNCTIONS[work](*task)) for task in tasks)
            return
        pending: deque[tuple[Task, Future[bytes]]] = deque()
        line = 0
        try:
            for task in tasks:
                pending.append((task, self._executor.submit(_run, work, *task)))
                if len(pending) == self._max_pending:
                    line = pending[0][0][0]
                    yield _finish(*pending.popleft())
            while pending:
                line = pending[0][0][0]
                yield _finish(*pending.popleft())
        except BrokenProcessPool as error:
            where = f"in the {work} from line {line} on"
            raise WorkerStoppedError(
                f"a process of this verifier ended before its work did, {where}"
            ) from error


def _start_executor(processes: int) -> ProcessPoolExecutor | None:
    """Return an executor whose processes have started, or None if they cannot be started."""
    if not sys.executable:
        return None
    executor = None
    try:
        with _safe_path():
            context = multiprocessing.get_context("spawn")
            executor = ProcessPoolExecutor(processes, context, initializer=_prepare_process)
            for started in [executor.submit(os.getpid) for _ in range(processes)]:
                started.result()
    except (BrokenProcessPool, ImportError, NotImplementedError, OSError):
        # The system has no semaphores, or no room for another process.
        if executor:
            executor.shutdown(cancel_futures=True)
        return None
    return executor


@contextmanager
def _safe_path() -> Iterator[None]:
    """Keep the current folder, which may be the bundle, from the path of new interpreters."""
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _prepare_process() -> None:
    """Prepare a new process for its work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the process
    gc.disable()  # values read from JSON hold no cycles
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the end of the parent, then end this process at once.

    The executor's own processes would wait forever for a parent that was killed.
    """
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _run(work: str, first: int, block: bytes) -> bytes:
    """Return the result of a task, in the bytes that `marshal` writes: pickle is slower."""
    return marshal.dumps(tuple(TASK_FUNCTIONS[work](first, block)))


def _finish(task: Task, pending: Future[bytes]) -> tuple[Task, Result]:
    """Wait for a task, and return it with its result."""
    result: Result = marshal.loads(pending.result())  # noqa: S302 - from a process of our own
    return task, result
