"""Lookup keys speed up a batch; its results and the ledger are the same without them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stores.sqlite.store import SqliteStore
from tests.contracts.conftest import clock
from tests.depth import DEPTH
from tests.fakes.leaves import decide
from tests.fakes.memory_store import MemoryStore

if TYPE_CHECKING:
    from audit.stores.contract import LookupKey, Store, Transaction

names = st.sampled_from


@dataclass(frozen=True)
class Step:
    """An operation of a random write: append, erase, look or fail."""

    does: str
    log: str
    event: str
    conversation: str
    contact: str

    def __call__(self, tx: Transaction) -> object:
        if self.does == "decide":
            members = {"conversation": self.conversation, "contact": self.contact}
            return decide(self.event, workspace=self.log, **members)(tx)
        if self.does == "erase":
            return tx.erase(self.log, self.contact)
        if self.does == "look":
            return (
                tx.decision(self.log, self.event),
                tx.latest_decision(self.log, self.conversation),
                tx.latest_index(self.log, self.conversation),
                tx.sizes() if self.contact == "ct-1" else None,
            )
        raise LookupError("on purpose")


@dataclass(frozen=True)
class Work:
    """A write of several steps; an error of a step ends it."""

    steps: tuple[Step, ...]

    def __call__(self, tx: Transaction) -> list[object]:
        return [step(tx) for step in self.steps]

    def about(self, store: Store) -> LookupKey:
        first = self.steps[0]
        return store.lookup_key(first.log, first.event, first.conversation, first.contact)


steps = st.builds(
    Step,
    does=names(["decide", "decide", "decide", "look", "erase", "fail"]),
    log=names(["acme", "zeta"]),
    event=names(["a", "b", "c", "d\x00", "d"]),
    conversation=names(["c-1", "c-2"]),
    contact=names(["ct-1", "ct-2"]),
)
works = st.lists(st.lists(steps, min_size=1, max_size=3).map(tuple).map(Work), max_size=8)
groups = st.lists(st.tuples(works, st.booleans()), min_size=1, max_size=4)


def outcomes(store: Store, works: list[Work], *, told: bool) -> list[object]:
    about = [work.about(store) for work in works] if told else []
    done = store.transact_each(works, about)
    return [(type(each), str(each)) if isinstance(each, Exception) else each for each in done]


def left(store: Store) -> dict[str, Any]:
    with store.read() as view:
        assert list(view.integrity_errors()) == []
        return {
            log: (
                view.head(log),
                [(entry, view.personal(log, entry.index)) for entry in view.entries(log)],
            )
            for log in view.logs()
        }


@settings(deadline=None, derandomize=True, max_examples=40 * DEPTH)
@given(groups)
def test_batch_has_the_same_results_with_and_without_lookup_keys(
    groups: list[tuple[list[Work], bool]],
) -> None:
    """Holds also if another write of the batch failed, erased, or decided the same event."""
    in_memory = MemoryStore(clock)
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteStore.create(Path(folder), clock=clock) as on_disk,
    ):
        for works, told in groups:
            assert outcomes(on_disk, works, told=told) == outcomes(in_memory, works, told=False)
            assert left(on_disk) == left(in_memory)
