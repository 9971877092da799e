"""Work on blocks of bytes, spread over processes, results in the order of the blocks.

Each process is a bare Python that reads tasks and writes results, one at a time. It ends when its
input does, so that none outlives the one that started it. Where none can be started the work is
done here, with the same results.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from audit.errors import AuditError, AuditErrorCode
from audit.verification import bundle_blocks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import IO


Task: TypeAlias = tuple[int, bytes]
"""How many lines came before, and a block of lines."""
Result: TypeAlias = tuple[Any, ...]

WORKS = MappingProxyType({"leaves": bundle_blocks.leaves, "parts": bundle_blocks.parts})
"""What can be done with a task; the results are values that `marshal` writes."""

_LENGTH = 8
_READY = ("ready",)
_PROGRAM = f"import sys; sys.path.insert(0, sys.argv[1]); from {__name__} import serve; serve()"


class WorkerStoppedError(AuditError):
    """A process ended before its work did, so nothing can be said of the whole."""

    code = AuditErrorCode.UNFINISHED


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def spread(
    work: str, tasks: Iterable[Task], processes: int
) -> Generator[tuple[Task, Result], None, None]:
    """Each task with its result, in order.

    WorkerStoppedError. With no processes, the work is done here. As many tasks as there are
    processes are in memory at a time.
    """
    with ExitStack() as opened:
        workers = _started(work, processes, opened)
        if not workers:
            yield from ((task, WORKS[work](*task)) for task in tasks)
            return
        busy: deque[_Worker] = deque()
        for task in tasks:
            if len(busy) < len(workers):
                worker = workers[len(busy)]
                worker.begin(task)
            else:
                worker = busy.popleft()
                done = worker.task, worker.result()
                worker.begin(task)
                yield done
            busy.append(worker)
        for worker in busy:
            yield worker.task, worker.result()


def serve() -> None:
    """Do the work that is named last on the command line, until there are no more tasks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this one ends it
    gc.disable()  # what is read of JSON holds no cycles
    work = WORKS[sys.argv[-1]]
    with suppress(BrokenPipeError):
        _write(sys.stdout.fileno(), _READY)
        while (task := _read(sys.stdin.buffer)) is not None:
            _write(sys.stdout.fileno(), tuple(work(*task)))


def _started(work: str, processes: int, opened: ExitStack) -> list[_Worker]:
    """So many workers, ready to work; none where one is not."""
    with ExitStack() as starting, suppress(OSError, WorkerStoppedError):
        workers = [_Worker(work, starting) for _ in range(processes)]
        if all(worker.result() == _READY for worker in workers):
            opened.push(starting.pop_all())
            return workers
    return []


class _Worker:
    """A process that does one task after the other."""

    task: Task = (0, b"")

    def __init__(self, work: str, opened: ExitStack) -> None:
        home = str(Path(__file__).parents[2])
        command = [sys.executable or "", "-I", "-S", "-B", "-c", _PROGRAM, home, work]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603 - our own
        self._work, self._process = work, opened.enter_context(process)

    def begin(self, task: Task) -> None:
        self.task = task
        if self._process.stdin is None:
            raise self._unfinished()
        try:
            _write(self._process.stdin.fileno(), task)
        except BrokenPipeError as error:
            raise self._unfinished() from error

    def result(self) -> Result:
        result = _read(self._process.stdout) if self._process.stdout else None
        if result is None:
            raise self._unfinished()
        return result

    def _unfinished(self) -> WorkerStoppedError:
        where = f"in the {self._work} from line {self.task[0]} on"
        return WorkerStoppedError(f"a process of this verifier ended before its work did, {where}")


def _write(to: int, values: Result) -> None:
    body = marshal.dumps(values)
    left = memoryview(len(body).to_bytes(_LENGTH) + body)
    while left:
        left = left[os.write(to, left) :]


def _read(stream: IO[bytes]) -> Result | None:
    """What `_write` wrote; None where there is nothing more, or not all of it."""
    size = int.from_bytes(stream.read(_LENGTH))
    body = stream.read(size)
    if not size or len(body) < size:
        return None
    values: Result = marshal.loads(body)  # noqa: S302 - from a process of our own
    return values
