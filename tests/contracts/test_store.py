"""The contract of audit.store, held against every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import Kind, format_time
from audit.errors import AlreadyThere, AuditError, BadLeaf
from audit.merkle import root
from audit.store import Filter, Head
from audit.stores.sqlite import SqliteStore
from audit.verify import verify_all
from tests.fakes.leaves import (
    DIGEST,
    DOCUMENT,
    NOON,
    decide,
    decision,
    first_version,
    personal,
    version,
)
from tests.fakes.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from audit.entry import Entry
    from audit.store import Store, Transaction


def clock() -> datetime:
    return NOON


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    made = (
        MemoryStore(clock)
        if request.param == "memory"
        else SqliteStore.create(tmp_path, clock=clock)
    )
    yield made
    made.close()


def receipt(status: str, conversation: str) -> dict[str, Any]:
    """The leaf of a receipt for the action of a conversation's only decision."""
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


def indices(entries: list[Entry]) -> list[int]:
    return [entry.index for entry in entries]


def test_a_log_that_is_not_there_is_empty(store: Store) -> None:
    """Reading a workspace before its first write finds nothing, and is no error."""
    with store.read() as view:
        assert view.logs() == []
        assert view.head("acme") == Head()
        assert view.entry("acme", 0) is None
        assert list(view.entries("acme")) == []
        assert view.decision("acme", "ev-1") is None
        assert view.latest_decision("acme", "c-1") is None
        assert view.latest("acme", "version.") is None
        assert view.entries_of("acme", "version.") == []
        assert view.search("acme", Filter(), None, 10) == []
        assert view.personal("acme", 0) is None
        assert view.document(DIGEST) is None


def test_indices_count_from_zero_in_each_log(store: Store) -> None:
    """A log has no gaps, and knows nothing of the others."""
    for log, event in [("acme", "a"), ("zeta", "a"), ("acme", "b"), ("zeta", "b")]:
        store.transact(decide(event, workspace=log))
    with store.read() as view:
        assert view.logs() == ["acme", "zeta"]
        for log in view.logs():
            assert indices(list(view.entries(log))) == [0, 1]


def test_the_head_is_the_tree_over_the_entries(store: Store) -> None:
    """Size, root and frontier are those of RFC 9162 over what was appended."""
    for number in range(7):
        entry = store.transact(decide(f"ev-{number}"))
        with store.read() as view:
            head = view.head("acme")
            entries = list(view.entries("acme"))
        assert entries[-1] == entry
        assert head.size == head.frontier.size == number + 1
        assert head.root == head.frontier.root() == root([e.leaf_hash for e in entries])


def test_a_leaf_comes_back_as_it_was_given(store: Store) -> None:
    """The store adds nothing to a leaf, and keeps the personal part beside it."""
    given, beside = decision("ev-é"), personal("ev-é")
    entry = store.transact(lambda tx: tx.append("acme", given, beside))
    with store.read() as view:
        assert view.entry("acme", 0) == entry
        assert entry.value == given
        assert view.personal("acme", 0) == beside


def test_entries_stream_from_start_to_stop(store: Store) -> None:
    """`start` is inclusive, `stop` exclusive, also across what is read at once."""
    store.transact_each([decide(f"ev-{number}") for number in range(1100)])
    with store.read() as view:
        assert [e.index for e in view.entries("acme", 400, 1050)] == list(range(400, 1050))
        assert [e.index for e in view.entries("acme", 1098)] == [1098, 1099]
        assert list(view.entries("acme", 5, 5)) == []


def test_a_transaction_sees_its_own_appends(store: Store) -> None:
    """A work may decide two events of one conversation."""

    def work(tx: Transaction) -> None:
        first = decide("ev-1")(tx)
        assert tx.logs() == ["acme"]
        assert tx.decision("acme", "ev-1") == first == tx.latest_decision("acme", "c-1")
        assert tx.head("acme").size == 1
        second = decide("ev-2")(tx)
        assert tx.latest_decision("acme", "c-1") == second
        assert tx.personal("acme", 1) == personal("ev-2")
        assert list(tx.entries("acme")) == [first, second]

    store.transact(work)


def test_a_transaction_has_one_time(store: Store) -> None:
    """`now` is the clock's reading, which the use case writes into its leaf."""
    assert store.transact(lambda tx: (tx.now, tx.now)) == (NOON, NOON)


