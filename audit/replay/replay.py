"""Replay: every recorded decision decided again, from its recorded facts and its version.

Nothing is derived again and no clock is read: facts, the event's time and the languages of texts
are in the leaf, the document stands under its digest. So a difference means that the record or the
evaluator has changed. Decisions that must come out alike are decided once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import EntryKind
from audit.errors import BadLeafError
from audit.replay.equivalence import likeness
from rules.engine.compiler import CompiledPolicy, compile_document
from rules.engine.decide import decide_facts
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.replay.equivalence import Likeness
    from audit.stores.contract import RawEntry, Snapshot
    from rules.engine.decide import Decision

COMPARED = ("outcome", "reason", "rule", "stage", "actions")
"""The members of a decision that deciding again must give again."""

EVER = (b"", b"~")
MOST_KNOWN = 50_000
"""Decisions, no two of them alike, that are remembered as identical; then all are forgotten."""

_DECISION = EntryKind.DECISION.value.encode()
_IN_BYTES = ("kind", "at", "conversation", "id", "outcome", "reason", "rule")
_recorded_members = itemgetter(*COMPARED)
_decided_members = attrgetter(*COMPARED)


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


@dataclass(slots=True)
class Memory:
    """What was learned of a ledger by replaying a part of it."""

    policies: dict[str, CompiledPolicy] = field(default_factory=dict)
    """By digest."""
    identical: set[Likeness] = field(default_factory=set)
    bucket: bool = False
    """Whether the place in the sample has decided anything."""


def report(  # noqa: PLR0913 - what, and within which bounds
    snapshot: Snapshot,
    log: str,
    start: int = 0,
    stop: int | None = None,
    *,
    memory: Memory | None = None,
    within: tuple[bytes, bytes] = EVER,
) -> Report:
    """What replaying the entries from `start` up to before `stop` comes to.

    `memory` is of earlier parts of the same ledger, and remembers this one. `within` are two times
    as leaves have them: only what was entered from the first on, before the second.
    """
    decisions = identical = 0
    differences: list[Difference] = []
    memory = memory or Memory()
    compiled = Compiled(snapshot, memory.policies)
    known = memory.identical
    since, until = within
    for recorded in snapshot.raw_entries(log, start, stop):
        if not since <= recorded.at < until:
            continue
        like = likeness(recorded, bucket=memory.bucket) if recorded.kind == _DECISION else None
        if like in known:
            decisions += 1
            identical += 1
            continue
        found = _again(recorded, log, compiled)
        if found is None:
            continue
        decisions += 1
        if found:
            differences += found
            continue
        identical += 1
        if compiled.sampling and not memory.bucket:
            memory.bucket, like = True, None
            known.clear()
        if like is not None:
            if len(known) >= MOST_KNOWN:
                known.clear()
            known.add(like)
    return Report(decisions, identical, tuple(differences))


def replay(
    snapshot: Snapshot, log: str, start: int = 0, stop: int | None = None
) -> Iterator[Replayed]:
    """Every decision of the log in order, decided again; a leaf that cannot be is a difference.

    Where not all of it is asked for: the entries from `start` up to before `stop`.
    """
    compiled = Compiled(snapshot, {})
    for recorded in snapshot.raw_entries(log, start, stop):
        found = _again(recorded, log, compiled)
        if found is not None:
            yield Replayed(recorded.position, found)


def _again(recorded: RawEntry, log: str, compiled: Compiled) -> tuple[Difference, ...] | None:
    """What is different; None for what is no decision."""
    try:
        leaf = read(recorded)
        if recorded.kind != _DECISION:
            return None
        return _differences(leaf, log, recorded.position, compiled)
    except (BadLeafError, KeyError, TypeError, ValueError, AttributeError) as error:
        return (Difference(log, recorded.position, "", "leaf", f"unreadable: {error!r}", None),)


def read(recorded: RawEntry) -> dict[str, Any]:
    """The leaf, as far as deciding again needs it; BadLeafError where there is none."""
    try:
        leaf = orjson.loads(recorded.rest)
    except orjson.JSONDecodeError as error:
        raise BadLeafError("the leaf cannot be read") from error
    if not isinstance(leaf, dict) or "event" in leaf:
        raise BadLeafError("the leaf cannot be read")
    for name in _IN_BYTES:
        value = getattr(recorded, name)
        if value is not None:
            if name in leaf:
                raise BadLeafError("the leaf cannot be read")  # it would stand in two places
            leaf[name] = value.decode(errors="replace")
    return leaf


def decide_again(policy: CompiledPolicy, leaf: Mapping[str, Any]) -> Decision:
    """Return the decision of a policy on the recorded facts of a leaf."""
    facts, language = leaf["facts"], leaf.get("language")
    return decide_facts(policy, facts, leaf["id"], leaf["occurred_at"], language=language)


def _differences(
    leaf: Mapping[str, Any], log: str, index: int, policies: Compiled
) -> tuple[Difference, ...]:
    digest = leaf["policy"]["digest"]
    policy = policies.get(digest)
    if policy is None:
        return (Difference(log, index, leaf["id"], "policy", digest, None),)
    again = decide_again(policy, leaf)
    return tuple(
        Difference(log, index, leaf["id"], member, leaf[member], getattr(again, member))
        for member in changed_members(leaf, again)
    )


def changed_members(recorded: Mapping[str, Any], again: Decision) -> tuple[str, ...]:
    """Return the members of `COMPARED` that differ between a leaf and another decision."""
    if _recorded_members(recorded) == _decided_members(again):
        return ()
    return tuple(name for name in COMPARED if recorded[name] != getattr(again, name))


class Compiled:
    """The policies of a snapshot's documents, each compiled once."""

    def __init__(self, snapshot: Snapshot, known: dict[str, CompiledPolicy]) -> None:
        self._snapshot = snapshot
        self._known = known
        self.sampling = False
        """Whether one that was asked for tests the place in the sample."""

    def get(self, digest: str) -> CompiledPolicy | None:
        """The policy under the digest; None where its document is not there."""
        policy = self._known.get(digest)
        if policy is None:
            body = self._snapshot.document(digest)
            if not body:
                return None
            policy = self._known[digest] = compile_document(Document(orjson.loads(body)))
        self.sampling = self.sampling or tests_bucket(policy)
        return policy


@cache
def tests_bucket(policy: CompiledPolicy) -> bool:
    """Whether the place in the sample may decide."""
    return b'"sample.bucket"' in policy.document.canonical
