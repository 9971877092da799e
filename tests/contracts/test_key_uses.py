"""The contract of a store, held against every store: when each key was last used."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING

import pytest

from tests.fakes.leaves import decide

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction

EARLY, LATE = "2026-11-22T12:00:00.999Z", "2026-11-22T12:01:00.000Z"


def last_uses(store: Store) -> dict[str, str]:
    with store.read() as view:
        return view.last_uses()


def record(store: Store, **uses: str) -> None:
    store.transact(methodcaller("record_key_uses", uses))


def test_last_use_only_moves_forwards(store: Store) -> None:
    """The later use counts if two processes saw the key used, in whichever order they write."""
    assert last_uses(store) == {}
    record(store, a=LATE, b=EARLY)
    record(store, a=EARLY, b=LATE, c=EARLY)
    assert last_uses(store) == {"a": LATE, "b": LATE, "c": EARLY}


def test_last_use_adds_no_entry(store: Store) -> None:
    """No log grows and no root changes because somebody used a key."""
    store.transact(decide("ev-1"))
    with store.read() as view:
        before = view.head("acme")
    record(store, a=EARLY)
    with store.read() as view:
        assert (view.logs(), view.head("acme"), view.size().entries) == (["acme"], before, 1)
        assert list(view.integrity_errors()) == []


def test_last_use_is_not_recorded_when_the_transaction_fails(store: Store) -> None:
    """A use is rolled back with its transaction."""
    record(store, a=EARLY)

    def work(tx: Transaction) -> None:
        tx.record_key_uses({"a": LATE, "b": LATE})
        assert tx.last_uses() == {"a": LATE, "b": LATE}
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        store.transact(work)
    assert last_uses(store) == {"a": EARLY}