def test_a_work_that_raises_leaves_nothing(store: Store) -> None:
    """Its error is its own, and what it appended, first log and document included, is gone."""

    def work(tx: Transaction) -> None:
        tx.add_document(DOCUMENT)
        decide("ev-1")(tx)
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        store.transact(work)
    with store.read() as view:
        assert (view.logs(), view.head("acme"), view.document(DIGEST)) == ([], Head(), None)
    assert store.transact(decide("ev-1")).index == 0


def test_each_of_many_works_has_its_own_outcome(store: Store) -> None:
    """The bad ones stop nothing, and the good ones stand in order without a gap."""

    def fails(tx: Transaction) -> Entry:
        decide("ev-lost")(tx)
        raise ValueError("no")

    works = [decide("ev-0"), fails, decide("ev-1"), decide("ev-0"), decide("ev-2")]
    outcomes = store.transact_each(works)
    assert [getattr(each, "index", type(each)) for each in outcomes] == [
        *(0, ValueError, 1, AlreadyThere, 2)
    ]
    with store.read() as view:
        assert [e.value["event"] for e in view.entries("acme")] == ["ev-0", "ev-1", "ev-2"]
        assert view.head("acme").size == 3


def test_an_event_is_decided_once_in_its_workspace(store: Store) -> None:
    """The same event id in another workspace is another event."""
    store.transact(decide("ev-1"))
    with pytest.raises(AlreadyThere):
        store.transact(decide("ev-1", conversation="c-2"))
    assert store.transact(decide("ev-1", workspace="zeta")).index == 0


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": True},
        {"kind": "decided"},
        {"kind": ["decision"]},
        {"at": "2026-11-22T12:00:00Z"},
        {"at": "2026-02-30T12:00:00.000Z"},
        {"workspace": "zeta"},
        {"score": 0.5},
        {"score": [{"a": 1e300}]},
        {"score": 2**53},
        {"commitment": "AAAA"},
    ],
)
def test_a_leaf_that_is_not_of_the_format_is_refused(store: Store, change: dict[str, Any]) -> None:
    """What cannot be verified later is not written now."""
    with pytest.raises(BadLeaf):
        store.transact(lambda tx: tx.append("acme", {**decision("e"), **change}, personal("e")))


def test_a_commitment_and_its_personal_part_come_together(store: Store) -> None:
    """Neither is written without the other."""
    with pytest.raises(BadLeaf):
        store.transact(lambda tx: tx.append("acme", decision("ev-1"), None))
    with pytest.raises(BadLeaf):
        store.transact(lambda tx: tx.append("acme", version("proposed"), personal("ev-1")))


def test_a_document_is_kept_once_under_its_digest(store: Store) -> None:
    """Adding it again is no error: two workspaces may hold the same document."""
    for _ in range(2):
        assert store.transact(lambda tx: tx.add_document(DOCUMENT)) == DIGEST
    with store.read() as view:
        assert view.document(DIGEST) == DOCUMENT


def test_the_latest_of_a_family_is_found_among_other_kinds(store: Store) -> None:
    """Which version is active depends on it, decision by decision."""
    store.transact(first_version)
    store.transact(decide("ev-1"))
    store.transact(lambda tx: tx.append("acme", version("retired")))
    store.transact(decide("ev-2"))
    with store.read() as view:
        assert view.latest("acme", "version.") == view.entry("acme", 4)
        assert view.latest("acme", "version.activated") == view.entry("acme", 2)
        assert view.latest("acme", "hold.") is None
        assert view.latest("acme", Kind.DECISION) == view.entry("acme", 5)
        assert indices(view.entries_of("acme", "version.")) == [0, 1, 2, 4]
        assert indices(view.entries_of("acme", Kind.DECISION)) == [3, 5]


def test_the_latest_decision_is_that_of_the_conversation(store: Store) -> None:
    """Stage, asks and pinned version are read from it."""
    for event, conversation in [("a", "c-1"), ("b", "c-2"), ("c", "c-1"), ("d", "c-2")]:
        store.transact(decide(event, conversation=conversation))
    with store.read() as view:
        latest = view.latest_decision("acme", "c-1")
    assert latest is not None
    assert latest.value["event"] == "c"


