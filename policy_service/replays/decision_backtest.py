"""Backtests: what a candidate would have decided where a workspace's own versions did.

Each recorded decision is decided again, with its recorded facts: stages are as they were. In
`conversation_backtest.py` whole conversations happen again. What an event does not tell any more,
as its person was erased, is counted, never guessed. Examples are ids alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from audit.errors import BadLeafError, StorageUnavailableError
from audit.replay.equivalence import equivalence_key
from audit.replay.replay import (
    PolicyCompiler,
    changed_members,
    decide_again,
    parse_raw_entry,
    uses_sample_bucket,
)
from policy_service.privacy.personal_data import read_personal
from policy_service.replays.backtest_result import Comparison, Tally
from rules.engine.compiler import compile_document
from rules.engine.facts import Conversation, derive_facts
from rules.model.vocabulary import EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.replay.equivalence import EquivalenceKey
    from audit.stores.contract import RawEntry, Snapshot
    from rules.engine.compiler import CompiledPolicy
    from rules.engine.decide import Decision
    from rules.model.document import BoundDocument, Document
    from rules.model.event import Event

MAX_CACHED = 50_000
"""Decisions, no two of them alike, of which it is remembered what became; then all forgotten."""

DECISION = b"decision"
MALFORMED_ERRORS = (BadLeafError, KeyError, TypeError, ValueError, AttributeError)
"""What reading or deciding again raises where a leaf or an event is not what it should be."""
_OF_SETTINGS = {"message.language": "detect_language", "office.open": "office_hours"}
"""Facts that a setting has a part in."""


class BacktestMode(StrEnum):
    DECISIONS = "decisions"
    CONVERSATIONS = "conversations"


class UndeterminedReason(StrEnum):
    """Why it cannot be said what a candidate would have decided."""

    ERASED = "erased"
    DAMAGED = "damaged"
    NO_DOCUMENT = "no_document"
    UNREADABLE = "unreadable"


class UndeterminedError(Exception):
    """Nothing can be said of a decision, and why."""

    def __init__(self, reason: UndeterminedReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Period:
    """When entries were made: from `since` on, before `until`, as texts that sort as times do."""

    since: str = ""
    until: str = "~"

    def holds(self, at: str) -> bool:
        return self.since <= at < self.until


ALL_TIME = Period()


class DecisionBacktest:
    """A candidate against what a log holds. What it remembers changes no result."""

    def __init__(
        self, candidate: Document, policies: dict[str, CompiledPolicy] | None = None
    ) -> None:
        self.policy = compile_document(candidate)
        self.bucket = uses_sample_bucket(self.policy)
        self._tested_facts = list_tested_facts(self.policy.bound_document)
        self._policies = {} if policies is None else policies
        self._changed_facts: dict[str, frozenset[str]] = {}
        self._cached: dict[EquivalenceKey, Comparison] = {}

    def decisions(
        self, snapshot: Snapshot, log: str, start: int, stop: int, period: Period
    ) -> Tally:
        """What became of the decisions among the entries from `start` up to before `stop`."""
        tally = Tally()
        cached = self._cached
        since, until = period.since.encode(), period.until.encode()
        for recorded in snapshot.raw_entries(log, start, stop):
            if recorded.kind != DECISION or not since <= recorded.at < until:
                continue
            like = equivalence_key(recorded, bucket=self.bucket)
            comparison = cached.get(like) if like is not None else None
            if comparison is None:
                try:
                    comparison, is_shared = self._compare(snapshot, log, recorded)
                except UndeterminedError as error:
                    tally.count_undetermined(error.reason, decode_member(recorded.conversation))
                    continue
                if is_shared and like is not None:
                    if len(cached) >= MAX_CACHED:
                        cached.clear()
                    cached[like] = comparison
            tally.count(comparison)
            if comparison.changed_fields:
                tally.mark_changed(decode_member(recorded.conversation), recorded.position)
        return tally

    def _compare(self, snapshot: Snapshot, log: str, recorded: RawEntry) -> tuple[Comparison, bool]:
        """What became of a decision, and whether that holds for those that are like it."""
        try:
            leaf = parse_raw_entry(recorded)
            affected = self.affected_facts(snapshot, leaf)
            if affected:
                leaf = self.derive_again(snapshot, log, recorded.position, leaf, affected)
            return compare(leaf, decide_again(self.policy, leaf)), not affected
        except MALFORMED_ERRORS as error:
            raise UndeterminedError(UndeterminedReason.UNREADABLE) from error

    def affected_facts(self, snapshot: Snapshot, leaf: Mapping[str, Any]) -> frozenset[str]:
        """The facts of a decision that the candidate asks for and may derive otherwise."""
        moved = self._find_changed(snapshot, leaf["policy"]["digest"])
        return moved if _reads_answer(leaf["facts"]) else moved - {"answer"}

    def derive_again(
        self,
        snapshot: Snapshot,
        log: str,
        place: int,
        leaf: Mapping[str, Any],
        affected: frozenset[str],
    ) -> dict[str, Any]:
        """The leaf with those facts as the candidate has them; CannotTell without its event."""
        facts = self._derive_facts(leaf["facts"], read_event(snapshot, log, place), affected)
        return {**leaf, "facts": facts}

    def _derive_facts(
        self, facts: Mapping[str, Any], event: Event, affected: frozenset[str]
    ) -> dict[str, Any]:
        """The recorded facts, those affected as the candidate has them."""
        conversation = Conversation(facts["conversation.stage"], facts["conversation.asks"])
        derived = derive_facts(self.policy.document, event, conversation)
        kept = {name: fact for name, fact in facts.items() if name not in affected}
        return kept | {name: derived[name] for name in affected if name in derived}

    def _find_changed(self, snapshot: Snapshot, digest: str) -> frozenset[str]:
        """The facts that the candidate may derive otherwise than the document of this digest."""
        if digest not in self._changed_facts:
            recorded = PolicyCompiler(snapshot, self._policies).get(digest)
            if recorded is None:
                raise UndeterminedError(UndeterminedReason.NO_DOCUMENT)
            moved = find_changed_facts(recorded.document, self.policy.document)
            self._changed_facts[digest] = frozenset(moved & self._tested_facts)
        return self._changed_facts[digest]


def compare(recorded: Mapping[str, Any], again: Decision) -> Comparison:
    """Return the outcome and rule of a decision before and after, and the members that differ."""
    outcomes = recorded["outcome"], again.outcome
    rules = recorded["rule"], again.rule
    return Comparison(*outcomes, *rules, changed_members(recorded, again))


def list_tested_facts(bound: BoundDocument) -> frozenset[str]:
    """The facts that the rules ask for; the language also, by which texts are chosen."""
    whens = [rule.when for rule in bound.rules]
    whens += [action.when for rule in bound.rules for action in rule.actions]
    rows = (row for when in whens for row in when.expanded_alternatives())
    return frozenset({"message.language", *(fact for row in rows for fact, _ in row)})


def find_changed_facts(before: Document, after: Document) -> set[str]:
    """The facts of an event that two documents may derive differently."""
    moved = {
        fact
        for fact, setting in _OF_SETTINGS.items()
        if before.settings[setting] != after.settings[setting]
    }
    if before.phrases != after.phrases:
        moved.add("answer")
    declared = {*before.declared_attributes, *after.declared_attributes}
    return moved | {
        n for n in declared if before.declared_attributes.get(n) != after.declared_attributes.get(n)
    }


def _reads_answer(facts: Mapping[str, Any]) -> bool:
    """Whether phrases had a part in the answer."""
    where = facts["event.type"], facts["conversation.stage"]
    return where == (EventType.REPLIED, Stage.AWAITING_ANSWER)


def read_event(snapshot: Snapshot, log: str, place: int) -> Event:
    """The event that was decided there; CannotTell where nobody knows it any more."""
    try:
        personal = read_personal(snapshot, log, place)
    except StorageUnavailableError as error:
        raise UndeterminedError(UndeterminedReason.DAMAGED) from error
    if personal is None:
        raise UndeterminedError(UndeterminedReason.ERASED)
    event: Event = orjson.loads(personal.part)
    return event


def decode_member(name: bytes | None) -> str:
    """The words of a member in bytes; nothing where there is none."""
    return (name or b"").decode(errors="replace")
