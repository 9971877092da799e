"""Backtests: what a candidate would have decided where a workspace's own versions did.

Two modes. `decisions` decides each recorded decision again, with its recorded facts: stages are as
they were. `conversations` lets whole conversations happen again from their first event, stages
developing as the candidate has it. What an event does not tell any more, as its person was erased,
is counted, never guessed. Examples are ids alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from audit.alike import likeness
from audit.errors import BadLeaf, StorageUnavailable
from audit.replay import COMPARED, Compiled, decided, read, tests_bucket
from policy_service.backtest_result import Came, Tally
from policy_service.decide import conversation_of, decision_leaf
from policy_service.personal import personal_of
from rules.compile import compile_document
from rules.derive import Conversation, derive
from rules.vocabulary import EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from audit.alike import Likeness
    from audit.entry import Entry
    from audit.store import Recorded, Snapshot
    from rules.compile import Policy
    from rules.document import BoundDocument, Document
    from rules.event import Event

MOST_KNOWN = 50_000
"""Decisions, no two of them alike, of which it is remembered what became; then all forgotten."""

_DECISION = b"decision"
_OF_SETTINGS = {"message.language": "detect_language", "office.open": "office_hours"}
"""Facts that a setting has a part in."""
_compared = itemgetter(*COMPARED)


class Mode(StrEnum):
    DECISIONS = "decisions"
    CONVERSATIONS = "conversations"


class Untellable(StrEnum):
    """Why it cannot be said what a candidate would have decided."""

    ERASED = "erased"
    DAMAGED = "damaged"
    NO_DOCUMENT = "no_document"
    UNREADABLE = "unreadable"


class _CannotTell(Exception):  # noqa: N818 - it is no error
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

    def __init__(self, candidate: Document, policies: dict[str, Policy] | None = None) -> None:
        self._policy = compile_document(candidate)
        self._bucket = tests_bucket(self._policy)
        self._tested = facts_tested(self._policy.bound)
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
        for recorded in snapshot.recorded(log, start, stop):
            if recorded.kind != _DECISION or not since <= recorded.at < until:
                continue
            like = likeness(recorded, bucket=self._bucket)
            came = known.get(like) if like is not None else None
            if came is None:
                try:
                    came, alike = self._came(snapshot, log, recorded)
                except _CannotTell as told:
                    tally.untellable(told.why, _text(recorded.conversation))
                    continue
                if alike and like is not None:
                    if len(known) >= MOST_KNOWN:
                        known.clear()
                    known[like] = came
            tally.count(came)
            if came.members:
                tally.changed_in(_text(recorded.conversation), recorded.place)
        return tally

    def _came(self, snapshot: Snapshot, log: str, recorded: Recorded) -> tuple[Came, bool]:
        """What became of a decision, and whether that holds for those that are like it."""
        try:
            leaf = read(recorded)
            moved = self._facts_moved(snapshot, leaf["policy"]["digest"])
            affected = {fact for fact in moved if fact != "answer" or _is_read(leaf["facts"])}
            if affected:
                event = _event(snapshot, log, recorded.place)
                leaf = {**leaf, "facts": self._derived(leaf["facts"], event, affected)}
            return came(leaf, decided(self._policy, leaf)), not affected
        except (BadLeaf, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _CannotTell(Untellable.UNREADABLE) from error

    def _derived(
        self, facts: Mapping[str, Any], event: Event, affected: set[str]
    ) -> dict[str, Any]:
        """The recorded facts, those affected as the candidate has them."""
        conversation = Conversation(facts["conversation.stage"], facts["conversation.asks"])
        derived = derive(self._policy.document, event, conversation)
        kept = {name: fact for name, fact in facts.items() if name not in affected}
        return kept | {name: derived[name] for name in affected if name in derived}

    def _facts_moved(self, snapshot: Snapshot, digest: str) -> frozenset[str]:
        """The facts that the candidate may derive otherwise than the document of this digest."""
        if digest not in self._moved:
            recorded = Compiled(snapshot, self._policies).get(digest)
            if recorded is None:
                raise _CannotTell(Untellable.NO_DOCUMENT)
            moved = facts_moved(recorded.document, self._policy.document)
            self._moved[digest] = frozenset(moved & self._tested)
        return self._moved[digest]

    def conversations(
        self, snapshot: Snapshot, log: str, told: Iterable[tuple[str, Sequence[int]]]
    ) -> Tally:
        """What becomes of whole conversations: each with the places of its decisions, in order."""
        tally = Tally()
        for conversation, places in told:
            last: dict[str, Any] | None = None
            for number, place in enumerate(places):
                try:
                    last, came = self._next(snapshot, log, place, last)
                except _CannotTell as cannot:
                    tally.untellable(cannot.why, conversation, len(places) - number)
                    break
                tally.count(came)
                if came.members:
                    tally.changed_in(conversation, place)
        return tally

    def _next(
        self, snapshot: Snapshot, log: str, place: int, last: dict[str, Any] | None
    ) -> tuple[dict[str, Any], Came]:
        entry: Entry | None = snapshot.entry(log, place)
        event = _event(snapshot, log, place)
        try:
            recorded = entry.value if entry else {}
            leaf = decision_leaf(event, None, self._policy, conversation_of(last))
            return leaf, came(recorded, leaf)
        except (BadLeaf, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _CannotTell(Untellable.UNREADABLE) from error


def came(recorded: Mapping[str, Any], again: Mapping[str, Any]) -> Came:
    """What became of a decision: outcome and rule before and after, and the members that differ."""
    members: tuple[str, ...] = ()
    if _compared(recorded) != _compared(again):
        members = tuple(name for name in COMPARED if recorded[name] != again[name])
    outcomes = recorded["outcome"], again["outcome"]
    return Came(*outcomes, recorded["rule"], again["rule"], members)


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


def _event(snapshot: Snapshot, log: str, place: int) -> Event:
    try:
        personal = personal_of(snapshot, log, place)
    except StorageUnavailable as error:
        raise _CannotTell(Untellable.DAMAGED) from error
    if personal is None:
        raise _CannotTell(Untellable.ERASED)
    event: Event = orjson.loads(personal.part)
    return event


def _text(name: bytes | None) -> str:
    return (name or b"").decode(errors="replace")


def begun_within(snapshot: Snapshot, log: str, stop: int, period: Period) -> dict[str, list[int]]:
    """The conversations whose first decision was made then, with the places of all of theirs."""
    places: dict[str, list[int]] = {}
    others: set[str] = set()
    for recorded in snapshot.recorded(log, 0, stop):
        if recorded.kind == _DECISION:
            name = _text(recorded.conversation)
            if name in places:
                places[name].append(recorded.place)
            elif name not in others and period.holds(_text(recorded.at)):
                places[name] = [recorded.place]
            else:
                others.add(name)
    return places
