"""Run a command on a disk that fails when the id of an event asks for it.

Usage: python -m tests.durability.faulty_disk FILE COMMAND…. A process receives an event whose id
is that of a `Fault`. Then the given call that writes or syncs a file of the ledger fails as the
fault says. Each fault strikes once. The file gets the ids of the faults that struck.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import signal
import sys
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from tests.durability.tracer import IS_OF_LEDGER, RECEIVES, Call, Tracer, main, ptrace

if TYPE_CHECKING:
    from typing import Self

GETREGSET, SETREGSET = 0x4204, 0x4205
_GENERAL, _SYSTEM_CALL = 1, 0x404  # NT_PRSTATUS, NT_ARM_SYSTEM_CALL
_NO_CALL = (1 << 64) - 1
_IS_ARM = platform.machine() == "aarch64"
_REGISTERS, _RESULT, _NUMBER = (34, 0, None) if _IS_ARM else (27, 10, 15)
_WRITES = frozenset({"write", "pwrite", "writev"})
_SYNCS = frozenset({"fsync", "fdatasync"})
_ID = re.compile(rb'"id":"fault-([a-z-]+)-([a-z]+)-([0-9]+)\."')


class Failure(Enum):
    """The way in which a call fails."""

    KILLED = "killed"
    """The process is killed instead of it."""
    FAILED = "failed"
    """It is not made, and said to have failed."""
    PERSISTED = "failed-but-persisted"
    """It is made, and said to have failed."""
    FULL = "full"
    """It is not made, for want of room on the disk."""

    @property
    def error(self) -> int:
        return errno.ENOSPC if self is Failure.FULL else errno.EIO


class Step(Enum):
    """A kind of call: the first two write an entry to disk, the others move it later."""

    LOGGED = "logged"
    LOG_SYNCED = "logsynced"
    MOVED = "moved"
    SYNCED = "synced"

    @classmethod
    def of(cls, call: Call) -> Self | None:
        """Return the kind of a call; None if it changes no file of the ledger."""
        is_log = call.file.endswith("-wal")
        if IS_OF_LEDGER not in call.file:
            return None
        if call.name in _WRITES:
            return cls("logged" if is_log else "moved")
        return cls("logsynced" if is_log else "synced") if call.name in _SYNCS else None


@dataclass(frozen=True)
class Fault:
    """A failure of the nth call of a kind after the event; the first call has number 0."""

    failure: Failure
    step: Step
    number: int

    @property
    def event(self) -> str:
        """Return the id of the event that asks for the fault, without the point at its end."""
        return f"fault-{self.failure.value}-{self.step.value}-{self.number}"

    @classmethod
    def asked_for(cls, received: bytes) -> Self | None:
        found = _ID.search(received)
        if found is None:
            return None
        failure, step, number = found.groups()
        return cls(Failure(failure.decode()), Step(step.decode()), int(number))


@dataclass
class FaultyDisk(Tracer):
    """A tracer that lets calls fail, and writes down only that."""

    talks: ClassVar[tuple[str, ...]] = ("socket:", "pipe:")
    struck: set[Fault] = field(default_factory=set)
    armed: dict[int, tuple[Fault, int]] = field(default_factory=dict)
    """The fault of each process, and how many calls are made before it strikes."""
    failing: dict[int, Failure] = field(default_factory=dict)
    """Of each thread whose call is under way."""

    def entered(self, thread: int, call: Call) -> None:
        process = self.processes[thread]
        if process not in self.armed:
            return
        fault, before = self.armed[process]
        if Step.of(call) is not fault.step:
            return
        self.armed[process] = fault, before - 1
        if before:
            return
        del self.armed[process]
        self.struck.add(fault)
        self.out.write(f"{fault.event}\n".encode())
        self.out.flush()
        if fault.failure is Failure.KILLED:
            os.kill(process, signal.SIGKILL)
            return
        self.failing[thread] = fault.failure
        if fault.failure is not Failure.PERSISTED:
            _skip(thread)

    def returned(self, thread: int, call: Call, data: bytes, result: int) -> None:
        del result
        if failure := self.failing.pop(thread, None):
            _answer(thread, -failure.error)
        if call.name in RECEIVES and (fault := Fault.asked_for(data)):
            self.armed.pop(self.processes[thread], None)
            if fault not in self.struck:
                self.armed[self.processes[thread]] = fault, fault.number


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _regset(request: int, thread: int, kind: int, area: Any) -> None:
    vector = _Vector(ctypes.cast(area, ctypes.c_void_p), ctypes.sizeof(area))
    ptrace(request, thread, kind, ctypes.byref(vector))


def _set(thread: int, register: int, value: int) -> None:
    area = (ctypes.c_uint64 * _REGISTERS)()
    _regset(GETREGSET, thread, _GENERAL, area)
    area[register] = value & _NO_CALL
    _regset(SETREGSET, thread, _GENERAL, area)


def _skip(thread: int) -> None:
    """Let the kernel make no call at all."""
    if _NUMBER is None:
        _regset(SETREGSET, thread, _SYSTEM_CALL, (ctypes.c_int32 * 1)(-1))
    else:
        _set(thread, _NUMBER, _NO_CALL)


def _answer(thread: int, result: int) -> None:
    _set(thread, _RESULT, result)


if __name__ == "__main__":
    main(FaultyDisk, *sys.argv[1:])
