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

TASK_FUNCTIONS = MappingProxyType(
    {"leaves": bundle_blocks.parse_leaves, "parts": bundle_blocks.parse_parts}
)
"""What can be done with a task; the results are values that `marshal` writes."""

_LENGTH = 8
_READY = ("ready",)
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    f" from {__name__} import serve_tasks; serve_tasks()"
)


class WorkerStoppedError(AuditError):
    """A process ended before its work did, so nothing can be said of the whole."""

    code = AuditErrorCode.UNFINISHED


def count_processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def run_in_order(
    work: str, tasks: Iterable[Task], processes: int
) -> Generator[tuple[Task, Result], None, None]:
    """Each task with its result, in order.

    WorkerStoppedError. With no processes, the work is done here. As many tasks as there are
    processes are in memory at a time.
    """
    with ExitStack() as stack:
        workers = _start_workers(work, processes, stack)
        if not workers:
            yield from ((task, TASK_FUNCTIONS[work](*task)) for task in tasks)
            return
        busy_workers: deque[_Worker] = deque()
        for task in tasks:
            if len(busy_workers) < len(workers):
                worker = workers[len(busy_workers)]
                worker.begin(task)
            else:
                worker = busy_workers.popleft()
                finished = worker.task, worker.result()
                worker.begin(task)
                yield finished
            busy_workers.append(worker)
        for worker in busy_workers:
            yield worker.task, worker.result()


def serve_tasks() -> None:
    """Do the work that is named last on the command line, until there are no more tasks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this one ends it
    gc.disable()  # what is read of JSON holds no cycles
    work = TASK_FUNCTIONS[sys.argv[-1]]
    with suppress(BrokenPipeError):
        _write_message(sys.stdout.fileno(), _READY)
        while (task := _read_message(sys.stdin.buffer)) is not None:
            _write_message(sys.stdout.fileno(), tuple(work(*task)))


def _start_workers(work: str, processes: int, stack: ExitStack) -> list[_Worker]:
    """So many workers, ready to work; none where one is not."""
    with ExitStack() as pending_stack, suppress(OSError, WorkerStoppedError):
        workers = [_Worker(work, pending_stack) for _ in range(processes)]
        if all(worker.result() == _READY for worker in workers):
            stack.push(pending_stack.pop_all())
            return workers
    return []


class _Worker:
    """A process that does one task after the other."""

    task: Task = (0, b"")

    def __init__(self, work: str, stack: ExitStack) -> None:
        home = str(Path(__file__).parents[2])
        command = [sys.executable or "", "-I", "-S", "-B", "-c", _PROGRAM, home, work]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603 - our own
        self._work, self._process = work, stack.enter_context(process)

    def begin(self, task: Task) -> None:
        self.task = task
        if self._process.stdin is None:
            raise self._stopped_error()
        try:
            _write_message(self._process.stdin.fileno(), task)
        except BrokenPipeError as error:
            raise self._stopped_error() from error

    def result(self) -> Result:
        result = _read_message(self._process.stdout) if self._process.stdout else None
        if result is None:
            raise self._stopped_error()
        return result

    def _stopped_error(self) -> WorkerStoppedError:
        position = f"in the {self._work} from line {self.task[0]} on"
        return WorkerStoppedError(
            f"a process of this verifier ended before its work did, {position}"
        )


def _write_message(descriptor: int, values: Result) -> None:
    body = marshal.dumps(values)
    view = memoryview(len(body).to_bytes(_LENGTH) + body)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_message(stream: IO[bytes]) -> Result | None:
    """What `_write_message` wrote; None where there is nothing more, or not all of it."""
    size = int.from_bytes(stream.read(_LENGTH))
    body = stream.read(size)
    if not size or len(body) < size:
        return None
    values: Result = marshal.loads(body)  # noqa: S302 - from a process of our own
    return values
