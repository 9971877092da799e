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
from audit.replay.equivalence import likeness
from audit.replay.replay import Compiled, changed_members, decide_again, read, tests_bucket
from policy_service.privacy.personal_data import read_personal
from policy_service.replays.backtest_result import Came, Tally
from rules.engine.compiler import compile_document
from rules.engine.facts import Conversation, derive_facts
from rules.model.vocabulary import EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.replay.equivalence import Likeness
    from audit.stores.contract import RawEntry, Snapshot
    from rules.engine.compiler import CompiledPolicy
    from rules.engine.decide import Decision
    from rules.model.document import BoundDocument, Document
    from rules.model.event import Event

MOST_KNOWN = 50_000
"""Decisions, no two of them alike, of which it is remembered what became; then all forgotten."""

DECISION = b"decision"
BROKEN = (BadLeafError, KeyError, TypeError, ValueError, AttributeError)
"""What reading or deciding again raises where a leaf or an event is not what it should be."""
_OF_SETTINGS = {"message.language": "detect_language", "office.open": "office_hours"}
"""Facts that a setting has a part in."""


class Mode(StrEnum):
    DECISIONS = "decisions"
    CONVERSATIONS = "conversations"


class Untellable(StrEnum):
    """Why it cannot be said what a candidate would have decided."""

    ERASED = "erased"
    DAMAGED = "damaged"
    NO_DOCUMENT = "no_document"
    UNREADABLE = "unreadable"


class CannotTell(Exception):  # noqa: N818 - it is no error
    """Nothing can be said of a decision, and why."""

    def __init__(self, why: Untellable) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Period:
    """When entries were made: from `since` on, before `until`, as texts that sort as times do."""

    since: str = ""
    until: str = "~"

    def holds(self, at: str) -> bool:
        return self.since <= at < self.until


EVER = Period()


class Backtest:
    """A candidate against what a log holds. What it remembers changes no result."""

    def __init__(
        self, candidate: Document, policies: dict[str, CompiledPolicy] | None = None
    ) -> None:
        self.policy = compile_document(candidate)
        self.bucket = tests_bucket(self.policy)
        self._tested = facts_tested(self.policy.bound)
        self._policies = {} if policies is None else policies
        self._moved: dict[str, frozenset[str]] = {}
        self._known: dict[Likeness, Came] = {}

    def decisions(
        self, snapshot: Snapshot, log: str, start: int, stop: int, period: Period
    ) -> Tally:
        """What became of the decisions among the entries from `start` up to before `stop`."""
        tally = Tally()
        known = self._known
        since, until = period.since.encode(), period.until.encode()
        for recorded in snapshot.raw_entries(log, start, stop):
            if recorded.kind != DECISION or not since <= recorded.at < until:
                continue
            like = likeness(recorded, bucket=self.bucket)
            came = known.get(like) if like is not None else None
            if came is None:
                try:
                    came, alike = self._came(snapshot, log, recorded)
                except CannotTell as told:
                    tally.untellable(told.why, text(recorded.conversation))
                    continue
                if alike and like is not None:
                    if len(known) >= MOST_KNOWN:
                        known.clear()
                    known[like] = came
            tally.count(came)
            if came.members:
                tally.changed_in(text(recorded.conversation), recorded.position)
        return tally

    def _came(self, snapshot: Snapshot, log: str, recorded: RawEntry) -> tuple[Came, bool]:
        """What became of a decision, and whether that holds for those that are like it."""
        try:
            leaf = read(recorded)
            affected = self.facts_affected(snapshot, leaf)
            if affected:
                leaf = self.derived_again(snapshot, log, recorded.position, leaf, affected)
            return came(leaf, decide_again(self.policy, leaf)), not affected
        except BROKEN as error:
            raise CannotTell(Untellable.UNREADABLE) from error

    def facts_affected(self, snapshot: Snapshot, leaf: Mapping[str, Any]) -> frozenset[str]:
        """The facts of a decision that the candidate asks for and may derive otherwise."""
        moved = self._facts_moved(snapshot, leaf["policy"]["digest"])
        return moved if _is_read(leaf["facts"]) else moved - {"answer"}

    def derived_again(
        self,
        snapshot: Snapshot,
        log: str,
        place: int,
        leaf: Mapping[str, Any],
        affected: frozenset[str],
    ) -> dict[str, Any]:
        """The leaf with those facts as the candidate has them; CannotTell without its event."""
        facts = self._derived(leaf["facts"], event_of(snapshot, log, place), affected)
        return {**leaf, "facts": facts}

    def _derived(
        self, facts: Mapping[str, Any], event: Event, affected: frozenset[str]
    ) -> dict[str, Any]:
        """The recorded facts, those affected as the candidate has them."""
        conversation = Conversation(facts["conversation.stage"], facts["conversation.asks"])
        derived = derive_facts(self.policy.document, event, conversation)
        kept = {name: fact for name, fact in facts.items() if name not in affected}
        return kept | {name: derived[name] for name in affected if name in derived}

    def _facts_moved(self, snapshot: Snapshot, digest: str) -> frozenset[str]:
        """The facts that the candidate may derive otherwise than the document of this digest."""
        if digest not in self._moved:
            recorded = Compiled(snapshot, self._policies).get(digest)
            if recorded is None:
                raise CannotTell(Untellable.NO_DOCUMENT)
            moved = facts_moved(recorded.document, self.policy.document)
            self._moved[digest] = frozenset(moved & self._tested)
        return self._moved[digest]


def came(recorded: Mapping[str, Any], again: Decision) -> Came:
    """Return the outcome and rule of a decision before and after, and the members that differ."""
    outcomes = recorded["outcome"], again.outcome
    rules = recorded["rule"], again.rule
    return Came(*outcomes, *rules, changed_members(recorded, again))


def facts_tested(bound: BoundDocument) -> frozenset[str]:
    """The facts that the rules ask for; the language also, by which texts are chosen."""
    whens = [rule.when for rule in bound.rules]
    whens += [action.when for rule in bound.rules for action in rule.actions]
    rows = (row for when in whens for row in when.rows())
    return frozenset({"message.language", *(fact for row in rows for fact, _ in row)})


def facts_moved(before: Document, after: Document) -> set[str]:
    """The facts of an event that two documents may derive differently."""
    moved = {
        fact
        for fact, setting in _OF_SETTINGS.items()
        if before.settings[setting] != after.settings[setting]
    }
    if before.phrases != after.phrases:
        moved.add("answer")
    declared = {*before.declared, *after.declared}
    return moved | {n for n in declared if before.declared.get(n) != after.declared.get(n)}


def _is_read(facts: Mapping[str, Any]) -> bool:
    """Whether phrases had a part in the answer."""
    where = facts["event.type"], facts["conversation.stage"]
    return where == (EventType.REPLIED, Stage.AWAITING_ANSWER)


def event_of(snapshot: Snapshot, log: str, place: int) -> Event:
    """The event that was decided there; CannotTell where nobody knows it any more."""
    try:
        personal = read_personal(snapshot, log, place)
    except StorageUnavailableError as error:
        raise CannotTell(Untellable.DAMAGED) from error
    if personal is None:
        raise CannotTell(Untellable.ERASED)
    event: Event = orjson.loads(personal.part)
    return event


def text(name: bytes | None) -> str:
    """The words of a member in bytes; nothing where there is none."""
    return (name or b"").decode(errors="replace")
