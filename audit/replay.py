"""Replay: every recorded decision decided again, from its recorded facts and its version.

Nothing is derived again and no clock is read: facts, the event's time and the languages of texts
are in the leaf, the document stands under its digest. So a difference means that the record or the
evaluator has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import Kind
from audit.errors import BadLeaf
from rules.compile import Policy, compile_document
from rules.document import Document
from rules.render import actions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.store import Snapshot

COMPARED = ("outcome", "reason", "rule", "stage", "actions")
"""The members of a decision that deciding again must give again."""

_compared = itemgetter(*COMPARED)


@dataclass(frozen=True, slots=True)
class Difference:
    """One member of one decision that came out otherwise; or what kept it from being decided."""

    log: str
    index: int
    decision: str
    member: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision decided again; no differences, identical."""

    index: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What replaying a part of a log came to."""

    decisions: int
    identical: int
    differences: tuple[Difference, ...]

    def __add__(self, other: Report) -> Report:
        return Report(
            self.decisions + other.decisions,
            self.identical + other.identical,
            self.differences + other.differences,
        )


def report(snapshot: Snapshot, log: str, start: int = 0, stop: int | None = None) -> Report:
    """What replaying the entries from `start` up to before `stop` comes to."""
    decisions = identical = 0
    differences: list[Difference] = []
    for replayed in replay(snapshot, log, start, stop):
        decisions += 1
        identical += not replayed.differences
        differences += replayed.differences
    return Report(decisions, identical, tuple(differences))


def replay(
    snapshot: Snapshot, log: str, start: int = 0, stop: int | None = None
) -> Iterator[Replayed]:
    """Every decision of the log in order, decided again; a leaf that cannot be is a difference.

    Where not all of it is asked for: the entries from `start` up to before `stop`.
    """
    policies = _Policies(snapshot)
    for entry in snapshot.entries(log, start, stop):
        try:
            leaf = entry.value
            if leaf["kind"] == Kind.DECISION:
                yield Replayed(entry.index, _differences(leaf, log, entry.index, policies))
        except (BadLeaf, KeyError, TypeError, ValueError, AttributeError) as error:
            broken = Difference(log, entry.index, "", "leaf", f"unreadable: {error!r}", None)
            yield Replayed(entry.index, (broken,))


def decided(policy: Policy, leaf: Mapping[str, Any]) -> dict[str, Any]:
    """The members of `COMPARED` that the policy gives for a leaf's facts."""
    facts = leaf["facts"]
    ruling = policy.decide(facts)
    return {
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "rule": ruling.rule,
        "stage": ruling.stage or facts["conversation.stage"],
        "actions": actions(
            ruling,
            policy.bound,
            leaf["id"],
            leaf["occurred_at"],
            (facts.get("message.language"), leaf.get("language")),
        ),
    }


def _differences(
    leaf: Mapping[str, Any], log: str, index: int, policies: _Policies
) -> tuple[Difference, ...]:
    digest = leaf["policy"]["digest"]
    policy = policies.get(digest)
    if policy is None:
        return (Difference(log, index, leaf["id"], "policy", digest, None),)
    again = decided(policy, leaf)
    if _compared(leaf) == _compared(again):
        return ()
    return tuple(
        Difference(log, index, leaf["id"], member, leaf[member], again[member])
        for member in COMPARED
        if leaf[member] != again[member]
    )


class _Policies:
    """The compiled policies of a snapshot, each compiled once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._compiled: dict[str, Policy | None] = {}

    def get(self, digest: str) -> Policy | None:
        """The policy under the digest; None where its document is not there."""
        if digest not in self._compiled:
            body = self._snapshot.document(digest)
            document = Document(orjson.loads(body)) if body else None
            self._compiled[digest] = compile_document(document) if document else None
        return self._compiled[digest]
