"""`verify` compares each log with its checkpoints in the ledger, in files and in options."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from audit.log.checkpoint import Checkpoint, sign_checkpoint
from audit.stores.files.checkpoint_files import CHECKPOINTS
from audit.stores.files.signing_key import SIGNING_KEY
from audit.stores.sqlite.store import LEDGER
from tests.audit.evidence.test_tampering_campaign import ACME, refit
from tests.audit.signers import signer
from tests.fakes.tampering import edit_leaf, owned
from tests.policy_service.bundles import ORIGIN, filled
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger


@pytest.fixture(scope="module")
def folder(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("signed")
    filled(first, made / "data")
    return made


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder / "data", tmp_path / "data")


def find(data: Path, *options: str | Path) -> set[tuple[str, int | None, str]]:
    logs: list[dict[str, Any]] = as_json("verify", "--data", data, *options, code=1)["logs"]
    return {
        (log["log"], finding["index"], finding["code"])
        for log in logs
        for finding in log["findings"]
    }


def test_verify_accepts_logs_that_contain_every_checkpoint(data: Path) -> None:
    notes = [data / CHECKPOINTS / log for log in ("acme", "globex", "system")]
    options = [option for note in notes for option in ("--checkpoint", note)]
    assert call("verify", "--data", data, *options).stdout.count("sound") == 3


def test_verify_reports_a_rewritten_log_with_recomputed_hashes(data: Path) -> None:
    """Every checkpoint after the changed entry contradicts the log."""
    with owned(data) as connection:
        edit_leaf(connection, f"{ACME} AND idx = 3", lambda leaf: leaf.replace("2026", "2025"))
        refit(connection)
    assert ("acme", None, "checkpoint") in find(data)
    shutil.rmtree(data / CHECKPOINTS)
    assert ("acme", None, "checkpoint") in find(data)


def test_verify_reports_a_deleted_log(data: Path) -> None:
    with owned(data) as connection:
        connection.execute(
            "DELETE FROM entries WHERE log = (SELECT id FROM logs WHERE name = 'globex')"
        )
        connection.execute("DELETE FROM logs WHERE name = 'globex'")
    assert ("globex", None, "checkpoint") in find(data)


def test_verify_names_the_entry_of_a_changed_checkpoint(data: Path) -> None:
    """A changed root, a changed note under its old signature, and a text that is not a note."""
    with owned(data) as connection:
        rows = connection.execute(
            "SELECT idx FROM entries WHERE kind = 'checkpoint' ORDER BY idx"
        ).fetchall()
        [root, note, none] = [index for (index,) in rows][:3]
        system = "log = (SELECT id FROM logs WHERE name = 'system')"
        changes = {
            root: lambda leaf: {**leaf, "root": "x"},
            note: lambda leaf: {**leaf, "note": leaf["note"].replace("/acme\n", "/acmf\n", 1)},
            none: lambda leaf: {**leaf, "note": "Dear diary"},
        }
        for index, change in changes.items():
            edit_leaf(
                connection,
                f"{system} AND idx = {index}",
                lambda leaf, change=change: json.dumps(change(json.loads(leaf))),  # type: ignore[misc]
            )
    named = find(data)
    assert ("system", root, "checkpoint") in named
    assert ("system", note, "signature") in named
    assert ("system", none, "checkpoint") in named


def test_verify_reports_a_checkpoint_signed_by_another_key(data: Path) -> None:
    other = signer(f"{ORIGIN}/acme")
    note = sign_checkpoint(Checkpoint(f"{ORIGIN}/acme", 1, bytes(32)), other.key, other.sign)
    (data / CHECKPOINTS / "acme").write_bytes(note)
    assert find(data) == {("acme", None, "signature")}


def test_verify_reports_a_rolled_back_folder_when_given_a_newer_checkpoint(
    first: KeyedLedger, folder: Path, tmp_path: Path
) -> None:
    """Without the checkpoint the folder is sound: its key is the same, and its logs are shorter."""
    old = shutil.copytree(first.folder, tmp_path / "old")
    shutil.copy(folder / "data" / SIGNING_KEY, old)
    assert (old / LEDGER).exists()
    call("verify", "--data", old)
    kept = folder / "data" / CHECKPOINTS / "acme"
    assert find(old, "--checkpoint", kept) == {("acme", None, "checkpoint")}


def test_verify_exits_with_2_when_the_given_file_is_not_a_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "note").write_text("Dear diary")
    call("verify", "--data", data, "--checkpoint", tmp_path / "note", code=2)
