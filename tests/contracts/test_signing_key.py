"""Every store has at most one key that signs checkpoints, and creates it only on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.errors import NoSigningKeyError
from audit.log import ed25519
from audit.log.signed_note import BadKeyError
from audit.stores.signing import SigningKey

if TYPE_CHECKING:
    from audit.stores.contract import Store


def test_signing_key_stays_the_same_when_creation_is_requested_again(store: Store) -> None:
    """A ledger never gets a second key: it could not continue a log that others know."""
    key = store.signing_key(create=True)
    for again in (store.signing_key(create=True), store.signing_key()):
        assert again.to_pem() == key.to_pem()


def test_signing_key_signs_for_its_verifier(store: Store) -> None:
    """A signature of the store's key verifies with the public key, and for no other message."""
    key = store.signing_key(create=True)
    signature = key.sign(b"a message")
    assert ed25519.verify(key.verifier("example.org/acme").key, b"a message", signature)
    assert not ed25519.verify(key.verifier("example.org/acme").key, b"another", signature)


def test_signing_key_is_restored_from_its_pem() -> None:
    """A store keeps the key as PEM, so the PEM alone restores the key."""
    key = SigningKey.generate()
    assert SigningKey.from_pem(key.to_pem()).verifier("x") == key.verifier("x")


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n", b"\xff\x00"])
def test_signing_key_refuses_a_pem_without_a_key(pem: bytes) -> None:
    """Damaged bytes are reported in words of this package."""
    with pytest.raises(NoSigningKeyError):
        SigningKey.from_pem(pem)


def test_signing_key_does_not_appear_in_its_representation() -> None:
    """A key that is logged by mistake reveals nothing."""
    assert repr(SigningKey.generate()) == "SigningKey()"


def test_signing_key_refuses_a_name_that_no_key_can_have() -> None:
    """A verifier key's name must not contain a plus sign or white space."""
    with pytest.raises(BadKeyError):
        SigningKey.generate().verifier("a+b c")
