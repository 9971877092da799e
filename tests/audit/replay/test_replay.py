"""Deciding again: each difference is named, also where like decisions are decided once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from audit.replay.equivalence import equivalence_key
from audit.replay.replay import COMPARED, ReplayCache, replay_decisions, summarize_replay
from audit.stores.contract import RawEntry
from audit.stores.sqlite.store import SqliteStore
from bench.sample import draw_conversations
from policy_service.decisions.batch import decide_lines
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import PolicyCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.stores.contract import Snapshot

LOG = "finance-co"


@dataclass
class Recording:
    """A snapshot of one log whose lines are given."""

    lines: list[RawEntry]
    documents: dict[str, bytes]

    def raw_entries(self, _: str, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        yield from self.lines[start:stop]

    def document(self, digest: str) -> bytes | None:
        return self.documents.get(digest)

    def changed(self, place: int, line: RawEntry) -> Snapshot:
        lines = [*self.lines[:place], line, *self.lines[place + 1 :]]
        return cast("Snapshot", replace(self, lines=lines))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A few hundred decisions as the service makes them."""
    events = (event for told in islice(draw_conversations(), 90) for event in told)
    with SqliteStore.create(tmp_path_factory.mktemp("replay")) as store:
        list(decide_lines(store, PolicyCache(), DecisionMetrics(), events))
        with store.read() as snapshot:
            digests = [leaf.value["digest"] for leaf in snapshot.entries_of_family(LOG, "version.")]
            documents = {digest: snapshot.document(digest) or b"" for digest in digests}
            return Recording(list(snapshot.raw_entries(LOG)), documents)


def like_another(recording: Recording) -> list[int]:
    """The places of decisions that are like one before them."""
    places, seen = [], set()
    for place, line in enumerate(recording.lines):
        like = equivalence_key(line, bucket=False)
        if like in seen and like is not None:
            places.append(place)
        seen.add(like)
    return places


def test_most_decisions_share_their_key_with_another(recording: Recording) -> None:
    assert len(like_another(recording)) > len(recording.lines) / 4


def test_recorded_decisions_are_replayed_identically(recording: Recording) -> None:
    replayed = summarize_replay(cast("Snapshot", recording), LOG)
    decisions = [line for line in recording.lines if line.kind == b"decision"]
    assert replayed.decisions == replayed.identical == len(decisions)
    assert replayed.differences == ()


def with_member(line: RawEntry, member: str) -> RawEntry:
    """The line with another value of a member, canonical as ever."""
    if member in ("outcome", "reason", "rule"):
        given = line._asdict() | {member: b"other"}
        return RawEntry(**given)
    rest: dict[str, Any] = orjson.loads(line.rest)
    if member == "stage":
        rest["stage"] = "qualifying" if rest["stage"] != "qualifying" else "routed"
    elif rest["actions"]:
        rest["actions"][0]["id"] = "dec-other.0"
    else:
        rest["actions"] = [{"id": "dec-other.0", "type": "close_conversation"}]
    return line._replace(rest=orjson.dumps(rest, option=orjson.OPT_SORT_KEYS))


@pytest.mark.parametrize("member", COMPARED)
def test_replay_names_the_member_that_differs(recording: Recording, member: str) -> None:
    places = like_another(recording)
    with_actions = [at for at in places if b'"actions":[]' not in recording.lines[at].rest]
    assert with_actions
    for place in (places[0], places[-1], with_actions[-1]):
        changed = recording.changed(place, with_member(recording.lines[place], member))
        [found] = summarize_replay(changed, LOG).differences
        assert (found.index, found.member) == (recording.lines[place].position, member)


def test_missing_document_is_a_difference_of_every_decision(recording: Recording) -> None:
    bare = cast("Snapshot", replace(recording, documents={}))
    replayed = summarize_replay(bare, LOG)
    assert replayed.identical == 0
    assert {found.member for found in replayed.differences} == {"policy"}


@pytest.mark.parametrize("byte", [b"", b'"', b"\\", b"\n", b"\xff", b"}", b",", b"9", b"a"])
def test_cached_replay_finds_each_changed_byte(recording: Recording, byte: bytes) -> None:
    """What is like another by its bytes is so by its meaning, or is read."""
    whole = {equivalence_key(line, bucket=False) for line in recording.lines} - {None}
    places = like_another(recording)
    longest = max(places, key=lambda place: len(recording.lines[place].rest))
    for place in (places[0], longest):
        line = recording.lines[place]
        for at in range(len(line.rest)):
            broken = line._replace(rest=line.rest[:at] + byte + line.rest[at + 1 :])
            if equivalence_key(broken, bucket=False) in whole:
                alone = Recording([broken], recording.documents)
                [read] = replay_decisions(cast("Snapshot", alone), LOG)
                assert read.differences == (), (at, line.rest[at - 20 : at + 20])


def test_replay_names_a_moved_deadline(recording: Recording) -> None:
    """Also to the same moment, written otherwise."""
    places = like_another(recording)
    place = next(p for p in places if b'"expires_at":"' in recording.lines[p].rest)
    line = recording.lines[place]
    before, name, behind = line.rest.partition(b'"expires_at":"')
    at, quote, behind = behind.partition(b'"')
    for moved in (at.replace(b"Z", b"+00:00"), at.replace(b"2026", b"2027"), b""):
        rest = before + name + moved + quote + behind
        [found] = summarize_replay(
            recording.changed(place, line._replace(rest=rest)), LOG
        ).differences
        assert found.member == "actions"


def test_replay_cache_serves_the_next_part(recording: Recording) -> None:
    memory = ReplayCache()
    whole, middle = cast("Snapshot", recording), len(recording.lines) // 2
    first = summarize_replay(whole, LOG, 0, middle, cache=memory)
    learned = len(memory.identical)
    again = summarize_replay(whole, LOG, 0, middle, cache=memory)
    assert again == first
    assert len(memory.identical) == learned > 0
    both = first + summarize_replay(whole, LOG, middle, cache=memory)
    assert both == summarize_replay(whole, LOG)
