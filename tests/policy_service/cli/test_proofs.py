"""`ledger` and `backup`: checkpoints, proofs and backups at the command line."""

from __future__ import annotations

import base64
import shutil
import threading
from typing import TYPE_CHECKING

import orjson
import pytest

from audit.errors import NoSigningKeyError
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.signed_note import parse_key
from audit.stores.files.signing_key import SIGNING_KEY
from audit.stores.sqlite.store import SqliteStore
from tests.fakes.leaves import decide
from tests.fakes.tampering import owned
from tests.policy_service.command_line import SAMPLE, as_json, call

if TYPE_CHECKING:
    from pathlib import Path

ACME = ("--workspace", "acme")


def proof(data: Path, index: int = 2) -> Path:
    file = data.parent / "proof"
    file.write_text(call("ledger", "proof", "--data", data, *ACME, str(index)).stdout)
    return file


def key(data: Path) -> str:
    return call("ledger", "key", "--data", data, *ACME).stdout.strip()


def leaf_hash(data: Path, index: int = 2) -> str:
    shown = as_json("ledger", "proof", "--data", data, *ACME, str(index))
    return str(shown["leaf_hash"])


def test_ledger_check_needs_only_the_proof_the_key_and_the_entry(data: Path) -> None:
    check = ("ledger", "check", proof(data), "--key", key(data))
    output = call(*check, "--leaf-hash", leaf_hash(data)).stdout
    assert output == "entry 2 is in policy-service.example/acme, of 6 entries\n"
    with SqliteStore.open(data) as store, store.read() as snapshot:
        entry = snapshot.entry("acme", 2)
    assert entry
    file = data.parent / "entry.json"
    for shown in (entry.value, {"leaf_hash": "", "entry": entry.value}):
        file.write_bytes(orjson.dumps(shown))
        assert as_json(*check, "--entry", file) == {"good": True, "refused": None, "size": 6}


def test_ledger_check_exits_with_1_when_the_proof_is_for_another_entry(data: Path) -> None:
    check = ("ledger", "check", proof(data), "--key", key(data))
    other = leaf_hash(data, 3)
    assert call(*check, "--leaf-hash", other, code=1).stdout.startswith("wrong: the leaf is not")
    file = proof(data)
    file.write_text(file.read_text().replace("index 2", "index 3"))
    result = as_json(*check, "--leaf-hash", leaf_hash(data), code=1)
    assert result["refused"]["code"] == "not_included"


def test_ledger_check_exits_with_2_when_an_argument_is_invalid(data: Path) -> None:
    hashed, file = leaf_hash(data), proof(data)
    call("ledger", "check", file, "--key", "no-key", "--leaf-hash", hashed, code=2)
    call("ledger", "check", file, "--key", key(data), code=2)
    call("ledger", "check", file, "--key", key(data), "--leaf-hash", "x", code=2)
    call("ledger", "check", data / "none", "--key", key(data), "--leaf-hash", hashed, code=2)


def test_ledger_check_exits_with_2_when_no_known_key_signed_the_proof(data: Path) -> None:
    """As in `verify.pyz`: a note without a known signature proves nothing and is not tampering."""
    hashed, file = ("--leaf-hash", leaf_hash(data)), proof(data)
    stranger = call("ledger", "key", "--data", data, "--workspace", "globex").stdout.strip()
    output = call("ledger", "check", file, "--key", stranger, *hashed, code=2)
    assert output.stdout == "undetermined: none of the known keys signed the note\n"
    result = as_json("ledger", "check", file, "--key", stranger, *hashed, code=2)
    assert (result["good"], result["refused"]["code"]) == (False, "unknown_signer")
    for text in ("no proof", file.read_text().partition("\n\n")[0] + "\n\nno note\n"):
        file.write_text(text)
        output = call("ledger", "check", file, "--key", key(data), *hashed, code=2)
        assert output.stdout.startswith("undetermined: ")


def test_checkpoint_and_consistency_print_the_members_of_the_api(data: Path) -> None:
    output = as_json("ledger", "checkpoint", "--data", data, *ACME)
    assert call("ledger", "checkpoint", "--data", data, *ACME).stdout == output["checkpoint"]
    assert (output["origin"], output["size"]) == ("policy-service.example/acme", 6)
    assert parse_key(key(data)).name == output["origin"]
    between = as_json("ledger", "consistency", "--data", data, *ACME, "2", "6")
    assert (between["from"], between["to"]) == (2, 6)
    output_text = call("ledger", "consistency", "--data", data, *ACME, "2", "6").stdout
    assert output_text.split() == between["hashes"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("checkpoint", "--workspace", "No"),
        ("proof", *ACME, "6"),
        ("consistency", *ACME, "1", "7"),
        ("consistency", *ACME, "2", "1"),
    ],
)
def test_ledger_commands_exit_with_2_when_the_log_or_entry_does_not_exist(
    data: Path, wrong: tuple[str, ...]
) -> None:
    command, *rest = wrong
    call("ledger", command, "--data", data, *rest, code=2)


