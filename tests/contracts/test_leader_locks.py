"""Every store gives out leader locks: at most one holder per name at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.stores.contract import Store


def test_leader_lock_has_one_holder_until_it_is_released(store: Store) -> None:
    """A second attempt returns at once and succeeds only after the release."""
    first, second = store.leader_lock("jobs"), store.leader_lock("jobs")
    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    assert not first.try_acquire()


def test_leader_lock_stays_acquired_when_it_is_tried_again(store: Store) -> None:
    """The holder asks before each turn whether it still leads."""
    lock = store.leader_lock("jobs")
    assert lock.try_acquire()
    assert lock.try_acquire()
    lock.release()
    assert store.leader_lock("jobs").try_acquire()


def test_leader_lock_is_not_released_by_another_object(store: Store) -> None:
    """A process that does not lead can stop without ending the leader's work."""
    first, second = store.leader_lock("jobs"), store.leader_lock("jobs")
    assert first.try_acquire()
    second.release()
    assert not store.leader_lock("jobs").try_acquire()


def test_leader_locks_of_different_names_are_independent(store: Store) -> None:
    """The process that signs need not be the one that replays."""
    assert store.leader_lock("jobs").try_acquire()
    assert store.leader_lock("replays").try_acquire()


def test_leader_lock_does_not_delay_writes(store: Store) -> None:
    """A leader writes to the store while it leads."""
    assert store.leader_lock("jobs").try_acquire()
    assert store.transact(lambda tx: tx.logs()) == []
