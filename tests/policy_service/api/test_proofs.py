"""Checkpoints and proofs over HTTP: each verified as a client does, by the standards alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from audit.log.checkpoint import Checkpoint, verify_checkpoint
from audit.log.merkle import EMPTY_ROOT, hash_leaf, verify_consistency, verify_inclusion
from audit.log.signed_note import VerifierKey, parse_key
from audit.log.tlog_proof import parse_proof, verify_proof
from policy_service.access.keys import Role
from policy_service.api.resources import proofs as shown
from rules.formats.canonical_json import encode_canonical
from tests.fakes.tampering import owned
from tests.policy_service.api_client import ACME, event, read
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

SYSTEM = "/v1/workspaces/system"
TEXT = "text/plain; charset=utf-8"


def key_of(api: Api, log: str = ACME) -> VerifierKey:
    answered = api.get(f"{log}/ledger/key")
    assert (answered.status_code, answered.content_type) == (200, TEXT)
    return parse_key(answered.text.removesuffix("\n"))


def checkpoint(api: Api, log: str = ACME) -> Checkpoint:
    """The log's checkpoint, verified."""
    answered = api.get(f"{log}/ledger/checkpoint")
    assert (answered.status_code, answered.content_type) == (200, TEXT), answered.text
    name = f"policy-service.example/{log.rpartition('/')[2]}"
    return verify_checkpoint(answered.data, name, [key_of(api, log)])


def decoded(hashes: list[str]) -> list[bytes]:
    return [base64.b64decode(each, validate=True) for each in hashes]


def signed(api: Api) -> list[dict[str, Any]]:
    """What `system` says was signed."""
    return [item["entry"] for item in api.entries("?kind=checkpoint", "system")]


def decide(api: Api, *names: str) -> None:
    for name in names:
        api.decide(event(name, conversation={"id": name}))


def test_checkpoint_covers_every_entry(api: Api) -> None:
    for number in range(3):
        decide(api, f"ev-{number}")
        head = api.log_heads()["acme"]
        assert checkpoint(api) == Checkpoint("policy-service.example/acme", head.size, head.root)


def test_checkpoint_is_signed_once_and_recorded_in_system(api: Api) -> None:
    decide(api, "ev-1")
    note = api.get(f"{ACME}/ledger/checkpoint").text
    assert api.get(f"{ACME}/ledger/checkpoint").text == note
    [entry] = signed(api)
    assert (entry["log"], entry["size"], entry["note"]) == ("acme", 3, note)
    assert base64.b64decode(entry["root"]) == api.log_heads()["acme"].root


def test_checkpoint_of_system_covers_other_checkpoints(api: Api) -> None:
    decide(api, "ev-1")
    checkpoint(api)
    system = checkpoint(api, SYSTEM)
    head = api.log_heads()["system"]
    assert (system.size, system.root) == (head.size, head.root)
    assert len(signed(api)) == 1


def test_checkpoint_before_first_write_is_of_empty_tree(api: Api) -> None:
    before = api.log_heads()
    assert checkpoint(api) == Checkpoint("policy-service.example/acme", 0, EMPTY_ROOT)
    assert api.log_heads() == before


@pytest.mark.parametrize("log", [ACME, SYSTEM])
def test_inclusion_is_proved_for_every_entry(api: Api, log: str) -> None:
    decide(api, "ev-1", "ev-2", "ev-3")
    key = key_of(api, log)
    for item in api.entries(workspace=log.rpartition("/")[2]):
        proved = read(api.get(f"{log}/ledger/entries/{item['index']}/proof"))
        hashed = hash_leaf(encode_canonical(item["entry"]))
        assert decoded([proved["leaf_hash"]]) == [hashed]
        said = verify_checkpoint(proved["checkpoint"].encode(), key.name, [key])
        place = proved["index"], proved["size"]
        assert place == (item["index"], said.size)
        assert verify_inclusion(hashed, *place, decoded(proved["hashes"]), said.root)


def test_inclusion_proof_as_text_verifies_alone(api: Api) -> None:
    decide(api, "ev-1")
    path, token = f"{ACME}/ledger/entries/2/proof", api.tokens["auditor"]
    answered = api.send("GET", path, token=token, Accept="text/plain")
    assert (answered.content_type, answered.headers["Vary"]) == (TEXT, "Accept")
    [item] = api.entries("?after=1")
    key, hashed = key_of(api), hash_leaf(encode_canonical(item["entry"]))
    assert verify_proof(parse_proof(answered.data), hashed, key.name, [key]).size == 3


def test_inclusion_proof_uses_earlier_checkpoint_that_covers_entry(api: Api) -> None:
    decide(api, "ev-1")
    checkpoint(api)
    decide(api, "ev-2")
    assert read(api.get(f"{ACME}/ledger/entries/2/proof"))["size"] == 3
    assert read(api.get(f"{ACME}/ledger/entries/3/proof"))["size"] == 4


