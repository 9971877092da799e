"""The contract of a store, held against every store: what is no entry, and what is told."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING

import pytest

from audit.stores.contract import StoreSize
from tests.fakes.leaves import decide

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction

EARLY, LATE = "2026-11-22T12:00:00.999Z", "2026-11-22T12:01:00.000Z"


def last_uses(store: Store) -> dict[str, str]:
    with store.read() as view:
        return view.last_uses()


def record(store: Store, **uses: str) -> None:
    store.transact(methodcaller("record_key_uses", uses))


def test_a_last_use_only_moves_forwards(store: Store) -> None:
    """Of two processes that saw the key used, the later use counts, whoever writes first."""
    assert last_uses(store) == {}
    record(store, a=LATE, b=EARLY)
    record(store, a=EARLY, b=LATE, c=EARLY)
    assert last_uses(store) == {"a": LATE, "b": LATE, "c": EARLY}


def test_a_last_use_is_no_entry(store: Store) -> None:
    """No log grows, so no root changes, because somebody looked."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        before = view.head("acme")
    record(store, a=EARLY)
    with store.read() as view:
        assert (view.logs(), view.head("acme"), view.size().entries) == (["acme"], before, 1)
        assert list(view.integrity_errors()) == []


def test_a_work_that_raises_records_no_use(store: Store) -> None:
    record(store, a=EARLY)

    def work(tx: Transaction) -> None:
        tx.record_key_uses({"a": LATE, "b": LATE})
        assert tx.last_uses() == {"a": LATE, "b": LATE}
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        store.transact(work)
    assert last_uses(store) == {"a": EARLY}


def test_the_size_is_that_of_all_logs(store: Store) -> None:
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


def test_each_commit_is_told_with_its_works_and_seconds(store: Store) -> None:
    told: list[tuple[int, float]] = []
    store.transact(decide("before"))
    store.on_commit(lambda works, seconds: told.append((works, seconds)))
    store.transact(decide("ev-0"))
    assert [works for works, _ in told] == [1]
    store.transact_each([decide(f"ev-{n}") for n in range(1, 8)])
    assert sum(works for works, _ in told) == 8
    assert all(0 < seconds < 60 for _, seconds in told)
