"""Backtests of single decisions: the decisions of a candidate in place of the recorded ones.

Each decision is made again with its recorded facts and stage; `conversation_backtest.py` replays
whole conversations. A decision whose event was erased, and is needed, is counted as undetermined.
Examples are ids, without personal data.
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
"""The number of cached comparisons of different decisions; a full cache is cleared."""

DECISION = b"decision"
MALFORMED_ERRORS = (BadLeafError, KeyError, TypeError, ValueError, AttributeError)
"""The exceptions of reading or deciding again if a leaf or an event is malformed."""
_OF_SETTINGS = {"message.language": "detect_language", "office.open": "office_hours"}
"""The settings that influence facts."""


class BacktestMode(StrEnum):
    """The unit of a backtest: single decisions, or whole conversations."""

    DECISIONS = "decisions"
    CONVERSATIONS = "conversations"


class UndeterminedReason(StrEnum):
    """The reason that the candidate's decision is undetermined."""

    ERASED = "erased"
    DAMAGED = "damaged"
    NO_DOCUMENT = "no_document"
    UNREADABLE = "unreadable"


class UndeterminedError(Exception):
    """A decision that is undetermined, with the reason."""

    def __init__(self, reason: UndeterminedReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Period:
    """A period from `since` until before `until`, as texts that sort like times."""

    since: str = ""
    until: str = "~"

    def holds(self, at: str) -> bool:
        """Return True if the time is in the period."""
        return self.since <= at < self.until


ALL_TIME = Period()


class DecisionBacktest:
    """A backtest of a candidate against a log; its cache changes no result."""

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
        """Return the result for the decisions among a range of entries, `stop` excluded."""
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
        """Compare a decision; return True as well if all equivalent decisions compare equally."""
        try:
            leaf = parse_raw_entry(recorded)
            affected = self.affected_facts(snapshot, leaf)
            if affected:
                leaf = self.derive_again(snapshot, log, recorded.position, leaf, affected)
            return compare(leaf, decide_again(self.policy, leaf)), not affected
        except MALFORMED_ERRORS as error:
            raise UndeterminedError(UndeterminedReason.UNREADABLE) from error

    def affected_facts(self, snapshot: Snapshot, leaf: Mapping[str, Any]) -> frozenset[str]:
        """Return the facts that the candidate tests and may derive differently."""
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
        """Return the leaf with the candidate's facts; raise UndeterminedError without its event."""
        facts = self._derive_facts(leaf["facts"], read_event(snapshot, log, place), affected)
        return {**leaf, "facts": facts}

    def _derive_facts(
        self, facts: Mapping[str, Any], event: Event, affected: frozenset[str]
    ) -> dict[str, Any]:
        """Return the recorded facts, with the affected ones as the candidate derives them."""
        conversation = Conversation(facts["conversation.stage"], facts["conversation.asks"])
        derived = derive_facts(self.policy.document, event, conversation)
        kept = {name: fact for name, fact in facts.items() if name not in affected}
        return kept | {name: derived[name] for name in affected if name in derived}

    def _find_changed(self, snapshot: Snapshot, digest: str) -> frozenset[str]:
        """Return the facts that the candidate may derive differently from a recorded document."""
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
    """Return the facts that the rules test, and the language, which selects texts."""
    whens = [rule.when for rule in bound.rules]
    whens += [action.when for rule in bound.rules for action in rule.actions]
    rows = (row for when in whens for row in when.expanded_alternatives())
    return frozenset({"message.language", *(fact for row in rows for fact, _ in row)})


def find_changed_facts(before: Document, after: Document) -> set[str]:
    """Return the facts of an event that two documents may derive differently."""
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
    """Return True if phrases influenced the answer."""
    place = facts["event.type"], facts["conversation.stage"]
    return place == (EventType.REPLIED, Stage.AWAITING_ANSWER)


def read_event(snapshot: Snapshot, log: str, place: int) -> Event:
    """Return the event that was decided at an index; raise UndeterminedError if it was erased."""
    try:
        personal = read_personal(snapshot, log, place)
    except StorageUnavailableError as error:
        raise UndeterminedError(UndeterminedReason.DAMAGED) from error
    if personal is None:
        raise UndeterminedError(UndeterminedReason.ERASED)
    event: Event = orjson.loads(personal.part)
    return event


def decode_member(name: bytes | None) -> str:
    """Return a member as text; an empty text if it is absent."""
    return (name or b"").decode(errors="replace")
