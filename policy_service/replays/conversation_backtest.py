"""Backtests of whole conversations from their first event, with the stages of the candidate.

As long as a conversation has its recorded stage under the candidate, its recorded facts are used,
and the comparison of a decision holds for all equivalent decisions. From the first decision that
leads to another state, each event of the conversation is decided again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.replay.equivalence import equivalence_key
from audit.replay.replay import decide_again, parse_raw_entry
from policy_service.decisions.record import conversation_of, decision_id
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
    from rules.engine.facts import OpenQuestion

MAX_GAP = 8
"""The largest gap between two needed entries that is read too: that costs less than a new read."""


@dataclass(slots=True)
class _Progress:
    """The progress of one conversation."""

    name: str
    remaining: int
    """The number of its decisions that are not compared yet."""
    last: int | None = None
    """The index of its last compared decision."""
    diverged: Conversation | None = None
    """Its state under the candidate; None if it is the recorded state."""
    is_undetermined: bool = False


class ConversationBacktest:
    """A backtest of conversations; its cache changes no result."""

    def __init__(self, backtest: DecisionBacktest) -> None:
        self._backtest = backtest
        self._cached: dict[
            EquivalenceKey, Comparison
        ] = {}  # of decisions that leave the conversation in its recorded state

    def tally(
        self, snapshot: Snapshot, log: str, conversations: Sequence[tuple[str, Sequence[int]]]
    ) -> Tally:
        """Return the result for conversations, each with the indices of its decisions, in order."""
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
        """Compare a decision with its recorded facts; None if it starts in another state."""
        leaf = parse_raw_entry(recorded)
        affected = self._backtest.affected_facts(snapshot, leaf)
        if affected:
            if progress.last is None and "message.language" in affected:
                progress.diverged = Conversation()  # the first language of a conversation is final
                return None
            place = recorded.position
            leaf = self._backtest.derive_again(snapshot, log, place, leaf, affected)
        again = decide_again(self._backtest.policy, leaf)
        comparison = compare(leaf, again)
        if _state_after(leaf["stage"], leaf["actions"]) != _state_after(again.stage, again.actions):
            before = None
            if progress.last is not None:
                entry = snapshot.entry(log, progress.last)
                before = conversation_of(entry.value).question if entry else None
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


def _state_after(
    stage: str, actions: Sequence[Mapping[str, Any]]
) -> tuple[str, bool, OpenQuestion | None]:
    """Return the part of a decision on which the next one of its conversation depends."""
    asks = any(action["type"] == ActionType.ASK for action in actions)
    return stage, asks, find_open_question(stage, actions, None)


def _read_at(snapshot: Snapshot, log: str, places: Collection[int]) -> Iterator[RawEntry]:
    """Yield the entries at these indices, ascending; near entries are read together."""
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
    """Return the conversations that began in the period, with the indices of their decisions."""
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
