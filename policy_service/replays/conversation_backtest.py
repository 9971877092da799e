"""Whole conversations again, from their first event, stages developing as the candidate has it.

As long as a conversation stands under the candidate where it stood, its facts are the recorded
ones, and what was found of a decision holds for all that are like it. From the first decision on
that leaves it elsewhere, each of its events is decided anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.replay.equivalence import likeness
from audit.replay.replay import decide_again, read
from policy_service.decisions.record import decision_id
from policy_service.replays.backtest_result import Tally
from policy_service.replays.decision_backtest import (
    BROKEN,
    DECISION,
    MOST_KNOWN,
    CannotTell,
    Untellable,
    came,
    event_of,
    text,
)
from rules.engine.decide import decide, open_question
from rules.engine.facts import Conversation
from rules.model.vocabulary import ActionType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from audit.replay.equivalence import Likeness
    from audit.stores.contract import RawEntry, Snapshot
    from policy_service.replays.backtest_result import Came
    from policy_service.replays.decision_backtest import Backtest, Period

NEAR = 8
"""Entries between two that are wanted, up to which those between are read as well: that is less
than to begin anew."""


@dataclass(slots=True)
class _Told:
    """A conversation, as far as it was told again."""

    name: str
    left: int
    """Its decisions that were not told yet."""
    last: int | None = None
    """The place of the one before."""
    apart: Conversation | None = None
    """Where it stands under the candidate; None where it stood."""
    lost: bool = False


class Retold:
    """Conversations under a candidate. What it remembers changes no result."""

    def __init__(self, backtest: Backtest) -> None:
        self._backtest = backtest
        self._known: dict[Likeness, Came] = {}  # of decisions that leave it where it stood

    def tally(
        self, snapshot: Snapshot, log: str, told: Sequence[tuple[str, Sequence[int]]]
    ) -> Tally:
        """What becomes of conversations: each with the places of its decisions, in order."""
        tally = Tally()
        all_of_them = [_Told(name, len(places)) for name, places in told]
        whose = {
            place: one
            for one, (_, places) in zip(all_of_them, told, strict=True)
            for place in places
        }
        for recorded in _read_at(snapshot, log, whose):
            one = whose[recorded.position]
            if not one.lost:
                self._count(tally, snapshot, log, recorded, one)
        for one in all_of_them:
            if one.left and not one.lost:
                tally.untellable(Untellable.UNREADABLE, one.name, one.left)
        return tally

    def _count(
        self, tally: Tally, snapshot: Snapshot, log: str, recorded: RawEntry, one: _Told
    ) -> None:
        try:
            became = self._next(snapshot, log, recorded, one)
        except CannotTell as cannot:
            one.lost = True
            tally.untellable(cannot.why, one.name, one.left)
            return
        one.last = recorded.position
        one.left -= 1
        tally.count(became)
        if became.members:
            tally.changed_in(one.name, recorded.position)

    def _next(self, snapshot: Snapshot, log: str, recorded: RawEntry, one: _Told) -> Came:
        try:
            if one.apart is None:
                like = likeness(recorded, bucket=self._backtest.bucket)
                became = self._known.get(like) if like is not None else None
                if became is None:
                    became = self._together(snapshot, log, recorded, one, like)
                if became is not None:
                    return became
            return self._apart(snapshot, log, recorded, one)
        except BROKEN as error:
            raise CannotTell(Untellable.UNREADABLE) from error

    def _together(
        self,
        snapshot: Snapshot,
        log: str,
        recorded: RawEntry,
        one: _Told,
        like: Likeness | None,
    ) -> Came | None:
        """What became of a decision with its facts; None where the conversation begins apart."""
        leaf = read(recorded)
        affected = self._backtest.facts_affected(snapshot, leaf)
        if affected:
            if one.last is None and "message.language" in affected:
                one.apart = Conversation()  # its first language is its language for good
                return None
            place = recorded.position
            leaf = self._backtest.derived_again(snapshot, log, place, leaf, affected)
        again = decide_again(self._backtest.policy, leaf)
        became = came(leaf, again)
        if _stands(leaf["stage"], leaf["actions"]) != _stands(again.stage, again.actions):
            before = None
            if one.last is not None:
                entry = snapshot.entry(log, one.last)
                before = entry.value.get("question") if entry else None
            question = open_question(again.stage, again.actions, before)
            one.apart = replace(again, question=question).conversation
        elif like is not None and not affected:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[like] = became
        return became

    def _apart(self, snapshot: Snapshot, log: str, recorded: RawEntry, one: _Told) -> Came:
        event = event_of(snapshot, log, recorded.position)
        conversation = one.apart or Conversation()
        identity = decision_id(event["workspace"]["id"], event["id"])
        again = decide(self._backtest.policy, event, conversation, identity)
        one.apart = again.conversation
        return came(read(recorded), again)


def _stands(stage: str, actions: Sequence[Mapping[str, Any]]) -> tuple[str, bool, str | None]:
    """Return the part of a decision that the next one of its conversation rests on."""
    asks = any(action["type"] == ActionType.ASK for action in actions)
    return stage, asks, open_question(stage, actions, None)


def _read_at(snapshot: Snapshot, log: str, places: Collection[int]) -> Iterator[RawEntry]:
    """The lines at these places, ascending; what is near to each other is read in one go."""
    ordered = sorted(places)
    start = 0
    for stop in range(1, len(ordered) + 1):
        if stop == len(ordered) or ordered[stop] - ordered[stop - 1] > NEAR:
            for recorded in snapshot.raw_entries(log, ordered[start], ordered[stop - 1] + 1):
                if recorded.position in places:
                    yield recorded
            start = stop


def begun_within(snapshot: Snapshot, log: str, stop: int, period: Period) -> dict[str, list[int]]:
    """The conversations whose first decision was made then, with the places of all of theirs."""
    places: dict[str, list[int]] = {}
    others: set[str] = set()
    for recorded in snapshot.raw_entries(log, 0, stop):
        if recorded.kind == DECISION:
            name = text(recorded.conversation)
            if name in places:
                places[name].append(recorded.position)
            elif name not in others and period.holds(text(recorded.at)):
                places[name] = [recorded.position]
            else:
                others.add(name)
    return places
