"""The contract of a store, held against every store: logs, transactions and snapshots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from audit.errors import AlreadyDecidedError, AuditError, BadLeafError
from audit.evidence.ledger_verifier import verify_ledger
from audit.log.merkle import compute_root
from audit.stores.contract import EntryFilter, LogHead, StoreSize
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

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Store, Transaction


def indices(entries: list[Entry]) -> list[int]:
    return [entry.index for entry in entries]


def test_missing_log_reads_as_empty(store: Store) -> None:
    """Reading a workspace before its first write finds nothing and is not an error."""
    with store.read() as view:
        assert view.logs() == []
        assert view.head("acme") == LogHead()
        assert view.entry("acme", 0) is None
        assert list(view.entries("acme")) == []
        assert view.decision("acme", "ev-1") is None
        assert view.latest_decision("acme", "c-1") is None
        assert view.latest_entry("acme", "version.") is None
        assert view.entries_of_family("acme", "version.") == []
        assert view.search("acme", EntryFilter(), None, 10) == []
        assert view.personal("acme", 0) is None
        assert view.document(DIGEST) is None


def test_indices_start_at_zero_in_each_log(store: Store) -> None:
    """A log has no gaps and does not depend on other logs."""
    for log, event in [("acme", "a"), ("zeta", "a"), ("acme", "b"), ("zeta", "b")]:
        store.transact(decide(event, workspace=log))
    with store.read() as view:
        assert view.logs() == ["acme", "zeta"]
        for log in view.logs():
            assert indices(list(view.entries(log))) == [0, 1]


def test_head_is_the_merkle_tree_over_the_entries(store: Store) -> None:
    """Size, root and frontier are those of RFC 9162 over the appended leaves."""
    for number in range(7):
        entry = store.transact(decide(f"ev-{number}"))
        with store.read() as view:
            head = view.head("acme")
            entries = list(view.entries("acme"))
        assert entries[-1] == entry
        assert head.size == head.frontier.size == number + 1
        assert head.root == head.frontier.root() == compute_root([e.leaf_hash for e in entries])


def test_entry_returns_the_leaf_unchanged(store: Store) -> None:
    """The store adds nothing to a leaf and keeps the personal part next to it."""
    given, beside = decision("ev-é"), personal("ev-é")
    entry = store.transact(lambda tx: tx.append("acme", given, beside))
    with store.read() as view:
        assert view.entry("acme", 0) == entry
        assert entry.value == given
        assert view.personal("acme", 0) == beside


def test_entries_include_start_and_exclude_stop(store: Store) -> None:
    """Holds also across the boundaries of the pages that the store reads."""
    store.transact_each([decide(f"ev-{number}") for number in range(1100)])
    with store.read() as view:
        assert [e.index for e in view.entries("acme", 400, 1050)] == list(range(400, 1050))
        assert [e.index for e in view.entries("acme", 1098)] == [1098, 1099]
        assert list(view.entries("acme", 5, 5)) == []


def test_transaction_reads_its_own_appends(store: Store) -> None:
    """A transaction may decide two events of one conversation."""

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


def test_transaction_has_one_time(store: Store) -> None:
    """`now` is the clock's reading, which the use case writes into its leaf."""
    assert store.transact(lambda tx: (tx.now, tx.now)) == (NOON, NOON)


def test_transaction_is_rolled_back_when_it_raises(store: Store) -> None:
    """The caller gets the error itself; appends, a first log and documents are gone."""

    def work(tx: Transaction) -> None:
        tx.add_document(DOCUMENT)
        decide("ev-1")(tx)
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        store.transact(work)
    with store.read() as view:
        assert (view.logs(), view.head("acme"), view.document(DIGEST)) == ([], LogHead(), None)
    assert store.transact(decide("ev-1")).index == 0


