"""The log, on standard error: JSON lines, or readable columns on a terminal.

Records go through a queue to one thread that writes them, so that no request waits for the reader
of the log. The thread pauses after it wakes, because to wake it for each record took a third more
of a small request's processor time. A process that is killed loses the records of that pause;
a warning or an error is written before the logging call returns.

No line holds personal data. A line about an error has the types and the calls, without messages and
values, because those may hold a part of an event.
"""

from __future__ import annotations

import logging
import logging.config
import os
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

import orjson

from audit.verification.findings import escape_control

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGGER_NAME = "policy_service"
BATCH_SECONDS = 0.05
"""Time after a record in which further records do not wake the thread that writes."""
ADVICE = ("Configuration allows spawning up to", "Configured number of workers appears")
"""Beginnings of granian's warnings about numbers that are our defaults, or were chosen."""


class LineFormatter(logging.Formatter):
    """Formatter of one record: as a JSON object on one line, or as `columns` for people.

    The record's `members` follow its time, level, logger and message.
    """

    def __init__(self, *, columns: bool) -> None:
        super().__init__()
        self._format_line = _format_columns if columns else _format_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "at": _format_time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "members", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["errors"] = describe_errors(record.exc_info[1])
        return self._format_line(line)


class AdviceFilter(logging.Filter):
    """A filter that drops granian's advice on the numbers of threads and workers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a record that is advice."""
        return not record.getMessage().startswith(ADVICE)


class BatchingListener(QueueListener):
    """A queue listener that wakes once for all records of a pause."""

    queue: SimpleQueue[logging.LogRecord]

    def __init__(self, queue: SimpleQueue[logging.LogRecord], handler: logging.Handler) -> None:
        super().__init__(queue, handler)
        self._is_stopping = Event()

    def start(self) -> None:
        """Start the thread that writes."""
        self._is_stopping.clear()
        super().start()

    def stop(self) -> None:
        """Write every record of the queue, and end the thread."""
        self._is_stopping.set()
        super().stop()

    def dequeue(self, block: bool) -> logging.LogRecord:  # noqa: FBT001 - as the library has it
        """Return the next record; pause after the first of a batch."""
        if not self.queue.empty():
            return self.queue.get(block)
        record = self.queue.get(block)
        self._is_stopping.wait(BATCH_SECONDS)
        return record


class BackgroundHandler(QueueHandler):
    """A queue handler with a listener of its own, which writes to standard error.

    `Handler.handle` holds the handler's lock around `enqueue`.
    """

    queue: SimpleQueue[logging.LogRecord]

    def __init__(self) -> None:
        super().__init__(SimpleQueue())
        self._stream = logging.StreamHandler()
        self._stream.setFormatter(LineFormatter(columns=self._stream.stream.isatty()))
        self._listener: BatchingListener | None = None
        self._is_closed = False
        os.register_at_fork(after_in_child=self._forget_listener)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return the record as it is: the thread that formats it is of the same process."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a record into the queue; write a warning or an error before returning."""
        if self._is_closed:
            self._stream.handle(record)
            return
        if self._listener is None:
            self._listener = BatchingListener(self.queue, self._stream)
            self._listener.start()
        self.queue.put_nowait(record)
        if record.levelno > logging.INFO:
            self._listener.stop()
            self._listener.start()

    def close(self) -> None:
        """Write every record of the queue. Records after this are written at once."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        super().close()

    def _forget_listener(self) -> None:
        """Begin again in a fork, which has no thread that would take from the queue."""
        self.queue = SimpleQueue()
        self._listener = None


def describe_errors(error: BaseException) -> list[dict[str, Any]]:
    """Return the error and its causes, the last first: type, and place of each call."""
    errors = []
    while error:
        frames = traceback.extract_tb(error.__traceback__)
        calls = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        errors.append({"type": type(error).__qualname__, "calls": calls})
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # None ends it
    return errors


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`; libraries log from warnings on."""
    ours = {"level": level.upper()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"advice": {"()": AdviceFilter}},
        "handlers": {"stderr": {"()": BackgroundHandler}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {LOGGER_NAME: ours, "_granian": {**ours, "filters": ["advice"]}},
    }


def configure_logging(level: str) -> None:
    """Configure logging; a record carries no thread, process or place, as no line has them."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as Python's documentation advises
    logging.config.dictConfig(logging_config(level))


def _format_json(line: Mapping[str, Any]) -> str:
    return orjson.dumps(line, default=str).decode()


def _format_columns(line: Mapping[str, Any]) -> str:
    """Return time (UTC), level, logger and message, then `name=value` for each other member.

    The calls of an error follow on lines of their own. Control characters are escaped: a client
    may have sent the value, and it must not write a line or move the cursor.
    """
    time, logger = line["at"][len("2026-11-22T") :], line["logger"].removeprefix(f"{LOGGER_NAME}.")
    fixed = f"{time}  {line['level']:<7}  {logger:<14}  {line['message']}"
    others = [
        f"{name}={value}"
        for name, value in line.items()
        if name not in {"at", "level", "logger", "message", "errors"} and value is not None
    ]
    lines = [escape_control("  ".join([fixed, *others]))]
    for error in line.get("errors", []):
        lines += [f"  {error['type']}", *(f"    {call}" for call in error["calls"])]
    return "\n".join(lines)


def _format_time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_format_second(whole)}.{int((seconds - whole) * 1000):03}Z"


@lru_cache(maxsize=1)
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
