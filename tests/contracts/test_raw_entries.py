"""The contract of a store, held against every store: raw entries for deciding again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from audit.replay.replay import parse_raw_entry
from tests.fakes.leaves import decision, personal

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction


def append(leaf: dict[str, Any], tx: Transaction) -> None:
    tx.append("acme", leaf, personal(leaf["event"]))


def test_raw_entry_equals_its_parsed_entry(store: Store) -> None:
    """A replay reads raw entries; it sees the same decision as a reader of parsed entries."""
    for number, asks in enumerate((True, False, True)):
        leaf = decision(f"ev-{number}", asks=asks)
        store.transact(partial(append, leaf))
    with store.read() as snapshot:
        entries = list(snapshot.entries("acme"))
        recorded = list(snapshot.raw_entries("acme"))
        assert [line.position for line in snapshot.raw_entries("acme", 1, 2)] == [1]
        assert list(snapshot.raw_entries("globex")) == []
    for entry, line in zip(entries, recorded, strict=True):
        leaf = {name: value for name, value in entry.value.items() if name != "event"}
        policy = {"digest": leaf["policy"]["digest"]}
        assert parse_raw_entry(line) == {**leaf, "policy": policy}
        assert line.at == entry.value["at"].encode()
