"""Activations and rollbacks under load: each decision uses the version active at its index.

The active version is computed here again, from the entries before the decision.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import EntryKind
from audit.stores.sqlite.store import SqliteStore
from tests.depth import DEPTH
from tests.durability.load import WORKSPACES, Platform
from tests.durability.promises import broken_in_ledger, out_of_order, verify_and_replay
from tests.policy_service.api_client import document
from tests.served import patiently, served

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.entry import Entry
    from tests.served import Client, Server

ACTIVATIONS = 40 * DEPTH
CLIENTS = 32
WAITING = ("awaiting_answer", "awaiting_contact", "qualifying")
WAYS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(6)),
    {"apply_to_running": True},
    {"percent": 30},
    {"percent": 70, "apply_to_running": True},
    {"shadow": True},
)
"""How versions are activated; most often for all that begins."""


class RecordingPlatform(Platform):
    """A platform that records, before it sends an event, which activation was answered."""

    def __init__(self, server: Server) -> None:
        super().__init__([server], clients=CLIENTS, seed=11)
        self.activated: dict[str, int] = {}
        """The index of each workspace's newest activation that was answered."""
        self.told_after: dict[bytes, dict[str, int]] = {}

    def _tell(self, client: Client, event: bytes, *, again: bool) -> None:
        self.told_after[event] = self.activated.copy()
        super()._tell(client, event, again=again)


@dataclass
class Admin:
    """An administrator who publishes versions of a workspace and activates them in turn."""

    author: Client
    approver: Client
    workspace: str
    choice: random.Random
    active: int = 1
    trial: int | None = None

    def publish(self, titles: Sequence[str]) -> None:
        for title in titles:
            body = orjson.dumps({"document": document(title)})
            proposed = self.author.request("POST", self._path, body).json
            self._step(proposed["version"], "approve", {"digest": proposed["digest"]})

    def activate(self) -> int:
        """Activate some version in some way; return the index of the entry that records it."""
        others = {1, 2, 3, 4} - {self.active, self.trial}
        number, how = self.choice.choice(sorted(others)), self.choice.choice(WAYS)
        if "percent" in how:
            self.trial = number
        elif not how.get("shadow"):
            self.active, self.trial = number, None
        activations = self._step(number, "activate", how)["activations"]
        return int(activations[-1]["index"])

    @property
    def _path(self) -> str:
        return f"/v1/workspaces/{self.workspace}/versions"

    def _step(self, number: int, step: str, body: dict[str, Any]) -> Any:
        answer = self.approver.request("POST", f"{self._path}/{number}/{step}", orjson.dumps(body))
        assert answer.status == 200, answer.body
        return answer.json


@dataclass
class ExpectedVersion:
    """The version that decides next, according to the entries of one log up to some index."""

    active: int = 0
    trial: tuple[int, int] = 0, 0
    """The version, and for how many of 10,000 buckets it decides."""

    def activated(self, leaf: dict[str, Any]) -> None:
        if "percent" in leaf:
            self.trial = leaf["version"], leaf["percent"] * 100
        elif "shadow" not in leaf:
            self.active, self.trial = leaf["version"], (0, 0)

    def begins(self, bucket: int) -> int:
        number, buckets = self.trial
        return number if bucket < buckets else self.active


def wrong_decisions(entries: Sequence[Entry]) -> tuple[list[str], dict[str, int]]:
    """Return the decisions made by a wrong version, and how many were made for which reason."""
    now, wrong, why = ExpectedVersion(), [], defaultdict[str, int](int)
    kept: dict[str, int] = {}
    for entry in entries:
        leaf = entry.value
        if leaf["kind"] == EntryKind.VERSION_ACTIVATED:
            now.activated(leaf)
            if "apply_to_running" in leaf:
                kept.clear()
        elif leaf["kind"] == EntryKind.DECISION:
            begun, fresh = (
                kept.get(leaf["conversation"]),
                now.begins(leaf["facts"]["sample.bucket"]),
            )
            expected = fresh if begun is None else begun
            if leaf["policy"]["version"] != expected:
                wrong.append(f"entry {entry.index}: {leaf['policy']} and not {expected}")
            if begun is None:
                moved = leaf["facts"]["conversation.stage"] in WAITING
                why["moved" if moved else "on trial" if fresh != now.active else "active"] += 1
            else:
                why["kept another" if begun != fresh else "kept"] += 1
            kept.pop(leaf["conversation"], None)
            if leaf["stage"] in WAITING:
                kept[leaf["conversation"]] = expected
    return wrong, why


def test_decision_uses_the_version_active_at_its_index(tmp_path: Path) -> None:
    """Holds for pinned conversations, trials, and versions for running conversations."""
    data = tmp_path / "data"
    with served(data, workers=2, threads=16) as server:
        platform = RecordingPlatform(server)
        with server.client("author") as author, server.client("approver") as approver:
            choice = random.Random(12)
            admins = [Admin(author, approver, workspace, choice) for workspace in WORKSPACES]
            for admin in admins:
                admin.publish(("Two", "Three", "Four"))
            with platform.talking():
                for number in range(ACTIVATIONS):
                    admin = admins[number % len(admins)]
                    platform.activated[admin.workspace] = admin.activate()
                    for _ in patiently("nothing is decided between two activations"):
                        if len(platform.acknowledged()) > 10 * number:
                            break
        assert server.stop() == 0
    assert platform.complaints == []

    acknowledged = platform.acknowledged()
    assert broken_in_ledger(data, acknowledged) == []
    assert out_of_order(acknowledged) == []
    for each in acknowledged:
        place = each.decision["ledger"]
        answered = platform.told_after[each.event].get(place["log"], -1)
        assert place["index"] > answered, "it was told after that activation was answered"

    whys = defaultdict[str, int](int)
    with SqliteStore.open(data) as store, store.read() as view:
        for workspace in WORKSPACES:
            wrong, why = wrong_decisions(list(view.entries(workspace)))
            assert wrong == []
            for reason, count in why.items():
                whys[reason] += count
    assert set(whys) >= {"active", "on trial", "moved", "kept another"}, "all of it was met"
    verify_and_replay(data)
