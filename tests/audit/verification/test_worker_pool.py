"""A bundle is verified alike, whoever reads its blocks; a reader that dies is not "sound"."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.__main__ import main
from audit.log.signed_note import parse_key
from audit.verification import bundle_format as bundles
from audit.verification import worker_pool as spreading
from audit.verification.bundle_blocks import format_rows, parse_leaves
from audit.verification.bundle_format import ENTRIES, BadBundleError, read_blocks
from audit.verification.bundle_verifier import BundleVerdict, verify_bundle
from audit.verification.worker_pool import WorkerStoppedError, run_in_order
from tests.fakes.logical import changed_bundle, copied
from tests.policy_service.bundles import exported, filled, key_of, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Made

LAST_BREATH = """
import audit.verification.worker_pool as s, os
s.TASK_FUNCTIONS = dict.fromkeys(s.TASK_FUNCTIONS, lambda *_: os._exit(9))
serve_tasks()"""
LINES = b'[]\n{"format":1}\n\n'


@pytest.fixture(scope="module")
def made(first: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[bytes]]:
    """A bundle with personal parts, a file with its key, and older notes."""
    folder = tmp_path_factory.mktemp("made")
    notes = filled(first, folder / "data")
    bundle = exported(folder / "data", folder / "bundle", "--personal")
    (folder / "acme.key").write_text(key_of(folder / "data") + "\n", "utf-8")
    return bundle, folder / "acme.key", notes


def verified(bundle: Path, key: Path, processes: int) -> BundleVerdict | str:
    """The verdict, or why there is none."""
    try:
        return verify_bundle(
            bundle, [parse_key(key.read_text("utf-8").strip())], processes=processes
        )
    except BadBundleError as error:
        return str(error)


def test_other_processes_find_the_same(
    made: tuple[Path, Path, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks that hold a line or a few, so that a log is of many."""
    bundle, key, notes = made
    for seed in range(6):
        changed = copied(bundle, tmp_path / "bundle")
        if seed:
            changed_bundle(random.Random(seed), changed, notes)
        whole = verified(changed, key, 0)
        with monkeypatch.context() as patched:
            patched.setattr(bundles, "BLOCK_SIZE", 700 * (seed % 3) + 1)
            assert verified(changed, key, 0) == whole
            assert verified(changed, key, 2) == whole


def test_they_are_asked_for_on_the_command_line(
    made: tuple[Path, Path, list[bytes]], tmp_path: Path
) -> None:
    bundle, key, _ = made
    given: list[str | Path] = ["--key", key, "--processes"]
    assert run(bundle, *given, "2", beside=tmp_path) == run(bundle, *given, "0", beside=tmp_path)
    for wrong in ("-1", "x", "1000"):
        with pytest.raises(SystemExit) as refused:
            main([str(bundle), "--processes", wrong])
        assert refused.value.code == 2


def test_results_come_in_order_and_with_their_tasks() -> None:
    tasks = [(number, LINES * (50 - number)) for number in range(50)]
    here, there = list(run_in_order("leaves", tasks, 0)), list(run_in_order("leaves", tasks, 3))
    assert [task for task, _ in there] == tasks
    assert [tuple(result) for _, result in there] == [tuple(result) for _, result in here]


def test_where_no_process_can_be_started_the_work_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert [task for task, _ in run_in_order("leaves", [(0, LINES)], 2)] == [(0, LINES)]
    monkeypatch.setattr(sys, "executable", "/bin/false")  # it starts and is no Python
    assert [task for task, _ in run_in_order("leaves", [(0, LINES)], 2)] == [(0, LINES)]


def test_a_process_that_dies_is_not_being_able_to_tell(
    made: tuple[Path, Path, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle, key, _ = made
    dying = spreading._PROGRAM.replace("serve_tasks()", LAST_BREATH)
    monkeypatch.setattr(spreading, "_PROGRAM", dying)
    with pytest.raises(WorkerStoppedError):
        list(run_in_order("leaves", [(0, LINES)] * 5, 2))
    assert main([str(bundle), "--key", str(key), "--processes", "1", "--json"]) == 2
    [said] = json.loads(capsys.readouterr().out)["unknown"]
    assert "ended before its work did" in said


def test_a_process_ends_with_the_one_that_started_it() -> None:
    """Without a word, also in the middle of its work."""
    command = [sys.executable, "-c", spreading._PROGRAM, ".", "leaves"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        out, err = process.communicate(b"\0\0\0\0\0\0\1\0cut off", timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"ready" in out


def test_of_the_table_is_known_what_stands_before_a_leaf_that_cannot_be_read(
    made: tuple[Path, Path, list[bytes]],
) -> None:
    [one, two, *_] = (made[0] / ENTRIES).read_bytes().splitlines(keepends=True)
    before, behind = one + two, one + two + LINES + one
    assert parse_leaves(7, behind)[3:5] == parse_leaves(7, before)[3:5]
    assert list(format_rows(7, behind)) == list(format_rows(7, before))


def test_a_line_without_an_end_is_said_to_be_one(
    made: tuple[Path, Path, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, or too long to be held in memory."""
    bundle, key, _ = made
    monkeypatch.setattr(bundles, "BLOCK_SIZE", 10)
    monkeypatch.setattr(bundles, "MAX_LINE_BYTES", 10_000)
    changed = copied(bundle, tmp_path / "bundle")
    with (changed / ENTRIES).open("ab") as file:
        file.write(b"x" * 30_000)
    with (changed / ENTRIES).open("rb") as file:
        assert max(len(block) for _, block in read_blocks(file)) <= 10_010
    for processes in (0, 2):
        verdict = verified(changed, key, processes)
        assert isinstance(verdict, BundleVerdict)
        assert "cut off, or too long" in str(verdict.report.findings)
