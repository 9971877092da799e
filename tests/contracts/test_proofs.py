"""The contract of a store, held against every store: the reads of proofs and checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.entry import format_time
from audit.errors import MissingLeavesError, NotSignedError
from audit.evidence.recompute import extend_frontier, frontier_at_checkpoint
from audit.log import merkle
from audit.log.merkle import Frontier
from audit.stores.subtree_cache import SubtreeCache
from tests.fakes.leaves import NOON, decide

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction

ENTRIES = 600


def checkpoint(tx: Transaction) -> None:
    leaf = {"format": 1, "kind": "checkpoint", "at": format_time(NOON), "workspace": "system"}
    tx.append("system", {**leaf, "size": tx.head("system").size})


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a store with a log of two full subtrees and some more leaves."""

    def fill(tx: Transaction) -> None:
        for number in range(ENTRIES):
            decide(f"ev-{number}", conversation=f"c-{number}")(tx)

    store.transact(fill)
    return store


def test_sizes_equal_the_sizes_of_the_heads(store: Store) -> None:
    """Inside a transaction the sizes include its own appends."""
    store.transact(decide("ev-1"))

    def work(tx: Transaction) -> dict[str, int]:
        decide("ev-2", conversation="c-2")(tx)
        decide("ev-1", workspace="zeta")(tx)
        return tx.sizes()

    assert store.transact(work) == {"acme": 2, "zeta": 1}
    with store.read() as view:
        assert view.sizes() == {log: view.head(log).size for log in view.logs()}


def test_leaf_hashes_equal_those_of_the_entries(filled: Store) -> None:
    """A range beyond the end of the log is cut off."""
    with filled.read() as view:
        hashes = [entry.leaf_hash for entry in view.entries("acme")]
        assert view.leaf_hashes("acme", 0, ENTRIES) == hashes
        assert view.leaf_hashes("acme", 250, 260) == hashes[250:260]
        assert view.leaf_hashes("acme", ENTRIES - 1, ENTRIES + 9) == hashes[-1:]
        assert view.leaf_hashes("none", 0, 1) == []


def test_reversed_entries_start_with_the_newest(store: Store) -> None:
    """Only entries of the given kind are returned."""
    for _ in range(3):
        store.transact(checkpoint)
    with store.read() as view:
        assert [entry.index for entry in view.reversed_entries("system", "checkpoint")] == [2, 1, 0]
        assert list(view.reversed_entries("system", "ledger.restored")) == []


def test_cached_subtrees_give_the_same_proofs_as_all_leaves(filled: Store) -> None:
    """Roots, inclusion proofs and consistency proofs are those of the reference implementation."""
    subtrees = SubtreeCache()
    with filled.read() as view:
        leaves = view.leaf_hashes("acme", 0, ENTRIES)
        for size in (1, 255, 256, 257, 511, 512, 513, ENTRIES):
            tree = subtrees.tree(view, "acme", size)
            assert subtrees.frontier(view, "acme", size).root() == merkle.compute_root(
                leaves[:size]
            )
            assert tree.inclusion_proof(size - 1) == merkle.build_inclusion_proof(
                leaves[:size], size - 1
            )
            assert tree.consistency_proof(1) == merkle.build_consistency_proof(leaves[:size], 1)
        with pytest.raises(MissingLeavesError):
            subtrees.frontier(view, "acme", ENTRIES + 1)


def test_extended_frontier_equals_stored_head(filled: Store) -> None:
    """A root recomputed in steps is the root that the store keeps."""
    with filled.read() as view:
        whole = extend_frontier(view, "acme", Frontier())
        head = view.head("acme")
    assert (whole.size, whole.root()) == (head.size, head.root)
    filled.transact(decide("one-more", conversation="c-x"))
    with filled.read() as view:
        assert extend_frontier(view, "acme", whole) == view.head("acme").frontier
        assert frontier_at_checkpoint(view, "acme", None, SubtreeCache()) == Frontier()
        with pytest.raises(NotSignedError):
            extend_frontier(view, "none", whole)
