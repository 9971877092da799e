"""`verify` holds each log against all that was signed of it, wherever that is kept."""

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

    from tests.policy_service.api_client import Made


@pytest.fixture(scope="module")
def folder(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("signed")
    filled(first, made / "data")
    return made


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder / "data", tmp_path / "data")


def found(data: Path, *options: str | Path) -> set[tuple[str, int | None, str]]:
    logs: list[dict[str, Any]] = as_json("verify", "--data", data, *options, code=1)["logs"]
    return {
        (log["log"], finding["index"], finding["code"])
        for log in logs
        for finding in log["findings"]
    }


def test_what_was_signed_is_there(data: Path) -> None:
    notes = [data / CHECKPOINTS / log for log in ("acme", "globex", "system")]
    options = [option for note in notes for option in ("--checkpoint", note)]
    assert call("verify", "--data", data, *options).stdout.count("sound") == 3


def test_a_log_that_was_made_to_fit_again_is_found(data: Path) -> None:
    """Every checkpoint from the changed entry on says so."""
    with owned(data) as connection:
        edit_leaf(connection, f"{ACME} AND idx = 3", lambda leaf: leaf.replace("2026", "2025"))
        refit(connection)
    assert ("acme", None, "checkpoint") in found(data)
    shutil.rmtree(data / CHECKPOINTS)
    assert ("acme", None, "checkpoint") in found(data)


def test_a_log_that_is_gone_is_found(data: Path) -> None:
    with owned(data) as connection:
        connection.execute(
            "DELETE FROM entries WHERE log = (SELECT id FROM logs WHERE name = 'globex')"
        )
        connection.execute("DELETE FROM logs WHERE name = 'globex'")
    assert ("globex", None, "checkpoint") in found(data)


def test_a_checkpoint_that_was_changed_is_named(data: Path) -> None:
    """One entry's root, another's note under an old signature, and one that is none."""
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
    named = found(data)
    assert ("system", root, "checkpoint") in named
    assert ("system", note, "signature") in named
    assert ("system", none, "checkpoint") in named


def test_a_checkpoint_of_another_key_is_found(data: Path) -> None:
    other = signer(f"{ORIGIN}/acme")
    note = sign_checkpoint(Checkpoint(f"{ORIGIN}/acme", 1, bytes(32)), other.key, other.sign)
    (data / CHECKPOINTS / "acme").write_bytes(note)
    assert found(data) == {("acme", None, "signature")}


def test_a_folder_that_was_rolled_back_whole_is_found_by_what_is_kept_elsewhere(
    first: Made, folder: Path, tmp_path: Path
) -> None:
    """Alone it is sound; the key is the same, and the log is shorter than was signed."""
    old = shutil.copytree(first.folder, tmp_path / "old")
    shutil.copy(folder / "data" / SIGNING_KEY, old)
    assert (old / LEDGER).exists()
    call("verify", "--data", old)
    kept = folder / "data" / CHECKPOINTS / "acme"
    assert found(old, "--checkpoint", kept) == {("acme", None, "checkpoint")}


def test_what_is_no_checkpoint_is_wrong_use(data: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("Dear diary")
    call("verify", "--data", data, "--checkpoint", tmp_path / "note", code=2)
