"""The contract of a store, held against every store: the queue of jobs, outside the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.stores.contract import Job

if TYPE_CHECKING:
    from audit.stores.contract import Store, Transaction

FIRST = Job("w-2", "acme", finished=False, body=b"{}")
SECOND = Job("w-1", "globex", finished=False, body=b"[]")


def keep(tx: Transaction, *works: Job) -> None:
    for work in works:
        tx.save_job(work)


def test_jobs_are_returned_in_order_of_arrival(store: Store) -> None:
    """A job keeps its place in the queue if it is saved again."""
    store.transact(lambda tx: keep(tx, FIRST, SECOND))
    ended = Job("w-2", "acme", finished=True, body=b"\x00\xff")
    store.transact(lambda tx: keep(tx, ended))
    with store.read() as snapshot:
        assert snapshot.jobs() == [ended, SECOND]
        assert snapshot.jobs("globex") == [SECOND]
        assert (snapshot.job("w-2"), snapshot.job("w-3")) == (ended, None)
        assert snapshot.logs() == []


def test_deleted_job_is_gone(store: Store) -> None:
    """Deleting a job a second time is not an error."""
    store.transact(lambda tx: keep(tx, FIRST, SECOND))
    store.transact(lambda tx: tx.delete_job("w-2"))
    store.transact(lambda tx: tx.delete_job("w-2"))
    with store.read() as snapshot:
        assert snapshot.jobs() == [SECOND]


def test_job_is_not_saved_when_the_transaction_fails(store: Store) -> None:
    """A job is rolled back with its transaction."""

    def fail(tx: Transaction) -> None:
        keep(tx, FIRST)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        store.transact(fail)
    with store.read() as snapshot:
        assert snapshot.jobs() == []
