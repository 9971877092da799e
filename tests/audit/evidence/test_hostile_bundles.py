"""A bundle that is made to break its verifier is never "sound", and a crash is never a finding."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from audit import __main__ as command
from audit.__main__ import main
from audit.verification.bundle_format import (
    CHECKPOINT,
    ENTRIES,
    HASHES,
    KEY,
    MAX_LINE_BYTES,
    PERSONAL,
    TABLE,
    VERSIONS,
)
from audit.verification.findings import FindingCode
from audit.verification.history_checks import HistoryChecker
from tests.fakes.leaves import DIGEST, DOCUMENT, decision
from tests.fakes.logical import copied
from tests.policy_service.bundles import exported, filled, key_of, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger


@pytest.fixture(scope="module")
def made(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle with personal parts, and a file with its key."""
    folder = tmp_path_factory.mktemp("made")
    filled(first, folder / "data")
    (folder / "acme.key").write_text(key_of(folder / "data") + "\n", "utf-8")
    return exported(folder / "data", folder / "bundle", "--personal"), folder / "acme.key"


@pytest.mark.parametrize("name", [CHECKPOINT, KEY, ENTRIES, HASHES, TABLE, PERSONAL])
@pytest.mark.parametrize("what", ["a pipe", "without an end", "a folder"])
def test_verdict_is_undetermined_when_a_path_is_not_a_file(
    made: tuple[Path, Path], tmp_path: Path, name: str, what: str
) -> None:
    bundle = copied(made[0], tmp_path / "bundle")
    (bundle / name).unlink()
    if what == "a pipe":
        os.mkfifo(bundle / name)
    elif what == "a folder":
        (bundle / name).mkdir()
    else:
        (bundle / name).symlink_to("/dev/zero")
    code, said = run(bundle, "--key", made[1], beside=tmp_path / "beside")
    assert (code, said) == (2, {"undetermined_reasons": [f"undetermined: {name} is not a file"]})


@pytest.mark.parametrize("name", [CHECKPOINT, KEY])
def test_verdict_is_undetermined_when_a_file_is_too_long(
    made: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    bundle = copied(made[0], tmp_path / "bundle")
    os.truncate(bundle / name, MAX_LINE_BYTES + 1)
    code, said = run(bundle, "--key", made[1], beside=tmp_path / "beside")
    assert (code, said["undetermined_reasons"]) == (
        2,
        [f"undetermined: {name} is longer than 16777216 bytes"],
    )


@pytest.mark.parametrize("what", ["a pipe", "too long"])
def test_unreadable_document_is_reported_as_missing(
    made: tuple[Path, Path], tmp_path: Path, what: str
) -> None:
    bundle = copied(made[0], tmp_path / "bundle")
    document = min((bundle / VERSIONS).iterdir())
    if what == "a pipe":
        document.unlink()
        os.mkfifo(document)
    else:
        os.truncate(document, MAX_LINE_BYTES + 1)
    code, said = run(bundle, "--key", made[1], beside=tmp_path / "beside")
    assert (code, [each["code"] for each in said["findings"]]) == (1, ["document"])


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("too deep"), KeyError("x")])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=str)
def test_verdict_is_undetermined_after_an_unexpected_error(
    made: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    form: tuple[str, ...],
) -> None:
    """It is named; exit code 1 is for findings alone."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command, "verify_bundle", fails)
    assert main([str(made[0]), "--key", str(made[1]), *form]) == 2
    said = capsys.readouterr().out
    assert f"undetermined: the verifier failed, {type(error).__name__}" in said


@pytest.mark.parametrize("out", ["/dev/full", "a pipe that nobody reads"])
def test_exit_code_is_undetermined_when_printing_fails(
    made: tuple[Path, Path], tmp_path: Path, out: str
) -> None:
    arguments: list[str | Path] = [
        sys.executable,
        made[0] / "verify.pyz",
        made[0],
        "--key",
        made[1],
    ]
    if out == "/dev/full":
        writing = os.open(out, os.O_WRONLY)
    else:
        reading, writing = os.pipe()
        os.close(reading)
    try:
        ran = subprocess.run(
            arguments, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
        )
    finally:
        os.close(writing)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"undetermined: the verdict cannot be printed")


def test_output_escapes_characters_that_the_terminal_lacks(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle = copied(made[0], tmp_path / "bundle")
    (bundle / VERSIONS / "straße").touch()
    ran = subprocess.run(
        [sys.executable, bundle / "verify.pyz", bundle, "--key", made[1]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b"stra\\xdfe" in ran.stdout


def test_key_text_in_place_of_a_file_is_reported(
    made: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    key = made[1].read_text("utf-8").strip()
    assert main([str(made[0]), "--key", key]) == 2
    assert "--key takes a file, and this is the key itself" in capsys.readouterr().out
    assert main([str(made[0]), "--key", "no-such-file"]) == 2
    assert "No such file" in capsys.readouterr().out


def test_deeply_nested_member_is_a_finding() -> None:
    """It can be read, and not be told of: no reason to say nothing of the entry."""
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    leaf = decision("a")
    leaf["facts"]["conversation.stage"] = deep
    found = HistoryChecker("acme", {DIGEST: DOCUMENT}.get).check_entry(0, leaf)
    assert found[-1].code == FindingCode.INCOMPLETE
