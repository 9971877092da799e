"""The contract of a store, held against every store: queries and the order of their results."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import EntryKind, format_time
from audit.stores.contract import EntryFilter
from tests.fakes.leaves import (
    NOON,
    decide,
    first_version,
    version,
)

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Store


def indices(entries: list[Entry]) -> list[int]:
    return [entry.index for entry in entries]


def receipt(status: str, conversation: str) -> dict[str, Any]:
    """Return the leaf of a receipt for the action of a conversation's only decision."""
    return {
        "format": 1,
        "kind": f"action.{status}",
        "at": format_time(NOON),
        "workspace": "acme",
        "event": conversation,
        "conversation": conversation,
        "action": f"dec-{conversation}.0",
        "by": "key-1",
    }


def test_latest_entry_of_a_family_skips_other_kinds(store: Store) -> None:
    """The active version follows from it in every decision."""
    store.transact(first_version)
    store.transact(decide("ev-1"))
    store.transact(lambda tx: tx.append("acme", version("retired")))
    store.transact(decide("ev-2"))
    with store.read() as view:
        assert view.latest_entry("acme", "version.") == view.entry("acme", 4)
        assert view.latest_entry("acme", "version.activated") == view.entry("acme", 2)
        assert view.latest_entry("acme", "hold.") is None
        assert view.latest_entry("acme", EntryKind.DECISION) == view.entry("acme", 5)
        assert indices(view.entries_of_family("acme", "version.")) == [0, 1, 2, 4]
        assert indices(view.entries_of_family("acme", EntryKind.DECISION)) == [3, 5]


def test_latest_decision_belongs_to_the_conversation(store: Store) -> None:
    """Stage, number of questions and pinned version are read from it."""
    for event, conversation in [("a", "c-1"), ("b", "c-2"), ("c", "c-1"), ("d", "c-2")]:
        store.transact(decide(event, conversation=conversation))
    with store.read() as view:
        latest = view.latest_decision("acme", "c-1")
    assert latest is not None
    assert latest.value["event"] == "c"


def test_acting_decision_is_found_by_its_id(store: Store) -> None:
    """A receipt names only the action, so its decision must be found by id."""
    store.transact(decide("a"))
    store.transact(decide("b", asks=True))
    with store.read() as view:
        found = view.acting_decision("acme", "dec-b")
        assert found == view.entry("acme", 1)
        assert view.acting_decision("acme", "dec-a") is None
        assert view.acting_decision("globex", "dec-b") is None
        assert view.search("acme", EntryFilter(has_actions=True), None, 9) == [found]


def test_receipts_are_returned_per_conversation_in_order(store: Store) -> None:
    """The status of an action is that of its last receipt."""
    for conversation in ("c-1", "c-2"):
        store.transact(decide(conversation, conversation=conversation, asks=True))
        for status in ("failed", "retried", "delivered"):
            store.transact(methodcaller("append", "acme", receipt(status, conversation)))
    with store.read() as view:
        assert indices(view.receipts("acme", "c-2")) == [5, 6, 7]
        assert view.receipts("acme", "c-3") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EntryFilter(), [0, 1, 2, 3, 4, 5]),
        (EntryFilter(kind="decision"), [3, 4, 5]),
        (EntryFilter(kind="version.approved"), [1]),
        (EntryFilter(kind="no.such"), []),
        (EntryFilter(conversation="c-2"), [4, 5]),
        (EntryFilter(contact="ct-2"), [5]),
        (EntryFilter(outcome="ask"), [4]),
        (EntryFilter(reason="anonymous_contact"), [4]),
        (EntryFilter(rule="otherwise"), [3, 4, 5]),
        (EntryFilter(version=1), [0, 1, 2, 3, 4]),
        (EntryFilter(version=2, kind="decision"), [5]),
        (EntryFilter(conversation="c-2", outcome="noted"), [5]),
        (EntryFilter(since=NOON + timedelta(milliseconds=1)), [4, 5]),
        (EntryFilter(since=NOON + timedelta(microseconds=1)), [4, 5]),
        (EntryFilter(until=NOON + timedelta(milliseconds=1)), [0, 1, 2, 3]),
        (EntryFilter(until=NOON + timedelta(milliseconds=1, microseconds=1)), [0, 1, 2, 3, 4]),
        (EntryFilter(since=NOON, until=NOON), []),
        (
            EntryFilter(
                since=(NOON + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=9)))
            ),
            [5],
        ),
    ],
)
def test_filter_returns_entries_that_match_every_member(
    store: Store, wanted: EntryFilter, found: list[int]
) -> None:
    """Times compare as moments, with any offset: `since` is inclusive, `until` is exclusive."""
    later = NOON + timedelta(milliseconds=1)
    store.transact(first_version)
    store.transact(decide("ev-1"))
    store.transact(
        decide("ev-2", conversation="c-2", at=later, outcome="ask", reason="anonymous_contact")
    )
    last = {"conversation": "c-2", "contact": "ct-2", "version": 2}
    store.transact(decide("ev-3", at=NOON + timedelta(seconds=1), **last))
    with store.read() as view:
        assert indices(view.search("acme", wanted, None, 100)) == found


EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
FIRST, LAST = datetime(1, 1, 1, tzinfo=EAST), datetime(9999, 12, 31, 23, 59, tzinfo=WEST)


def test_search_continues_after_the_given_index(store: Store) -> None:
    """Pages neither repeat nor skip an entry."""
    store.transact_each([decide(f"ev-{n}", conversation=f"c-{n % 2}") for n in range(10)])
    wanted = EntryFilter(conversation="c-1")
    with store.read() as view:
        assert indices(view.search("acme", wanted, None, 2)) == [1, 3]
        assert indices(view.search("acme", wanted, 3, 2)) == [5, 7]
        assert indices(view.search("acme", wanted, 7, 2)) == [9]
        assert view.search("acme", wanted, 9, 2) == []


def test_query_finds_nothing_when_a_number_is_too_large(store: Store) -> None:
    """A number larger than any index or version finds nothing and raises nothing."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        assert view.entry("acme", 10**30) is None
        assert view.personal("acme", 10**30) is None
        assert list(view.entries("acme", 10**30)) == []
        assert view.search("acme", EntryFilter(), 10**30, 9) == []
        assert view.search("acme", EntryFilter(version=10**30), None, 9) == []


def test_filter_accepts_a_time_outside_the_years_of_utc(store: Store) -> None:
    """A bound before year 1 or after year 9999 in UTC is not an error."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        assert indices(view.search("acme", EntryFilter(since=FIRST, until=LAST), None, 9)) == [0]
        assert view.search("acme", EntryFilter(since=LAST), None, 9) == []
        assert view.search("acme", EntryFilter(until=FIRST), None, 9) == []
