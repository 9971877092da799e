"""Analysis of a trace: when the server wrote, synced and answered; see tracer.py."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TRACER = Path(__file__).with_name("tracer.py")
FRAME_HEADER = 24  # bytes, of the WAL format of SQLite; written in a call of its own
_COMMITTED = slice(4, 8)  # of the header: the database's size after a commit, 0 in other frames
_RECEIVES = ("read", "recvfrom")
_SENDS = ("write", "writev", "sendto", "sendmsg")
_SYNCS = ("fsync", "fdatasync")


@dataclass(frozen=True)
class Line:
    """One system call, as it was entered or as it returned."""

    process: int
    thread: int
    at: str
    call: str
    file: str
    data: str
    """What is sent or was received; a character for each byte."""
    result: int | None

    @property
    def is_log(self) -> bool:
        return self.file.endswith("-wal")

    def receives(self, text: str) -> bool:
        return self.call in _RECEIVES and self.at == "return" and text in self.data

    def sends(self, text: str) -> bool:
        return self.call in _SENDS and self.at == "enter" and not self.is_log and text in self.data

    def logs(self, text: str) -> bool:
        return self.call == "pwrite" and self.at == "enter" and self.is_log and text in self.data

    def syncs(self, at: str) -> bool:
        """Return True if the call enters a sync of the log, or returns from a successful one."""
        return self.call in _SYNCS and self.is_log and self.at == at and not self.result

    @property
    def is_header(self) -> bool:
        return self.logs("") and len(self.data) == FRAME_HEADER

    @property
    def is_commit(self) -> bool:
        return self.is_header and any(map(ord, self.data[_COMMITTED]))


def tracing(out: Path) -> list[str]:
    """Return the command that runs another command and writes its trace."""
    return [sys.executable, str(TRACER), str(out)]


def read_trace(out: Path) -> list[Line]:
    with out.open("rb") as lines:
        return [Line(**orjson.loads(line)) for line in lines]


def unsynced_answers(trace: Sequence[Line], events: Iterable[str]) -> list[str]:
    """Return the events that were answered without a sync of their own, in words."""
    return [f"{event}: {found}" for event in events if (found := _unsynced(trace, event))]


def _unsynced(trace: Sequence[Line], event: str) -> str | None:
    """What is missing from this chain of one process, in this order; None where nothing is.

    1. the request is read
    2. a thread writes a page with the decision to the log
    3. the same thread enters a sync of the log, its last frame before that being a commit's
    4. that sync returns
    5. the answer is sent, for the first time
    """
    asked = _find(trace, 0, lambda line: line.receives(f'"id":"{event}"'))
    if asked is None:
        return "was never read"
    process = trace[asked].process
    answered = _find(
        trace, asked, lambda line: line.process == process and line.sends(f'"event":"{event}"')
    )
    if answered is None:
        return "was never answered"
    before = trace[:answered]
    logged = _find(before, asked, lambda line: line.process == process and line.logs(event))
    if logged is None:
        return "was answered before its decision was written"
    thread = trace[logged].thread
    synced = _find(before, logged, lambda line: line.thread == thread and line.syncs("enter"))
    if synced is None:
        return "was answered before a sync began"
    if not [line for line in before[:synced] if line.thread == thread and line.is_header][
        -1
    ].is_commit:
        return "was synced before its commit was written"
    if not _find(before, synced, lambda line: line.thread == thread and line.syncs("return")):
        return "was answered before the sync had ended"
    return None


def _find(trace: Sequence[Line], start: int, wanted: Callable[[Line], bool]) -> int | None:
    """Return the index of the first such line from `start` on."""
    return next((n for n in range(start, len(trace)) if wanted(trace[n])), None)
