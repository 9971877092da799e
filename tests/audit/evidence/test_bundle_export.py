"""A log handed out, and verified where there is nothing but Python."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from audit.evidence.bundle_export import ErasedAfterCheckpointError, SignedCheckpoint, export_bundle
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.evidence.verifier_archive import build_verifier
from audit.stores.sqlite.store import SqliteStore
from policy_service.privacy.erasures import erase_contact
from policy_service.services import Services
from tests.policy_service.bundles import ORIGIN, exported, filled, key_of, run
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger


@pytest.fixture(scope="module")
def made(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger, a bundle with and one without personal parts, a key and notes."""
    folder = tmp_path_factory.mktemp("made")
    for number, note in enumerate(filled(first, folder / "data")):
        (folder / f"note-{number}").write_bytes(note)
    (folder / "acme.key").write_text(key_of(folder / "data") + "\n", "utf-8")
    exported(folder / "data", folder / "bundle")
    exported(folder / "data", folder / "personal", "--personal")
    return folder


def test_bundle_is_verified_without_installed_packages(made: Path, tmp_path: Path) -> None:
    """With the key and older checkpoints that an outsider kept; nothing is left behind."""
    given: list[str | Path] = ["--key", made / "acme.key"]
    for number in range(2):
        given += ["--checkpoint", made / f"note-{number}"]
    for name in ("bundle", "personal"):
        code, said = run(made / name, *given, beside=tmp_path)
        assert (code, said["sound"], said["findings"], said["undetermined_reasons"]) == (
            0,
            True,
            [],
            [],
        )
        assert said["personal"] is (name == "personal")
    [acme] = [
        log for log in as_json("verify", "--data", made / "data")["logs"] if log["log"] == "acme"
    ]
    assert (said["size"], said["root"]) == (acme["size"], acme["root"])
    assert list(tmp_path.iterdir()) == []


def test_bundle_contains_its_documented_files(made: Path) -> None:
    """Leaves as they were hashed, the table of them, and what is personal only where asked for."""
    leaves = (made / "bundle" / "entries.ndjson").read_bytes().splitlines()
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    assert b"".join(hashes) == (made / "bundle" / "hashes").read_bytes()
    with (made / "bundle" / "entries.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert [row["entry"].encode() for row in rows] == leaves
    digests = {json.loads(leaf)["digest"] for leaf in leaves if b'"version.proposed"' in leaf}
    names = {f"{digest.replace(':', '-')}.json" for digest in digests}
    assert {path.name for path in (made / "bundle" / "versions").iterdir()} == names
    assert not (made / "bundle" / "personal.ndjson").exists()
    parts = (made / "personal" / "personal.ndjson").read_text("utf-8")
    assert "ct-1" in parts
    assert "ct-2" not in parts


def test_bundle_is_readable_by_its_owner_alone(made: Path) -> None:
    paths = [made / "personal", *(made / "personal").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}


def test_system_log_can_be_exported(made: Path, tmp_path: Path) -> None:
    bundle = exported(made / "data", tmp_path / "system", log="system")
    (tmp_path / "key").write_text(key_of(made / "data", "system"), "utf-8")
    code, said = run(bundle, "--key", tmp_path / "key", beside=tmp_path / "empty")
    assert (code, said["findings"]) == (0, [])


def test_export_leaves_an_existing_path_unchanged(made: Path) -> None:
    before = sorted(path.name for path in made.iterdir())
    data = made / "data"
    call("export", "--data", data, "--workspace", "acme", "--out", made / "bundle", code=2)
    call("export", "--data", data, "--workspace", "nobody", "--out", made / "new", code=2)
    call("export", "--data", data, "--workspace", "acme", "--out", made / "no" / "new", code=2)
    assert sorted(path.name for path in made.iterdir()) == before


def test_verdict_is_undetermined_without_a_key(made: Path, tmp_path: Path) -> None:
    code, said = run(made / "bundle", beside=tmp_path)
    assert (code, said["sound"], said["findings"]) == (2, False, [])
    assert "--key" in said["undetermined_reasons"][0]


def test_verdict_is_undetermined_when_a_checkpoint_is_newer(made: Path, tmp_path: Path) -> None:
    """Nothing can be said of what is not there."""
    older = tmp_path / "older"
    shutil.copytree(made / "bundle", older)
    shutil.copy(made / "note-0", older / "checkpoint")
    size = int((made / "note-0").read_text("utf-8").split("\n")[1])
    for name, kept in (("entries.ndjson", size), ("entries.csv", size + 1)):
        lines = (older / name).read_bytes().splitlines(keepends=True)
        (older / name).write_bytes(b"".join(lines[:kept]))
    (older / "hashes").write_bytes((older / "hashes").read_bytes()[: 32 * size])
    shutil.rmtree(older / "versions")
    (older / "versions").mkdir()
    first = json.loads((older / "entries.ndjson").read_bytes().splitlines()[0])
    name = f"{first['digest'].replace(':', '-')}.json"
    shutil.copy(made / "bundle" / "versions" / name, older / "versions")
    given: list[str | Path] = ["--key", made / "acme.key"]
    assert run(older, *given, beside=tmp_path / "x")[0] == 0
    newer: list[str | Path] = ["--checkpoint", made / "note-1"]
    code, said = run(older, *given, *newer, beside=tmp_path / "x")
    assert (code, said["findings"]) == (2, [])
    assert "newer bundle" in said["undetermined_reasons"][0]


@pytest.mark.parametrize("name", ["checkpoint", "key", "entries.ndjson", "hashes", "entries.csv"])
def test_unreadable_bundle_is_reported(made: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(made / "bundle", tmp_path / "bundle")
    (tmp_path / "bundle" / name).unlink()
    code, said = run(tmp_path / "bundle", "--key", made / "acme.key", beside=tmp_path / "x")
    assert code == 2
    assert name in said["undetermined_reasons"][0]


def test_verifier_archive_has_the_same_bytes_each_time(made: Path) -> None:
    """So that one which comes with a bundle can be compared with one of the release."""
    assert build_verifier() == build_verifier() == (made / "bundle" / "verify.pyz").read_bytes()


def test_erasure_during_an_export_requires_a_newer_checkpoint(made: Path, tmp_path: Path) -> None:
    """Or the bundle would miss a part, and the reason would stand behind its end."""
    data = shutil.copytree(made / "data", tmp_path / "data")
    with SqliteStore.open(data) as store:
        checkpoints = CheckpointSigner(store, ORIGIN)
        signed = SignedCheckpoint(
            checkpoints.latest_checkpoint("acme").note, checkpoints.verifier_key("acme")
        )
        ledger = Services(store).workspace_ledger(None, "acme")
        with store.read() as snapshot:
            erase_contact(ledger, "ct-1", "asked")
            with pytest.raises(ErasedAfterCheckpointError):
                export_bundle(snapshot, "acme", signed, tmp_path / "out", personal=True)
        with store.read() as snapshot, pytest.raises(ErasedAfterCheckpointError):
            export_bundle(snapshot, "acme", signed, tmp_path / "out", personal=True)
    assert not (tmp_path / "out").exists()
    bundle = exported(data, tmp_path / "out", "--personal")
    code, said = run(bundle, "--key", made / "acme.key", beside=tmp_path / "x")
    assert (code, said["findings"]) == (0, [])
