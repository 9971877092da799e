"""A load generator: many keep-alive connections, prepared requests, one thread.

A connection sends one conversation after the other, and each event after the previous response. The
generator also measures its own share of a core. Near 1, the generator limited the rate, not the
server.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.sample import Conversation

CONNECTIONS = 128
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TIMEOUT = 60.0  # seconds without a response
_MAX_READ = 1 << 16


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one run: requests a second, p99 in seconds, own share of a core."""

    rate: float
    p99: float
    share: float


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    requests: Iterator[bytes] = field(default_factory=lambda: iter(()))
    sent_at: float = 0.0
    answer: bytes = b""

    def send(self, waiting: Iterator[Sequence[bytes]]) -> bool:
        """Send the next request; return False if no conversation is left."""
        request = next(self.requests, None)
        while request is None:
            conversation = next(waiting, None)
            if conversation is None:
                return False
            self.requests = iter(conversation)
            request = next(self.requests, None)
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def has_answer(self) -> bool:
        """Read bytes; return True if the response is complete. AssertionError unless 200."""
        received = self.socket.recv(_MAX_READ)
        if not received:
            raise AssertionError("the server closed a connection before its response was complete")
        self.answer += received
        head = self.answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self.answer, 0, head) if head >= 0 else None
        if length is None or len(self.answer) < head + 4 + int(length[1]):
            return False
        if self.answer[9:12] != b"200":
            raise AssertionError(self.answer)
        return True


def load(port: int, key: str, conversations: Iterable[Conversation]) -> Load:
    """Tell the server all the conversations, as fast as it answers."""
    built = [[_request(key, event) for event in each] for each in conversations]
    connections = [
        _Connection(socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT))
        for _ in range(CONNECTIONS)
    ]
    try:
        return _measure(connections, built)
    finally:
        for connection in connections:
            connection.socket.close()


def _measure(connections: Sequence[_Connection], built: Sequence[Sequence[bytes]]) -> Load:
    by_descriptor = {each.socket.fileno(): each for each in connections}
    waiting = iter(built)
    latencies: list[float] = []
    poll = select.epoll()
    start, own_start = time.perf_counter(), time.process_time()
    for descriptor, connection in by_descriptor.items():
        if connection.send(waiting):
            poll.register(descriptor, select.EPOLLIN)
    requests = sum(map(len, built))
    while len(latencies) < requests:
        ready = poll.poll(_TIMEOUT)
        if not ready:
            raise AssertionError(f"no response for {_TIMEOUT} s")
        for descriptor, _ in ready:
            connection = by_descriptor[descriptor]
            if connection.has_answer():
                latencies.append(time.perf_counter() - connection.sent_at)
                connection.send(waiting)
    took = time.perf_counter() - start
    own = time.process_time() - own_start
    poll.close()
    return Load(requests / took, sorted(latencies)[len(latencies) * 99 // 100], own / took)


def _request(key: str, event: bytes) -> bytes:
    head = (
        "POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event