def test_a_decision_that_asks_for_actions_is_found_by_its_id(store: Store) -> None:
    """A receipt names the action alone."""
    store.transact(decide("a"))
    store.transact(decide("b", asks=True))
    with store.read() as view:
        found = view.acting("acme", "dec-b")
        assert found == view.entry("acme", 1)
        assert view.acting("acme", "dec-a") is None
        assert view.acting("globex", "dec-b") is None
        assert view.search("acme", Filter(acting=True), None, 9) == [found]


def test_receipts_are_those_of_the_conversation_in_order(store: Store) -> None:
    """What became of an action is the last thing that was said of it."""
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
        (Filter(), [0, 1, 2, 3, 4, 5]),
        (Filter(kind="decision"), [3, 4, 5]),
        (Filter(kind="version.approved"), [1]),
        (Filter(kind="no.such"), []),
        (Filter(conversation="c-2"), [4, 5]),
        (Filter(contact="ct-2"), [5]),
        (Filter(outcome="ask"), [4]),
        (Filter(reason="anonymous_contact"), [4]),
        (Filter(rule="otherwise"), [3, 4, 5]),
        (Filter(version=1), [0, 1, 2, 3, 4]),
        (Filter(version=2, kind="decision"), [5]),
        (Filter(conversation="c-2", outcome="noted"), [5]),
        (Filter(since=NOON + timedelta(milliseconds=1)), [4, 5]),
        (Filter(since=NOON + timedelta(microseconds=1)), [4, 5]),
        (Filter(until=NOON + timedelta(milliseconds=1)), [0, 1, 2, 3]),
        (Filter(until=NOON + timedelta(milliseconds=1, microseconds=1)), [0, 1, 2, 3, 4]),
        (Filter(since=NOON, until=NOON), []),
        (Filter(since=(NOON + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=9)))), [5]),
    ],
)
def test_a_filter_finds_what_holds_for_all_it_gives(
    store: Store, wanted: Filter, found: list[int]
) -> None:
    """Times are compared as times: `since` inclusive, `until` exclusive, whatever the offset."""
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


def test_a_search_goes_on_after_where_it_stopped(store: Store) -> None:
    """Pages neither repeat nor skip an entry."""
    store.transact_each([decide(f"ev-{n}", conversation=f"c-{n % 2}") for n in range(10)])
    wanted = Filter(conversation="c-1")
    with store.read() as view:
        assert indices(view.search("acme", wanted, None, 2)) == [1, 3]
        assert indices(view.search("acme", wanted, 3, 2)) == [5, 7]
        assert indices(view.search("acme", wanted, 7, 2)) == [9]
        assert view.search("acme", wanted, 9, 2) == []


def test_a_number_beyond_all_bounds_is_not_there(store: Store) -> None:
    """Whatever number a caller was given, the answer is that there is nothing."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        assert view.entry("acme", 10**30) is None
        assert view.personal("acme", 10**30) is None
        assert list(view.entries("acme", 10**30)) == []
        assert view.search("acme", Filter(), 10**30, 9) == []
        assert view.search("acme", Filter(version=10**30), None, 9) == []


def test_a_snapshot_stays_as_it_was(store: Store) -> None:
    """A long reading sees one state of the ledger from its first to its last line."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        store.transact(decide("ev-2"))
        assert view.head("acme").size == 1
        assert len(list(view.entries("acme"))) == 1
    with store.read() as view:
        assert view.head("acme").size == 2


def test_a_snapshot_ends_with_its_block(store: Store) -> None:
    """What is read later would be of another moment, so it is refused."""
    with store.read() as view:
        stream = view.entries("acme")
    with pytest.raises(AuditError):
        next(stream)
    leaked: Transaction = store.transact(lambda tx: tx)
    with pytest.raises(AuditError):
        leaked.append("acme", decision("ev-1"), personal("ev-1"))


def test_many_threads_make_one_log_without_gaps(store: Store) -> None:
    """Every acknowledged entry stands at the index it was given, and the log verifies."""
    store.transact(first_version)
    with ThreadPoolExecutor(16) as threads:
        works = [decide(f"ev-{n}", conversation=f"c-{n}") for n in range(200)]
        given = list(threads.map(store.transact, works))
    with store.read() as view:
        assert sorted(given, key=lambda e: e.index) == list(view.entries("acme", 3))
        [report] = verify_all(view)
    assert (report.size, report.findings) == (203, ())
