"""Replay: every recorded decision decided again, from its recorded facts and its version.

Nothing is derived again and no clock is read: the leaf has the facts, the event's time and the
languages of texts, and the document is stored under its digest. A difference therefore means that
the record or the evaluator has changed. Equivalent decisions are decided once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import EntryKind
from audit.errors import BadLeafError
from audit.replay.equivalence import equivalence_key
from rules.engine.compiler import CompiledPolicy, compile_document
from rules.engine.decide import decide_facts
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.replay.equivalence import EquivalenceKey
    from audit.stores.contract import RawEntry, Snapshot
    from rules.engine.decide import Decision

COMPARED = ("outcome", "reason", "rule", "stage", "actions")
"""The members of a decision that must be equal when it is decided again."""

ALL_TIMES = (b"", b"~")
MAX_CACHED_DECISIONS = 50_000
"""Maximum number of remembered keys of identical decisions; then all are forgotten."""

_DECISION = EntryKind.DECISION.value.encode()
_BYTE_MEMBERS = ("kind", "at", "conversation", "id", "outcome", "reason", "rule")
_recorded_members = itemgetter(*COMPARED)
_decided_members = attrgetter(*COMPARED)


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """One member of a decision that differs, or the reason that it cannot be decided."""

    log: str
    index: int
    decision: str
    member: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class ReplayedDecision:
    """One decision decided again; it is identical if it has no differences."""

    index: int
    differences: tuple[ReplayDifference, ...]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The result of replaying a part of a log."""

    decisions: int
    identical: int
    differences: tuple[ReplayDifference, ...]

    def __add__(self, other: ReplayReport) -> ReplayReport:
        return ReplayReport(
            self.decisions + other.decisions,
            self.identical + other.identical,
            self.differences + other.differences,
        )


@dataclass(slots=True)
class ReplayCache:
    """The results of earlier parts that speed up later parts of the same ledger."""

    policies: dict[str, CompiledPolicy] = field(default_factory=dict)
    """The policies by digest."""
    identical: set[EquivalenceKey] = field(default_factory=set)
    uses_sample_bucket: bool = False
    """True if the sample bucket may affect any decision of these policies."""


def summarize_replay(  # noqa: PLR0913 - a log, its bounds and options
    snapshot: Snapshot,
    log: str,
    start: int = 0,
    stop: int | None = None,
    *,
    cache: ReplayCache | None = None,
    period: tuple[bytes, bytes] = ALL_TIMES,
) -> ReplayReport:
    """Replay the entries from `start` up to before `stop`, and return a report.

    `cache` holds results of earlier parts of the same ledger, and gets those of this part. `period`
    has two times as in leaves: the first is inclusive, the second exclusive.
    """
    decisions = identical = 0
    differences: list[ReplayDifference] = []
    cache = cache or ReplayCache()
    policies = PolicyCompiler(snapshot, cache.policies)
    identical_keys = cache.identical
    since, until = period
    for raw_entry in snapshot.raw_entries(log, start, stop):
        if not since <= raw_entry.at < until:
            continue
        key = (
            equivalence_key(raw_entry, bucket=cache.uses_sample_bucket)
            if raw_entry.kind == _DECISION
            else None
        )
        if key in identical_keys:
            decisions += 1
            identical += 1
            continue
        entry_differences = _compare_entry(raw_entry, log, policies)
        if entry_differences is None:
            continue
        decisions += 1
        if entry_differences:
            differences += entry_differences
            continue
        identical += 1
        if policies.uses_sample_bucket and not cache.uses_sample_bucket:
            cache.uses_sample_bucket, key = True, None
            identical_keys.clear()
        if key is not None:
            if len(identical_keys) >= MAX_CACHED_DECISIONS:
                identical_keys.clear()
            identical_keys.add(key)
    return ReplayReport(decisions, identical, tuple(differences))


