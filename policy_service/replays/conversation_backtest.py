"""Whole conversations again, from their first event, stages developing as the candidate has it.

As long as a conversation stands under the candidate where it stood, its facts are the recorded
ones, and what was found of a decision holds for all that are like it. From the first decision on
that leaves it elsewhere, each of its events is decided anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.replay.equivalence import equivalence_key
from audit.replay.replay import decide_again, parse_raw_entry
from policy_service.decisions.record import decision_id
from policy_service.replays.backtest_result import Tally
from policy_service.replays.decision_backtest import (
    DECISION,
    MALFORMED_ERRORS,
    MAX_CACHED,
    UndeterminedError,
    UndeterminedReason,
    compare,
    decode_member,
    read_event,
)
from rules.engine.decide import decide, find_open_question
from rules.engine.facts import Conversation
from rules.model.vocabulary import ActionType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from audit.replay.equivalence import EquivalenceKey
    from audit.stores.contract import RawEntry, Snapshot
    from policy_service.replays.backtest_result import Comparison
    from policy_service.replays.decision_backtest import DecisionBacktest, Period

MAX_GAP = 8
"""Entries between two that are wanted, up to which those between are read as well: that is less
than to begin anew."""


@dataclass(slots=True)
class _Progress:
    """A conversation, as far as it was told again."""

    name: str
    remaining: int
    """Its decisions that were not told yet."""
    last: int | None = None
    """The place of the one before."""
    diverged: Conversation | None = None
    """Where it stands under the candidate; None where it stood."""
    is_undetermined: bool = False


class ConversationBacktest:
    """Conversations under a candidate. What it remembers changes no result."""

    def __init__(self, backtest: DecisionBacktest) -> None:
        self._backtest = backtest
        self._cached: dict[
            EquivalenceKey, Comparison
        ] = {}  # of decisions that leave it where it stood

    def tally(
        self, snapshot: Snapshot, log: str, conversations: Sequence[tuple[str, Sequence[int]]]
    ) -> Tally:
        """What becomes of conversations: each with the places of its decisions, in order."""
        tally = Tally()
        all_of_them = [_Progress(name, len(places)) for name, places in conversations]
        progress_by_place = {
            place: progress
            for progress, (_, places) in zip(all_of_them, conversations, strict=True)
            for place in places
        }
        for recorded in _read_at(snapshot, log, progress_by_place):
            progress = progress_by_place[recorded.position]
            if not progress.is_undetermined:
                self._count(tally, snapshot, log, recorded, progress)
        for progress in all_of_them:
            if progress.remaining and not progress.is_undetermined:
                tally.count_undetermined(
                    UndeterminedReason.UNREADABLE, progress.name, progress.remaining
                )
        return tally

    def _count(
        self, tally: Tally, snapshot: Snapshot, log: str, recorded: RawEntry, progress: _Progress
    ) -> None:
        try:
            comparison = self._compare_next(snapshot, log, recorded, progress)
        except UndeterminedError as error:
            progress.is_undetermined = True
            tally.count_undetermined(error.reason, progress.name, progress.remaining)
            return
        progress.last = recorded.position
        progress.remaining -= 1
        tally.count(comparison)
        if comparison.changed_fields:
            tally.mark_changed(progress.name, recorded.position)

    def _compare_next(
        self, snapshot: Snapshot, log: str, recorded: RawEntry, progress: _Progress
    ) -> Comparison:
        try:
            if progress.diverged is None:
                like = equivalence_key(recorded, bucket=self._backtest.bucket)
                comparison = self._cached.get(like) if like is not None else None
                if comparison is None:
                    comparison = self._compare_aligned(snapshot, log, recorded, progress, like)
                if comparison is not None:
                    return comparison
            return self._compare_diverged(snapshot, log, recorded, progress)
        except MALFORMED_ERRORS as error:
            raise UndeterminedError(UndeterminedReason.UNREADABLE) from error

    def _compare_aligned(
        self,
        snapshot: Snapshot,
        log: str,
        recorded: RawEntry,
        progress: _Progress,
        like: EquivalenceKey | None,
    ) -> Comparison | None:
        """What became of a decision with its facts; None where the conversation begins apart."""
        leaf = parse_raw_entry(recorded)
        affected = self._backtest.affected_facts(snapshot, leaf)
        if affected:
            if progress.last is None and "message.language" in affected:
                progress.diverged = Conversation()  # its first language is its language for good
                return None
            place = recorded.position
            leaf = self._backtest.derive_again(snapshot, log, place, leaf, affected)
        again = decide_again(self._backtest.policy, leaf)
        comparison = compare(leaf, again)
        if _state_after(leaf["stage"], leaf["actions"]) != _state_after(again.stage, again.actions):
            before = None
            if progress.last is not None:
                entry = snapshot.entry(log, progress.last)
                before = entry.value.get("question") if entry else None
            question = find_open_question(again.stage, again.actions, before)
            progress.diverged = replace(again, question=question).conversation
        elif like is not None and not affected:
            if len(self._cached) >= MAX_CACHED:
                self._cached.clear()
            self._cached[like] = comparison
        return comparison

    def _compare_diverged(
        self, snapshot: Snapshot, log: str, recorded: RawEntry, progress: _Progress
    ) -> Comparison:
        event = read_event(snapshot, log, recorded.position)
        conversation = progress.diverged or Conversation()
        identity = decision_id(event["workspace"]["id"], event["id"])
        again = decide(self._backtest.policy, event, conversation, identity)
        progress.diverged = again.conversation
        return compare(parse_raw_entry(recorded), again)


def _state_after(stage: str, actions: Sequence[Mapping[str, Any]]) -> tuple[str, bool, str | None]:
    """Return the part of a decision that the next one of its conversation rests on."""
    asks = any(action["type"] == ActionType.ASK for action in actions)
    return stage, asks, find_open_question(stage, actions, None)


def _read_at(snapshot: Snapshot, log: str, places: Collection[int]) -> Iterator[RawEntry]:
    """The lines at these places, ascending; what is near to each other is read in one go."""
    ordered = sorted(places)
    start = 0
    for stop in range(1, len(ordered) + 1):
        if stop == len(ordered) or ordered[stop] - ordered[stop - 1] > MAX_GAP:
            for recorded in snapshot.raw_entries(log, ordered[start], ordered[stop - 1] + 1):
                if recorded.position in places:
                    yield recorded
            start = stop


def find_conversations(
    snapshot: Snapshot, log: str, stop: int, period: Period
) -> dict[str, list[int]]:
    """The conversations whose first decision was made then, with the places of all of theirs."""
    places: dict[str, list[int]] = {}
    skipped_names: set[str] = set()
    for recorded in snapshot.raw_entries(log, 0, stop):
        if recorded.kind == DECISION:
            name = decode_member(recorded.conversation)
            if name in places:
                places[name].append(recorded.position)
            elif name not in skipped_names and period.holds(decode_member(recorded.at)):
                places[name] = [recorded.position]
            else:
                skipped_names.add(name)
    return places
