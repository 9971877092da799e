"""Run a command and record what it reads from sockets, sends to them, and writes to disk.

Usage: python tracer.py FILE COMMAND…. The file gets one JSON object per line, in the order seen.
On SIGTERM the tracer closes the file and kills the traced processes. Passed on, the signal could
be lost: any thread under a trace may take it, and Python waits for it in the main thread only.

It is a small strace, because not every machine has one: ptrace(2) through ctypes. The order of the
lines is a proof. This one thread sees every system call of every process and thread twice, before
and after, and the caller waits until the line is written. A call whose return is written before
another call's entry had returned before that call began.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar

import orjson

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000  # syscalls told apart, children too, EXITKILL
SYSCALL_STOP = signal.SIGTRAP | 0x80
WAIT_FOR_ALL = 0x40000000  # __WALL: threads too
INFO_SIZE = 88
ENTRY, RETURN = 1, 2

X86_64, AARCH64 = 0xC000003E, 0xC00000B7
NAMES = {
    X86_64: {
        0: "read", 1: "write", 18: "pwrite", 20: "writev", 44: "sendto",
        45: "recvfrom", 46: "sendmsg", 74: "fsync", 75: "fdatasync",
    },
    AARCH64: {
        63: "read", 64: "write", 66: "writev", 68: "pwrite", 82: "fsync", 83: "fdatasync",
        206: "sendto", 207: "recvfrom", 211: "sendmsg",
    },
}  # fmt: skip
RECEIVES = frozenset({"read", "recvfrom"})
SENDS = frozenset({"write", "pwrite", "sendto", "writev", "sendmsg"})
IS_OF_LEDGER = "/ledger.sqlite3"  # and of what SQLite writes beside it

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, thread: int, address: int = 0, data: Any = 0) -> None:
    """Make the system call; raise ProcessLookupError if the thread was killed."""
    if libc.ptrace(request, thread, address, data) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")


@dataclass
class Call:
    """A system call that a thread has entered."""

    name: str
    arguments: tuple[int, ...]
    file: str


@dataclass
class Tracer:
    """The state of a trace: the threads and the calls that they are in."""

    out: IO[bytes]
    processes: dict[int, int] = field(default_factory=dict)
    """The process of each thread."""
    calls: dict[int, Call] = field(default_factory=dict)
    """The call that a thread is in, where it is of interest."""
    talks: ClassVar[tuple[str, ...]] = ("socket:",)
    """What a file begins with that is of interest beside those of a ledger."""

    def run(self) -> None:
        """Trace until the last process has ended."""
        with suppress(ChildProcessError):
            while True:
                thread, status = os.waitpid(-1, WAIT_FOR_ALL)
                if not os.WIFSTOPPED(status):
                    self.processes.pop(thread, None)
                    continue
                with suppress(ProcessLookupError, FileNotFoundError):  # it was killed meanwhile
                    passed_on = self._stopped(thread, os.WSTOPSIG(status), status >> 16)
                    ptrace(SYSCALL, thread, data=passed_on)

    def _stopped(self, thread: int, stop: int, event: int) -> int:
        """Return the signal that the thread is to get, after a look at why it stopped."""
        if stop == SYSCALL_STOP:
            self._syscall(thread)
            return 0
        is_new = thread not in self.processes
        if is_new:
            self.processes[thread] = process_of(thread)
        return 0 if event or (is_new and stop == signal.SIGSTOP) else stop

    def _syscall(self, thread: int) -> None:
        info = ctypes.create_string_buffer(INFO_SIZE)
        ptrace(GET_SYSCALL_INFO, thread, INFO_SIZE, info)
        kind, machine = struct.unpack_from("=B3xI", info)
        if kind == ENTRY:
            number, *arguments = struct.unpack_from("=7Q", info, 24)
            self._enter(thread, NAMES[machine].get(number), tuple(arguments))
        elif kind == RETURN and (call := self.calls.pop(thread, None)):
            [result] = struct.unpack_from("=q", info, 24)
            data = b""
            if call.name in RECEIVES and result > 0:
                data = memory(thread, call.arguments[1], result)
            self.returned(thread, call, data, result)

    def _enter(self, thread: int, name: str | None, arguments: tuple[int, ...]) -> None:
        if name is None:
            return
        call = Call(name, arguments, file_of(thread, arguments[0]))
        if call.file.startswith(self.talks) or IS_OF_LEDGER in call.file:
            self.calls[thread] = call
            self.entered(thread, call)

    def entered(self, thread: int, call: Call) -> None:
        """Note a call that the thread waits to make."""
        sent = sent_by(thread, call) if call.name in SENDS else b""
        self._write(thread, "enter", call, sent, None)

    def returned(self, thread: int, call: Call, data: bytes, result: int) -> None:
        """Note a call that was made and received this data; the thread waits to continue."""
        self._write(thread, "return", call, data, result)

    def _write(self, thread: int, at: str, call: Call, data: bytes, result: int | None) -> None:
        line = {
            "process": self.processes[thread],
            "thread": thread,
            "at": at,
            "call": call.name,
            "file": call.file,
            "data": data.decode("latin-1"),
            "result": result,
        }
        self.out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def process_of(thread: int) -> int:
    status = Path(f"/proc/{thread}/status").read_text()
    return int(status.partition("Tgid:")[2].split()[0])


def file_of(thread: int, descriptor: int) -> str:
    """Return the path of a descriptor, or text such as `socket:[4711]`; empty if it has none."""
    try:
        return str(Path(f"/proc/{thread}/fd/{descriptor & 0xFFFFFFFF}").readlink())
    except OSError:
        return ""


def memory(thread: int, address: int, size: int) -> bytes:
    descriptor = os.open(f"/proc/{thread}/mem", os.O_RDONLY)
    try:
        return os.pread(descriptor, size, address)
    finally:
        os.close(descriptor)


def sent_by(thread: int, call: Call) -> bytes:
    """Return the bytes that the call is about to write."""
    address, size = call.arguments[1:3]
    if call.name == "sendmsg":  # struct msghdr: name, its length, vector, its length
        address, size = struct.unpack_from("=16xQQ", memory(thread, address, 32))
    if call.name in ("sendmsg", "writev"):
        vector = struct.iter_unpack("=QQ", memory(thread, address, 16 * size))
        return b"".join(memory(thread, *part) for part in vector)
    return memory(thread, address, size)


def main(kind: type[Tracer], out: str, *command: str) -> None:
    child = os.fork()
    if child == 0:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execvp(command[0], command)  # noqa: S606 - it is what we were asked to run
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.waitpid(child, 0)
    ptrace(SETOPTIONS, child, data=OPTIONS)
    with Path(out).open("ab") as file:
        tracer = kind(file, {child: child})
        ptrace(SYSCALL, child)
        tracer.run()


if __name__ == "__main__":
    main(Tracer, *sys.argv[1:])
