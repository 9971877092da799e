"""The contract of a store, held against every store: erasing a contact for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.stores.contract import EntryFilter
from tests.fakes.leaves import decide, personal

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction


@pytest.fixture(autouse=True)
def told(store: Store) -> None:
    """Record two decisions on ct-1, one on ct-2, and one on another workspace's ct-1."""
    for event, contact in [("a", "ct-1"), ("b", "ct-2"), ("c", "ct-1")]:
        store.transact(decide(event, contact=contact))
    store.transact(decide("a", workspace="zeta"))


def erase(store: Store, contact: str = "ct-1") -> list[int]:
    return store.transact(lambda tx: tx.erase("acme", contact))


def test_erase_removes_every_part_of_the_contact_and_no_other(store: Store) -> None:
    """The entries stay; only their personal parts are gone."""
    with store.read() as view:
        entries = list(view.entries("acme"))
    assert erase(store) == [0, 2]
    with store.read() as view:
        assert [view.personal("acme", index) for index in range(3)] == [
            *(None, personal("b", "ct-2"), None)
        ]
        assert view.personal("zeta", 0) == personal("a")
        assert list(view.entries("acme")) == entries
        assert view.search("acme", EntryFilter(contact="ct-1"), None, 9) == []
        assert list(view.integrity_errors()) == []


def test_erase_removes_nothing_when_the_contact_is_unknown(store: Store) -> None:
    """Erasing a contact a second time removes nothing either."""
    assert erase(store, "ct-9") == []
    assert erase(store) == [0, 2]
    assert erase(store) == []


def test_erased_contact_can_return_and_be_erased_again(store: Store) -> None:
    """Later personal parts of the contact can be read, and erased in their turn."""
    erase(store)
    store.transact(decide("d"))
    with store.read() as view:
        assert view.personal("acme", 3) == personal("d")
        assert view.personal("acme", 0) is None
    assert erase(store) == [3]


def test_erase_is_undone_when_the_transaction_fails(store: Store) -> None:
    """Personal parts come back with the rollback."""

    def work(tx: Transaction) -> None:
        assert tx.erase("acme", "ct-1") == [0, 2]
        assert tx.personal("acme", 0) is None
        raise ValueError("held")

    with pytest.raises(ValueError, match="held"):
        store.transact(work)
    with store.read() as view:
        assert view.personal("acme", 0) == personal("a", "ct-1")
