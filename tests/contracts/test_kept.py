"""Every store keeps work that was asked for beside its logs."""

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


def test_what_is_kept_is_found_in_the_order_of_its_coming(store: Store) -> None:
    store.transact(lambda tx: keep(tx, FIRST, SECOND))
    ended = Job("w-2", "acme", finished=True, body=b"\x00\xff")
    store.transact(lambda tx: keep(tx, ended))
    with store.read() as snapshot:
        assert snapshot.jobs() == [ended, SECOND]
        assert snapshot.jobs("globex") == [SECOND]
        assert (snapshot.job("w-2"), snapshot.job("w-3")) == (ended, None)
        assert snapshot.logs() == []


def test_what_is_forgotten_is_not_found(store: Store) -> None:
    store.transact(lambda tx: keep(tx, FIRST, SECOND))
    store.transact(lambda tx: tx.delete_job("w-2"))
    store.transact(lambda tx: tx.delete_job("w-2"))
    with store.read() as snapshot:
        assert snapshot.jobs() == [SECOND]


def test_work_that_fails_keeps_nothing(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        keep(tx, FIRST)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        store.transact(fail)
    with store.read() as snapshot:
        assert snapshot.jobs() == []