def replay_decisions(
    snapshot: Snapshot, log: str, start: int = 0, stop: int | None = None
) -> Iterator[ReplayedDecision]:
    """Yield every decision from `start` up to before `stop`, decided again, in order.

    A leaf that cannot be read is a difference.
    """
    policies = PolicyCompiler(snapshot, {})
    for raw_entry in snapshot.raw_entries(log, start, stop):
        differences = _compare_entry(raw_entry, log, policies)
        if differences is not None:
            yield ReplayedDecision(raw_entry.position, differences)


def _compare_entry(
    raw_entry: RawEntry, log: str, policies: PolicyCompiler
) -> tuple[ReplayDifference, ...] | None:
    """Return the differences of an entry; None if it is not a decision."""
    try:
        leaf = parse_raw_entry(raw_entry)
        if raw_entry.kind != _DECISION:
            return None
        return _find_differences(leaf, log, raw_entry.position, policies)
    except (BadLeafError, KeyError, TypeError, ValueError, AttributeError) as error:
        return (
            ReplayDifference(log, raw_entry.position, "", "leaf", f"unreadable: {error!r}", None),
        )


def parse_raw_entry(raw_entry: RawEntry) -> dict[str, Any]:
    """Return the members of a leaf that deciding again needs.

    Raises BadLeafError if the leaf cannot be read.
    """
    try:
        leaf = orjson.loads(raw_entry.rest)
    except orjson.JSONDecodeError as error:
        raise BadLeafError("the leaf cannot be read") from error
    if not isinstance(leaf, dict) or "event" in leaf:
        raise BadLeafError("the leaf cannot be read")
    for name in _BYTE_MEMBERS:
        value = getattr(raw_entry, name)
        if value is not None:
            if name in leaf:
                raise BadLeafError("the leaf cannot be read")  # it would be stored in two places
            leaf[name] = value.decode(errors="replace")
    return leaf


def decide_again(policy: CompiledPolicy, leaf: Mapping[str, Any]) -> Decision:
    """Return the decision of a policy on the recorded facts of a leaf."""
    facts, language = leaf["facts"], leaf.get("language")
    return decide_facts(policy, facts, leaf["id"], leaf["occurred_at"], language=language)


def _find_differences(
    leaf: Mapping[str, Any], log: str, index: int, policies: PolicyCompiler
) -> tuple[ReplayDifference, ...]:
    digest = leaf["policy"]["digest"]
    policy = policies.get(digest)
    if policy is None:
        return (ReplayDifference(log, index, leaf["id"], "policy", digest, None),)
    decision = decide_again(policy, leaf)
    return tuple(
        ReplayDifference(log, index, leaf["id"], member, leaf[member], getattr(decision, member))
        for member in changed_members(leaf, decision)
    )


def changed_members(leaf: Mapping[str, Any], decision: Decision) -> tuple[str, ...]:
    """Return the members of `COMPARED` that differ between a leaf and another decision."""
    if _recorded_members(leaf) == _decided_members(decision):
        return ()
    return tuple(name for name in COMPARED if leaf[name] != getattr(decision, name))


class PolicyCompiler:
    """A cache of the policies of a snapshot's documents: each is compiled once."""

    def __init__(self, snapshot: Snapshot, policies: dict[str, CompiledPolicy]) -> None:
        self._snapshot = snapshot
        self._policies = policies
        self.uses_sample_bucket = False
        """Whether one that was asked for tests the place in the sample."""

    def get(self, digest: str) -> CompiledPolicy | None:
        """Return the policy with this digest; None if its document is missing."""
        policy = self._policies.get(digest)
        if policy is None:
            body = self._snapshot.document(digest)
            if not body:
                return None
            policy = self._policies[digest] = compile_document(Document(orjson.loads(body)))
        self.uses_sample_bucket = self.uses_sample_bucket or uses_sample_bucket(policy)
        return policy


@cache
def uses_sample_bucket(policy: CompiledPolicy) -> bool:
    """Return True if the sample bucket may affect a decision of the policy."""
    return b'"sample.bucket"' in policy.document.canonical_bytes
