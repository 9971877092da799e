"""A chat platform whose clients send conversations to a server, even while the server fails.

A client repeats an event until it is answered, as a platform does, and repeats some of them once
more after that. Acknowledged events are kept, so that a test can ask for them again.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import orjson

from tests.served import NoResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.served import Answer, Client, Server

WORKSPACES = ("acme", "globex", "initech")
_PAUSE = 0.02  # seconds before an event is sent again
_REPEATED = 0.1  # of the events that were answered


@dataclass(frozen=True)
class Acknowledged:
    """An event as it was sent, and the decision that answered it."""

    event: bytes
    body: bytes

    @property
    def decision(self) -> Any:
        return orjson.loads(self.body)

    @property
    def name(self) -> tuple[str, str]:
        """Return the workspace and the id of the event."""
        decision = self.decision
        return decision["workspace"], decision["event"]


class Platform:
    """A chat platform that sends conversations to servers with several clients."""

    def __init__(self, servers: Sequence[Server], *, clients: int, seed: int) -> None:
        self.complaints: list[str] = []
        """What no server should have answered."""
        self.unanswered = 0
        """How often an event was sent and no answer came."""
        self.torn = 0
        """How often a part of an answer came and not the rest."""
        self.refused: list[Answer] = []
        """The answers that said 503."""
        self._acknowledged: list[Acknowledged] = []
        self._servers = servers
        self._clients = clients
        self._seed = seed
        self._rounds = 0
        self._stopped = Flag()

    def acknowledged(self) -> list[Acknowledged]:
        """Return the events acknowledged up to now."""
        return self._acknowledged.copy()

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Send conversations while the block runs; then let the events under way be answered."""
        self._stopped.clear()
        self._rounds += 1
        with ThreadPoolExecutor(self._clients) as pool:
            clients = [pool.submit(self._talk, number) for number in range(self._clients)]
            try:
                yield
            finally:
                self._stopped.set()
                wait(clients)
        for client in clients:
            client.result()

    def _talk(self, number: int) -> None:
        name = f"{self._seed}-{self._rounds}-{number}"
        choice = random.Random(name)
        server = self._servers[number % len(self._servers)]
        with server.client() as client:
            for conversation in count():
                for event in conversation_events(f"{name}-{conversation}", choice):
                    if self._stopped.is_set():
                        return
                    self._tell(client, event, again=choice.random() < _REPEATED)

    def _tell(self, client: Client, event: bytes, *, again: bool) -> None:
        answer = self._answer(client, event)
        if answer is None:
            return
        self._acknowledged.append(Acknowledged(event, answer.body))
        repeated = self._answer(client, event) if again else None
        if repeated and not (repeated.replayed and repeated.body == answer.body):
            self.complaints.append(f"answered otherwise when repeated: {event!r}")

    def _answer(self, client: Client, event: bytes) -> Answer | None:
        """The decision; None where the platform stopped before there was one."""
        while True:
            try:
                answer = client.decide(event)
            except NoResponseError as failure:
                self.unanswered += 1
                self.torn += failure.torn
            else:
                if answer.status == HTTPStatus.OK:
                    return answer
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    self.complaints.append(f"{answer.status} {answer.body!r} to {event!r}")
                    return None
                self.refused.append(answer)
            if self._stopped.is_set():
                return None
            time.sleep(_PAUSE)


def conversation_events(name: str, choice: random.Random) -> Iterator[bytes]:
    """Yield the events of one conversation: asked, asked again, a customer, with an address."""
    workspace = choice.choice(WORKSPACES)
    yield event(name, 1, workspace, "conversation.started")
    yield event(name, 2, workspace, "contact.replied", message={"text": "What do you mean?"})
    yield event(name, 3, workspace, "contact.replied", answer={"choice": "customer"})
    yield event(name, 4, workspace, "contact.identified", email="someone@example.com")


def event(
    conversation: str,
    number: int,
    workspace: str,
    kind: str,
    *,
    email: str | None = None,
    **parts: object,
) -> bytes:
    """The event of this number in its conversation."""
    return orjson.dumps(
        {
            "id": f"ev-{conversation}-{number}.",  # the point, so that none begins another
            "type": kind,
            "occurred_at": f"2026-11-22T10:00:{number:02}Z",
            "workspace": {"id": workspace, "plan": "pro"},
            "conversation": {"id": f"c-{conversation}", "direction": "inbound"},
            "contact": {"id": f"ct-{conversation}", "kind": "lead", "email": email},
            **({"message": {"text": "Hi", "language": "en"}} if number == 1 else {}),
            **parts,
        }
    )
