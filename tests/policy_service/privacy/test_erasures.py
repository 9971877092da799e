"""Proofs stay valid after an erasure; they are verified by the standards alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from audit.log.checkpoint import verify_checkpoint
from audit.log.merkle import hash_leaf, verify_consistency, verify_inclusion
from audit.log.signed_note import parse_key
from rules.formats.canonical_json import encode_canonical
from tests.policy_service.api.test_erasures import erase, talk
from tests.policy_service.api_client import ACME, read

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


def proof(api: Api, index: int) -> dict[str, Any]:
    return read(api.get(f"{ACME}/ledger/entries/{index}/proof"))


def hashes(proved: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each) for each in proved["hashes"]]


def root(api: Api, proved: dict[str, Any]) -> bytes:
    """Return the root of the proof's checkpoint, after verifying its signature."""
    key = parse_key(api.get(f"{ACME}/ledger/key").text.removesuffix("\n"))
    return verify_checkpoint(proved["checkpoint"].encode(), key.name, [key]).root


def test_leaf_of_every_entry_proves_its_inclusion(api: Api) -> None:
    talk(api)
    erase(api)
    items = api.entries()
    assert [item["kind"] for item in items][2:] == [*["decision"] * 3, "contact.erased"]
    for item in items:
        proved = proof(api, item["index"])
        hashed, place = hash_leaf(encode_canonical(item["entry"])), (item["index"], proved["size"])
        assert verify_inclusion(hashed, *place, hashes(proved), root(api, proved))


def test_earlier_proof_stays_valid_after_erasure(api: Api) -> None:
    talk(api)
    before = proof(api, 2)
    erase(api)
    [erased] = [item for item in api.entries() if item["index"] == 2]
    hashed = hash_leaf(encode_canonical(erased["entry"]))
    assert verify_inclusion(hashed, 2, 5, hashes(before), root(api, before))
    grown = read(api.get(f"{ACME}/ledger/consistency?from=5&to=6"))
    roots = root(api, before), root(api, proof(api, 5))
    assert verify_consistency(5, 6, *roots, hashes(grown))
