"""A model of a log: the expected state in lists and mappings.

The model uses none of the code that it checks: digests, hashes and roots are computed by the
standards, statuses and pins follow the steps that a test takes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTED = "anonymous_contact"
VARIANTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"ask_again": 2}, STARTED),
    ({"enabled": False}, "switched_off"),
    ({"entitled_plans": ["premium"]}, "plan_not_entitled"),
    ({"languages": ["de"]}, "language_not_supported"),
    ({"collect_contact": False, "qualify_leads": False}, STARTED),
)
"""Settings of documents, and the reason of each one's decision on a conversation that starts."""
HAPPENINGS: tuple[dict[str, Any], ...] = (
    {"type": "conversation.started"},
    {"type": "contact.replied", "answer": {"choice": "customer"}},
    {"type": "contact.replied", "answer": {"choice": "not_customer"}},
    {"type": "contact.replied", "message": {"text": "Pardon?", "language": "en"}},
    {"type": "contact.identified"},
    {"type": "qualification.completed"},
    {"type": "question.expired"},
    {"type": "conversation.closed"},
)

WITHDRAWING_REASONS = ("teammate_took_over", "conversation_closed")
"""The reasons of decisions that withdraw the open actions of their conversation."""
WAITING = ("awaiting_answer", "awaiting_contact", "qualifying")


def naive_root(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962, section 2.1, defines it."""
    if len(leaves) > 1:
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        halves = naive_root(leaves[:split]) + naive_root(leaves[split:])
        return hashlib.sha256(b"\x01" + halves).digest()
    return hashlib.sha256(b"".join(b"\x00" + leaf for leaf in leaves)).digest()


def digest_of(document: Mapping[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(rfc8785.dumps(document)).hexdigest()}"


@dataclass
class VersionModel:
    """A version's author and status."""

    digest: str
    reason: str
    """Of its decision on a conversation that starts."""
    by: str
    status: str = "proposed"


@dataclass
class LogModel:
    """The expected state of one workspace's log."""

    builtin: VersionModel
    versions: dict[int, VersionModel] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    """Of every entry that must be there."""
    leaves: list[bytes] = field(default_factory=list)
    """Every leaf that was ever read."""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    pins: dict[str, int] = field(default_factory=dict)
    """The versions of conversations that wait for something."""
    actions: dict[str, str] = field(default_factory=dict)
    """The status of every action that was asked for."""
    asked: dict[str, list[str]] = field(default_factory=dict)
    """The ids of a conversation's actions, in order."""

    def __post_init__(self) -> None:
        self.versions[1] = self.builtin

    @property
    def active(self) -> int:
        [number] = [n for n, version in self.versions.items() if version.status == "active"]
        return number

    def enter(self, *kinds: str) -> None:
        """Expect entries of these kinds; before the first ones those of the built-in version."""
        first = () if self.kinds else ("version.proposed", "version.activated")
        self.kinds += first + kinds

    def deciding(self, conversation: str) -> int:
        """The version that must decide what happens next in the conversation."""
        return self.pins.get(conversation, self.active)

    def decided(self, event: dict[str, Any], answer: dict[str, Any], body: bytes) -> int:
        """Expect the decision and the withdrawals it causes; return the decision's index."""
        conversation = event["conversation"]["id"]
        version = self.deciding(conversation)
        self.enter("decision")
        index = len(self.kinds) - 1
        self.events[event["id"]], self.answers[event["id"]] = event, body
        self.stages[conversation] = answer["stage"]
        self.pins.pop(conversation, None)
        if answer["stage"] in WAITING:
            self.pins[conversation] = version
        if answer["reason"] in WITHDRAWING_REASONS:
            for action in self.asked.get(conversation, ()):
                if self.actions[action] in ("pending", "failed"):
                    self.actions[action] = "withdrawn"
                    self.enter("action.withdrawn")
        asked = [action["id"] for action in answer["actions"]]
        self.actions |= dict.fromkeys(asked, "pending")
        self.asked.setdefault(conversation, []).extend(asked)
        return index

    def refusals_of_approval(self, number: int, digest: str, by: str) -> set[str]:
        version = self.versions.get(number)
        if version is None:
            return {"not_found"}
        wrong = {
            "digest_mismatch": digest != version.digest,
            "proposer_may_not_approve": by == version.by,
            "wrong_status": version.status != "proposed",
        }
        return {code for code, holds in wrong.items() if holds}

    def refusals_of_step(self, number: int, *allowed: str) -> set[str]:
        version = self.versions.get(number)
        if version is None:
            return {"not_found"}
        return set() if version.status in allowed else {"wrong_status"}