def test_consistency_is_proved_between_any_two_sizes(api: Api) -> None:
    roots = {}
    for number in range(6):
        decide(api, f"ev-{number}")
        said = checkpoint(api)
        roots[said.size] = said.root
    for first, first_root in roots.items():
        for second, second_root in roots.items():
            path = f"{ACME}/ledger/consistency?from={first}&to={second}"
            if first > second:
                assert errors(api.get(path)) == [("/to", "not_allowed")]
                continue
            said_of = read(api.get(path))
            proof = decoded(said_of["hashes"])
            assert (said_of["from"], said_of["to"]) == (first, second)
            assert verify_consistency(first, second, first_root, second_root, proof)


def test_consistency_proof_from_empty_log_has_no_hashes(api: Api) -> None:
    decide(api, "ev-1")
    for size in (0, 3):
        said = read(api.get(f"{ACME}/ledger/consistency?from=0&to={size}"))
        assert said == {"from": 0, "to": size, "hashes": []}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", ("/from", "missing_field")),
        ("?from=1", ("/to", "missing_field")),
        ("?from=-1&to=2", ("/from", "not_allowed")),
        ("?from=1&to=x", ("/to", "not_allowed")),
        ("?from=1&to=2&to=3", ("/to", "duplicate_parameter")),
    ],
)
def test_consistency_proof_is_refused_with_wrong_sizes(
    shared: Api, query: str, complaint: tuple[str, str]
) -> None:
    assert errors(shared.get(f"{ACME}/ledger/consistency{query}"))[0] == complaint


def test_proof_is_not_found_for_unknown_entry(api: Api) -> None:
    decide(api, "ev-1")
    assert code(api.get(f"{ACME}/ledger/consistency?from=1&to=4")) == (404, "not_found")
    assert code(api.get(f"{ACME}/ledger/entries/3/proof")) == (404, "not_found")
    assert code(api.get(f"{ACME}/ledger/entries/{1 << 70}/proof")) == (404, "not_found")


def test_checkpoint_of_system_is_not_found_for_key_of_one_workspace(api: Api) -> None:
    _, token = api.new_key(Role.AUDITOR, "acme")
    for what in ("checkpoint", "key", "entries/0/proof", "consistency?from=0&to=1"):
        answered = api.send("GET", f"{SYSTEM}/ledger/{what}", token=token)
        assert code(answered) == (404, "not_found")


def test_changed_log_is_not_signed(api: Api) -> None:
    """A change before the last checkpoint is for `verify`; what comes after it is read again."""
    decide(api, "ev-1")
    with owned(api.store.folder) as connection:
        connection.execute("UPDATE entries SET reason = 'switched_off' WHERE kind = 'decision'")
    assert code(api.get(f"{ACME}/ledger/checkpoint")) == (503, "not_signed")
    assert code(api.get(f"{ACME}/ledger/entries/2/proof")) == (503, "not_signed")
    assert signed(api) == []
    assert checkpoint(api, SYSTEM).size == 5


def test_changed_head_is_not_signed(api: Api) -> None:
    decide(api, "ev-1")
    with owned(api.store.folder) as connection:
        connection.execute("UPDATE logs SET root = zeroblob(32) WHERE name = 'acme'")
    assert code(api.get(f"{ACME}/ledger/checkpoint")) == (503, "not_signed")


def test_log_rewritten_below_checkpoint_is_neither_proved_nor_signed(api: Api) -> None:
    decide(api, "ev-1")
    checkpoint(api)
    with owned(api.store.folder) as connection:
        connection.execute("UPDATE entries SET leaf_hash = zeroblob(32) WHERE kind = 'decision'")
    assert code(api.get(f"{ACME}/ledger/entries/1/proof")) == (503, "not_signed")


def test_ledger_without_signing_key_gets_one(api: Api) -> None:
    """Also where `system` alone is to be signed: its key is made before the transaction."""
    (api.store.folder / "signing.key").unlink()
    assert checkpoint(api, SYSTEM).size == 5


def test_log_signed_by_another_key_is_not_continued(api: Api) -> None:
    decide(api, "ev-1")
    file = api.store.folder / "checkpoints" / "acme"
    file.parent.mkdir()
    file.write_text(shown.CHECKPOINT, encoding="utf-8")
    assert code(api.get(f"{ACME}/ledger/checkpoint")) == (503, "not_signed")


def test_examples_of_proofs_verify() -> None:
    key = parse_key(shown.VERIFIER_KEY.removesuffix("\n"))
    said = verify_checkpoint(shown.CHECKPOINT.encode(), key.name, [key])
    [hashed] = decoded([shown.INCLUSION_PROOF["leaf_hash"]])
    assert verify_proof(parse_proof(shown.TLOG_PROOF.encode()), hashed, key.name, [key]) == said
    assert verify_inclusion(hashed, 2, 3, decoded(shown.INCLUSION_PROOF["hashes"]), said.root)
