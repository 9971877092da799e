"""A platform with many clients that sends every event twice.

Half of the events are repeated at once by another client, while the first answer is still under
way; the others later, after many other events. The server says which of the two is new; the test
checks that exactly one is.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING

import orjson

from tests.durability.load import conversation_events
from tests.served import patiently

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.served import Answer, Client, Server

_WAITING = 1_000
"""Events that are to be told again later; told again, oldest first, when there are more."""


@dataclass(slots=True)
class EventAnswers:
    """The content of the answers to one event."""

    name: tuple[str, str]
    """The workspace, and the id of the event."""
    index: int
    leaf_hash: str
    digest: bytes
    """Of the body, so that a hundred thousand of them are small."""
    decided: int = 0
    """Answers that were given as new."""
    replayed: int = 0


@dataclass
class Traffic:
    """The clients of one server, and the answers that they got."""

    server: Server
    clients: int = 64
    seed: int = 20261122
    heard: dict[str, EventAnswers] = field(default_factory=dict)
    """By the event's id."""
    complaints: list[str] = field(default_factory=list)
    refused: int = 0
    """Answers that said 503; their events were told again."""

    def __post_init__(self) -> None:
        self._mutex = threading.Lock()
        self._at_once: deque[bytes] = deque()
        self._later: deque[bytes] = deque()
        self._rounds = 0

    def send(self, requests: int) -> None:
        """Send this many requests, half of them events that are repeated."""
        self._rounds += 1
        numbers = range(requests // 2)
        with ThreadPoolExecutor(self.clients) as pool:
            shares = [len(numbers[start :: self.clients]) for start in range(self.clients)]
            list(pool.map(self._talk, range(self.clients), shares))
            left = [*self._at_once, *self._later]
            self._at_once.clear()
            self._later.clear()
            parts = [left[start :: self.clients] for start in range(self.clients)]
            list(pool.map(self._repeat, parts))

    def _talk(self, number: int, share: int) -> None:
        """Send one event of its own after the other, each followed by one that was sent before."""
        events = _events(f"{self.seed}-{self._rounds}-{number}")
        choice = random.Random(number)
        with self.server.client() as client:
            for event, _ in zip(events, range(share), strict=False):
                (self._at_once if choice.random() < 0.5 else self._later).append(event)
                self._ask(client, event)
                if again := self._told_before():
                    self._ask(client, again)

    def _told_before(self) -> bytes | None:
        with self._mutex:
            if self._at_once:
                return self._at_once.popleft()
            return self._later.popleft() if len(self._later) > _WAITING else None

    def _repeat(self, events: list[bytes]) -> None:
        with self.server.client() as client:
            for event in events:
                self._ask(client, event)

    def _ask(self, client: Client, event: bytes) -> None:
        for _ in patiently(f"no decision on {event!r}"):
            answer = client.decide(event)
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            self.refused += 1
        if answer.status == HTTPStatus.OK:
            self._hear(answer)
        else:
            self.complaints.append(f"{answer.status} {answer.body!r} to {event!r}")

    def _hear(self, answer: Answer) -> None:
        decision = orjson.loads(answer.body)
        place = decision["ledger"]
        heard = EventAnswers(
            name=(decision["workspace"], decision["event"]),
            index=place["index"],
            leaf_hash=place["leaf_hash"],
            digest=sha256(answer.body).digest(),
        )
        with self._mutex:
            known = self.heard.setdefault(decision["event"], heard)
            known.decided += not answer.replayed
            known.replayed += answer.replayed
        if known.digest != heard.digest:
            self.complaints.append(f"answered otherwise when repeated: {decision['event']}")


def _events(name: str) -> Iterator[bytes]:
    """Yield conversations without end."""
    choice = random.Random(name)
    for conversation in count():
        yield from conversation_events(f"{name}-{conversation}", choice)
