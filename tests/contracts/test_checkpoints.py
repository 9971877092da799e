"""Every store keeps the newest checkpoint of each log outside its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.checkpoint import Checkpoint, sign_checkpoint
from audit.log.signed_note import EvidenceError
from audit.stores.signing import SigningKey, StoredCheckpoint
from tests.fakes.leaves import decide

if TYPE_CHECKING:
    from audit.stores.contract import Store

KEY = SigningKey.generate()


def signed(size: int, log: str = "acme") -> bytes:
    checkpoint = Checkpoint(f"example.org/{log}", size, bytes(32))
    return sign_checkpoint(checkpoint, KEY.verifier(checkpoint.origin), KEY.sign)


def test_newest_returns_the_saved_note_and_its_checkpoint(store: Store) -> None:
    """A log has none before the first is saved, and other logs have their own."""
    assert (store.checkpoints.logs(), store.checkpoints.newest("acme")) == ([], None)
    for log in ("zeta", "acme"):
        store.checkpoints.save(log, signed(7, log))
    assert store.checkpoints.logs() == ["acme", "zeta"]
    assert store.checkpoints.newest("acme") == StoredCheckpoint(
        signed(7), Checkpoint("example.org/acme", 7, bytes(32))
    )


def test_save_keeps_the_checkpoint_of_more_entries(store: Store) -> None:
    """Of two processes that sign at the same time, the one that writes last must not win."""
    for size in (5, 7, 6):
        store.checkpoints.save("acme", signed(size))
    stored = store.checkpoints.newest("acme")
    assert stored
    assert stored.checkpoint.size == 7


def test_save_refuses_bytes_that_are_not_a_checkpoint(store: Store) -> None:
    """Bad bytes do not replace a checkpoint that proves something."""
    store.checkpoints.save("acme", signed(7))
    with pytest.raises(EvidenceError):
        store.checkpoints.save("acme", b"nothing signed")
    stored = store.checkpoints.newest("acme")
    assert stored
    assert stored.note == signed(7)


def test_archive_leaves_the_log_without_a_checkpoint(store: Store) -> None:
    """After an accepted loss the log may be signed again at a smaller size."""
    store.checkpoints.save("acme", signed(7))
    store.checkpoints.save("zeta", signed(1, "zeta"))
    store.checkpoints.archive("acme")
    store.checkpoints.archive("acme")
    assert (store.checkpoints.logs(), store.checkpoints.newest("acme")) == (["zeta"], None)
    store.checkpoints.save("acme", signed(3))
    stored = store.checkpoints.newest("acme")
    assert stored
    assert stored.checkpoint.size == 3


def test_refusal_is_read_until_it_is_cleared(store: Store) -> None:
    """Every process of the service can report why checkpoints are refused."""
    assert store.checkpoints.read_refusal() == ""
    for message in ("acme has fewer entries than were signed", "zeta too", ""):
        store.checkpoints.write_refusal(message)
        assert store.checkpoints.read_refusal() == message
    assert store.checkpoints.logs() == []


def test_signer_stores_a_checkpoint_of_each_log(store: Store) -> None:
    """A signer needs the contract alone: it works on every store."""
    store.transact(decide("ev-1"))
    signer = CheckpointSigner(store, "example.org")
    assert signer.sign_due() == {}
    assert store.checkpoints.logs() == ["acme", "system"]
    stored = store.checkpoints.newest("acme")
    assert stored == signer.latest_checkpoint("acme")
    assert signer.proof("acme", 0) is not None
