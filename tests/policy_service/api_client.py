"""The service over a real ledger in a folder, called like a client calls it: by key over HTTP.

Flask's test client replaces the network; nothing of the service is replaced.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audit.stores.sqlite.store import SqliteStore
from policy_service.access.keys import EVERY_WORKSPACE, NewKey, Role, enter_key
from policy_service.app import create_app
from policy_service.settings import Settings
from rules.model import builtin
from tests.policy_service.openapi_description import find_deviations
from tests.scenarios.runner import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from werkzeug.test import TestResponse

    from audit.stores.contract import LogHead, Transaction
    from policy_service.access.keys import Key

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACME = "/v1/workspaces/acme"


def event(identity: str = "ev-1", **changes: Any) -> dict[str, Any]:
    """Return an event that starts a conversation; None in a change removes a field."""
    starting = {
        "id": identity,
        "type": "conversation.started",
        "occurred_at": "2026-11-22T10:00:00Z",
        "workspace": {"id": "acme", "plan": "pro"},
        "conversation": {"id": "c-1", "direction": "inbound"},
        "contact": {"id": "ct-1", "kind": "lead"},
        "message": {"text": "Hi there", "language": "en-GB"},
    }
    return merged(starting, changes)


def reply(identity: str, choice: str, **changes: Any) -> dict[str, Any]:
    """Return a reply with an answer."""
    return event(
        identity, type="contact.replied", message=None, answer={"choice": choice}, **changes
    )


def document(title: str = "A document of our own", **settings: Any) -> dict[str, Any]:
    """Return the built-in document with another title and other settings."""
    tree = deepcopy(dict(builtin.load_tree()))
    return {**tree, "title": title, "settings": {**tree["settings"], **settings}}


def decision_path(identity: str, workspace: str = "acme") -> str:
    return f"/v1/workspaces/{workspace}/decisions/{quote(identity, safe='')}"


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class KeyedLedger:
    """A ledger with one key per role and nothing else; tests start with a copy."""

    folder: Path
    keys: dict[str, Key]
    tokens: dict[str, str]


def make_ledger(folder: Path) -> KeyedLedger:
    """Make a ledger and its keys."""

    def make(tx: Transaction) -> list[tuple[Key, str]]:
        created = [enter_key(tx, NewKey(role, EVERY_WORKSPACE, "of a test")) for role in Role]
        return [(each.key, each.token) for each in created]

    with SqliteStore.create(folder, clock=Clock()) as store:
        both = dict(zip(Role, store.transact(make), strict=True))
    keys = {role.value: key for role, (key, _) in both.items()}
    return KeyedLedger(folder, keys, {role.value: token for role, (_, token) in both.items()})


@dataclass
class Api:
    """The service, and a key of each role for every workspace."""

    store: SqliteStore
    clock: Clock
    made: KeyedLedger

    def __post_init__(self) -> None:
        self.client = create_app(Settings(), self.store).test_client()
        self.keys = self.made.keys
        self.tokens = self.made.tokens

    def new_key(self, role: Role, workspace: str = EVERY_WORKSPACE) -> tuple[Key, str]:
        new = NewKey(role, workspace, "of a test")
        created = self.store.transact(lambda tx: enter_key(tx, new))
        return created.key, created.token

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        token: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """Send a request unchanged; `token` None sends no key."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        response = self.client.open(path, method=method, data=body, headers=headers)
        assert find_deviations(self.client.application, response, body) == []
        return response

    def get(self, path: str, role: Role = Role.AUDITOR) -> TestResponse:
        return self.send("GET", path, token=self.tokens[role])

    def post(self, path: str, body: Any, role: Role) -> TestResponse:
        return self.send("POST", path, json.dumps(body), self.tokens[role])

    def decide(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return the decision on an event, which must be accepted."""
        response = self.post("/v1/decisions", sent, Role.PLATFORM)
        assert response.status_code == 200, response.text
        return read(response)

    def entries(self, query: str = "", workspace: str = "acme") -> list[dict[str, Any]]:
        listed = self.get(f"/v1/workspaces/{workspace}/ledger/entries{query}")
        assert listed.status_code == 200, listed.text
        items: list[dict[str, Any]] = read(listed)["items"]
        return items

    def propose(self, written: Any, workspace: str = "acme", **more: Any) -> dict[str, Any]:
        path = f"/v1/workspaces/{workspace}/versions"
        body = {"document": written, "supersede": True, **more}
        response = self.post(path, body, Role.AUTHOR)
        assert response.status_code == 201, response.text
        return read(response)

    def step(
        self, version: int, step: str, *, workspace: str = "acme", **body: Any
    ) -> TestResponse:
        """Do a step of a version with the approver's key."""
        path = f"/v1/workspaces/{workspace}/versions/{version}/{step}"
        return self.post(path, body, Role.APPROVER)

    def publish(self, written: Any, workspace: str = "acme") -> int:
        """Propose, approve and activate a document; return the version's number."""
        proposed = self.propose(written, workspace)
        number: int = proposed["version"]
        approved = self.step(number, "approve", workspace=workspace, digest=proposed["digest"])
        assert approved.status_code == 200, approved.text
        activated = self.step(number, "activate", workspace=workspace)
        assert activated.status_code == 200, activated.text
        return number

    def log_heads(self) -> dict[str, LogHead]:
        """Return the head of every log; equal heads prove that nothing was written."""
        with self.store.read() as snapshot:
            return {log: snapshot.head(log) for log in snapshot.logs()}


@contextmanager
def open_api(first: KeyedLedger, folder: Path) -> Iterator[Api]:
    """Open the service over a copy of a ledger, with its keys."""
    shutil.copytree(first.folder, folder)
    clock = Clock()
    with SqliteStore.open(folder, clock=clock) as store:
        yield Api(store, clock, first)


def read(response: TestResponse) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(response.data)
    return value