def test_checkpoint_has_the_origin_of_the_settings(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("ledger", "checkpoint", "--data", data, *ACME)
    monkeypatch.setenv("POLICY_SERVICE_ORIGIN", "logs.example/policies/")
    output = as_json("ledger", "checkpoint", "--data", data, *ACME)
    assert output["origin"] == "logs.example/policies/acme"


@pytest.mark.parametrize("origin", ["https://logs.example", "logs example", "a+b", "\x7f"])
def test_invalid_origin_exits_with_2(
    data: Path, monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    monkeypatch.setenv("POLICY_SERVICE_ORIGIN", origin)
    call("ledger", "key", "--data", data, *ACME, code=2)


def test_signing_key_is_made_only_before_the_first_checkpoint(data: Path) -> None:
    made = (data / SIGNING_KEY).read_bytes()
    assert (data / SIGNING_KEY).stat().st_mode & 0o777 == 0o600
    (data / SIGNING_KEY).unlink()
    call("ledger", "checkpoint", "--data", data, *ACME)
    assert (data / SIGNING_KEY).read_bytes() != made
    (data / SIGNING_KEY).unlink()
    with SqliteStore.open(data) as store, pytest.raises(NoSigningKeyError):
        CheckpointSigner(store, "x").latest_checkpoint("acme")
    (data / SIGNING_KEY).write_bytes(made)
    output = call("ledger", "checkpoint", "--data", data, *ACME, code=1).stderr
    assert "the stored checkpoint of acme has another signer" in output


def test_backup_has_the_same_roots_and_replays(data: Path) -> None:
    call("ledger", "checkpoint", "--data", data, *ACME)
    out = data.parent / "backup"
    result = as_json("backup", "--data", data, "--out", out)["logs"]
    names = {path.name for path in out.iterdir()}
    assert names == {"checkpoints", "contacts.sqlite3", "ledger.sqlite3"}
    verified = as_json("verify", "--data", out)["logs"]
    assert {each["log"]: each["root"] for each in result} == {
        each["log"]: each["root"] for each in verified
    }
    assert [each["wrong"] for each in result] == [None] * 3
    call("replay", "--data", out)
    call("backup", "--data", data, "--out", out, code=2)


def test_backup_reports_a_changed_entry(data: Path) -> None:
    call("ledger", "checkpoint", "--data", data, *ACME)
    with owned(data) as connection:
        connection.execute("UPDATE entries SET reason = 'x' WHERE reason = 'anonymous_contact'")
    out = data.parent / "backup"
    wrong = {
        each["log"]: each["wrong"]
        for each in as_json("backup", "--data", data, "--out", out, code=1)["logs"]
    }
    assert wrong == {
        "acme": "its head does not match its entries",
        "globex": "its head does not match its entries",
        "system": None,
    }


def test_backup_reports_a_wrong_leaf_hash(data: Path) -> None:
    """The leaves are unchanged, but nothing could be proved from the copy."""
    with owned(data) as connection:
        where = "idx = 2 AND log = (SELECT id FROM logs WHERE name = 'acme')"
        connection.execute(f"UPDATE entries SET leaf_hash = zeroblob(32) WHERE {where}")
    result = as_json("backup", "--data", data, "--out", data.parent / "backup", code=1)["logs"]
    wrong = {each["log"]: each["wrong"] for each in result if each["wrong"]}
    assert wrong == {"acme": "its entry 2 does not have the stored hash"}


def test_backup_reports_a_log_shorter_than_its_checkpoint(data: Path) -> None:
    shutil.copytree(data, data.parent / "old")
    call("decide", "--data", data, given=SAMPLE.replace(b'"ev-', b'"another-'))
    call("ledger", "checkpoint", "--data", data, *ACME)
    shutil.copytree(data / "checkpoints", data.parent / "old" / "checkpoints")
    out = data.parent / "backup"
    result = as_json("backup", "--data", data.parent / "old", "--out", out, code=1)["logs"]
    assert result[0]["wrong"] == "it has 6 entries, but 10 were signed"


def test_backup_is_consistent_when_another_thread_writes(data: Path) -> None:
    done = threading.Event()

    def write() -> None:
        with SqliteStore.open(data) as store:
            checkpoints, number = CheckpointSigner(store, "policy-service.example"), 0
            while not done.is_set():
                number += 1
                store.transact(decide(f"more-{number}", workspace="busy"))
                checkpoints.sign_due()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            out = data.parent / f"backup-{number}"
            result = as_json("backup", "--data", data, "--out", out)["logs"]
            assert all(each["wrong"] is None for each in result)
    finally:
        done.set()
        writer.join()
    assert base64.b64decode(result[0]["root"])
