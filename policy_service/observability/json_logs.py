"""What is logged: one JSON object a line, on standard error.

Lines about requests are written by a thread of their own, those of a twentieth of a second at once:
to wake it for each of them took a sixth of what a request costs. A process that is killed loses its
last few; what is graver than they are is written before whoever says it goes on.

No line holds personal data. A line about an error has its types and where it came from, without the
messages and values, because those may hold a part of an event.
"""

from __future__ import annotations

import logging
import logging.config
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...]

LOGGER_NAME = "policy_service"
BATCH_SECONDS = 0.05
"""For so long lines wait for others, to be written with them."""


class JsonFormatter(logging.Formatter):
    """A record as one line: when, how grave, who says it, what, then the `members`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _format_time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "members", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["errors"] = describe_errors(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


class BatchingHandler(logging.Handler):
    """Writes records to standard error, in the order they come."""

    def __init__(self) -> None:
        super().__init__()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """In a fork the thread is gone, and what it held at that moment would be held for good."""
        self._records: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._has_records = threading.Event()
        self._writing = threading.Lock()  # who holds it takes records, and writes all that it took
        self._has_writer = False

    def createLock(self) -> None:  # noqa: N802 - as `logging` names it
        """None is needed to hand a record over."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put(record)
        if not self._has_records.is_set():
            self._has_records.set()
        if record.levelno > logging.INFO:
            self.flush()
        elif not self._has_writer:
            self._has_writer = True
            threading.Thread(target=self._write, name="log", daemon=True).start()

    def flush(self) -> None:
        """Write what is there; what cannot be formatted is told as `logging` tells it."""
        with self._writing:
            records = list(self._take_records())
            if not records:
                return
            lines = []
            for record in records:
                try:
                    lines.append(f"{self.format(record)}\n")
                except Exception:  # noqa: BLE001 - whatever it is, the others are written
                    self.handleError(record)
            try:
                sys.stderr.write("".join(lines))
                sys.stderr.flush()
            except OSError:
                self.handleError(records[-1])

    def _take_records(self) -> Iterator[logging.LogRecord]:
        with suppress(Empty):
            while True:
                yield self._records.get_nowait()

    def _write(self) -> None:
        while True:
            self._has_records.wait()
            time.sleep(BATCH_SECONDS)
            self._has_records.clear()
            self.flush()


def describe_errors(error: BaseException) -> list[dict[str, Any]]:
    """The error and what it came of, the last first: its type, and where each call was."""
    found = []
    while error:
        frames = traceback.extract_tb(error.__traceback__)
        calls = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        found.append({"type": type(error).__qualname__, "calls": calls})
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # None ends it
    return found


def logging_config(level: str) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`; libraries are heard from warnings on."""
    ours = {"level": level.upper()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"()": BatchingHandler, "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {LOGGER_NAME: ours, "_granian": ours},
    }


def configure_logging(level: str) -> None:
    """From here on no record is asked for its thread, process or place, which no line says."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as Python's documentation advises
    logging.config.dictConfig(logging_config(level))


def _format_time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_format_second(whole)}.{int((seconds - whole) * 1000):03}Z"


@lru_cache(maxsize=1)
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
