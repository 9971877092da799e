"""What is logged: one JSON object a line, on standard error.

No line holds personal data. A line about an error has its types and where it came from, without the
messages and values, because those may hold a part of an event.
"""

from __future__ import annotations

import logging
import logging.config
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from types import TracebackType

    Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...]

NAME = "policy_service"


class JsonLines(logging.Formatter):
    """A record as one line: when, how grave, who says it, what, then the members of `said`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "said", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["errors"] = errors_of(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def errors_of(error: BaseException) -> list[dict[str, Any]]:
    """The error and what it came of, the last first: its type, and where each call was."""
    found = []
    while error:
        frames = traceback.extract_tb(error.__traceback__)
        calls = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        found.append({"type": type(error).__qualname__, "calls": calls})
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # None ends it
    return found


def config(level: str) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`; libraries are heard from warnings on."""
    ours = {"level": level.upper()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {NAME: ours, "_granian": ours},
    }


def configure(level: str) -> None:
    logging.config.dictConfig(config(level))


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