def test_batch_returns_one_outcome_per_write(store: Store) -> None:
    """A write that fails stops no other, and the others leave no gap."""

    def fails(tx: Transaction) -> Entry:
        decide("ev-lost")(tx)
        raise ValueError("no")

    works = [decide("ev-0"), fails, decide("ev-1"), decide("ev-0"), decide("ev-2")]
    outcomes = store.transact_each(works)
    assert [getattr(each, "index", type(each)) for each in outcomes] == [
        *(0, ValueError, 1, AlreadyDecidedError, 2)
    ]
    with store.read() as view:
        assert [e.value["event"] for e in view.entries("acme")] == ["ev-0", "ev-1", "ev-2"]
        assert view.head("acme").size == 3


def test_event_is_decided_once_per_workspace(store: Store) -> None:
    """The same event id in another workspace is another event."""
    store.transact(decide("ev-1"))
    with pytest.raises(AlreadyDecidedError):
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
def test_append_refuses_a_leaf_outside_the_format(store: Store, change: dict[str, Any]) -> None:
    """The store writes no leaf that the verifier could not accept later."""
    with pytest.raises(BadLeafError):
        store.transact(lambda tx: tx.append("acme", {**decision("e"), **change}, personal("e")))


def test_append_refuses_a_commitment_without_its_personal_part(store: Store) -> None:
    """Neither is written without the other."""
    with pytest.raises(BadLeafError):
        store.transact(lambda tx: tx.append("acme", decision("ev-1"), None))
    with pytest.raises(BadLeafError):
        store.transact(lambda tx: tx.append("acme", version("proposed"), personal("ev-1")))


def test_document_is_stored_once_under_its_digest(store: Store) -> None:
    """Adding a document again is not an error: two workspaces may have the same one."""
    for _ in range(2):
        assert store.transact(lambda tx: tx.add_document(DOCUMENT)) == DIGEST
    with store.read() as view:
        assert view.document(DIGEST) == DOCUMENT


def test_snapshot_does_not_change_when_others_write(store: Store) -> None:
    """A long read sees one state of the ledger from its first line to its last."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        store.transact(decide("ev-2"))
        assert view.head("acme").size == 1
        assert len(list(view.entries("acme"))) == 1
    with store.read() as view:
        assert view.head("acme").size == 2


def test_snapshot_is_refused_after_its_block(store: Store) -> None:
    """A later read would show another state, so it is refused."""
    with store.read() as view:
        stream = view.entries("acme")
    with pytest.raises(AuditError):
        next(stream)
    leaked: Transaction = store.transact(lambda tx: tx)
    with pytest.raises(AuditError):
        leaked.append("acme", decision("ev-1"), personal("ev-1"))


def test_threads_append_to_one_log_without_gaps(store: Store) -> None:
    """Every acknowledged entry has the index that was returned, and the log verifies."""
    store.transact(first_version)
    with ThreadPoolExecutor(16) as threads:
        works = [decide(f"ev-{n}", conversation=f"c-{n}") for n in range(200)]
        given = list(threads.map(store.transact, works))
    with store.read() as view:
        assert sorted(given, key=lambda e: e.index) == list(view.entries("acme", 3))
        [report] = verify_ledger(view)
    assert (report.size, report.findings) == (203, ())


def test_size_covers_all_logs(store: Store) -> None:
    """The size counts the entries of all logs, and stays the same within a snapshot."""
    with store.read() as view:
        empty = view.size()
    assert empty.entries == 0
    store.transact_each(
        [decide(f"ev-{n}", workspace=log) for log in ("acme", "zeta") for n in range(50)]
    )
    with store.read() as view:
        size = view.size()
        stays = view.size()
        store.transact(decide("ev-50"))
        assert view.size() == stays
    assert isinstance(size, StoreSize)
    assert size.entries == 100
    assert size.bytes > empty.bytes


def test_commit_listener_receives_writes_and_seconds(store: Store) -> None:
    """Every write is in exactly one reported commit."""
    told: list[tuple[int, float]] = []
    store.transact(decide("before"))
    store.on_commit(lambda works, seconds: told.append((works, seconds)))
    store.transact(decide("ev-0"))
    assert [works for works, _ in told] == [1]
    store.transact_each([decide(f"ev-{n}") for n in range(1, 8)])
    assert sum(works for works, _ in told) == 8
    assert all(0 < seconds < 60 for _, seconds in told)
