"""A bundle is verified alike, whoever reads its blocks; a reader that dies is not "sound"."""

from __future__ import annotations

import json
import multiprocessing
import random
import subprocess
import sys
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import pytest

from audit.__main__ import main
from audit.log.signed_note import parse_key
from audit.verification import bundle_format as bundles
from audit.verification import bundle_verifier
from audit.verification.bundle_blocks import format_rows, parse_leaves
from audit.verification.bundle_format import ENTRIES, BadBundleError, read_blocks
from audit.verification.bundle_verifier import BundleVerdict, verify_bundle
from audit.verification.worker_pool import WorkerPool, WorkerStoppedError
from tests.fakes.logical import changed_bundle, copied
from tests.folders import ROOT
from tests.policy_service.bundles import exported, filled, key_of, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from audit.verification.worker_pool import Task
    from tests.policy_service.api_client import KeyedLedger

PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
from itertools import repeat
from audit.verification.worker_pool import WorkerPool
with WorkerPool(2) as pool:
    for number, _ in enumerate(pool.run_in_order("leaves", repeat((0, b"[]\\n")))):
        if number == 9:
            print("working", flush=True)
"""
LINES = b'[]\n{"format":1}\n\n'


@pytest.fixture(scope="module")
def made(
    first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, list[bytes]]:
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


def test_worker_processes_give_the_same_findings(
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


def test_command_line_sets_the_number_of_processes(
    made: tuple[Path, Path, list[bytes]], tmp_path: Path
) -> None:
    bundle, key, _ = made
    given: list[str | Path] = ["--key", key, "--processes"]
    assert run(bundle, *given, "2", beside=tmp_path) == run(bundle, *given, "0", beside=tmp_path)
    for wrong in ("-1", "x", "1000"):
        with pytest.raises(SystemExit) as refused:
            main([str(bundle), "--processes", wrong])
        assert refused.value.code == 2


def test_pool_returns_results_in_order_with_their_tasks() -> None:
    tasks = [(number, LINES * (50 - number)) for number in range(50)]
    with WorkerPool(0) as none, WorkerPool(3) as three:
        here = list(none.run_in_order("leaves", tasks))
        there = list(three.run_in_order("leaves", tasks))
    assert [task for task, _ in there] == tasks
    assert [tuple(result) for _, result in there] == [tuple(result) for _, result in here]


def test_pool_keeps_few_tasks_in_memory() -> None:
    taken = 0

    def count_tasks() -> Iterator[Task]:
        nonlocal taken
        for taken in range(1, 51):
            yield taken, LINES

    with WorkerPool(2) as pool:
        for finished, _ in enumerate(pool.run_in_order("leaves", count_tasks()), start=1):
            assert taken - finished <= 2


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_pool_works_in_this_process_when_no_other_can_be_started(program: str) -> None:
    resource_tracker.ensure_running()  # or its warning would be about this program too
    multiprocessing.set_executable(program)
    try:
        with WorkerPool(2) as pool:
            assert multiprocessing.active_children() == []
            assert [task for task, _ in pool.run_in_order("leaves", [(0, LINES)])] == [(0, LINES)]
    finally:
        multiprocessing.set_executable(sys.executable)


def kill_workers_after(blocks: Iterable[Task], count: int) -> Iterator[Task]:
    """Yield the blocks, and kill the processes that read them after so many."""
    for number, block in enumerate(blocks):
        if number == count:
            for process in multiprocessing.active_children():
                process.kill()
                process.join()
        yield block


def test_pool_refuses_a_result_when_a_process_died() -> None:
    with WorkerPool(2) as pool:
        tasks = kill_workers_after([(number, LINES) for number in range(9)], 5)
        with pytest.raises(WorkerStoppedError, match=r"in the leaves from line [0-9] on"):
            list(pool.run_in_order("leaves", tasks))


def test_verdict_is_undetermined_when_a_process_died(
    made: tuple[Path, Path, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle, key, _ = made

    def read_blocks_and_kill(file: BinaryIO) -> Iterator[Task]:
        return kill_workers_after(read_blocks(file), 0)

    monkeypatch.setattr(bundle_verifier, "read_blocks", read_blocks_and_kill)
    assert main([str(bundle), "--key", str(key), "--processes", "1", "--json"]) == 2
    [said] = json.loads(capsys.readouterr().out)["undetermined_reasons"]
    assert "ended before its work did" in said


def test_processes_end_when_their_parent_is_killed() -> None:
    """They hold its standard output, so the end of the output is the end of all of them."""
    command: list[str | Path] = [sys.executable, "-I", "-c", PARENT, ROOT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"working\n"
        parent.kill()
        rest, _ = parent.communicate(timeout=60)
    assert rest == b""


def test_verifier_imports_nothing_from_the_current_folder(
    made: tuple[Path, Path, list[bytes]], tmp_path: Path
) -> None:
    """The current folder may be the bundle, and its files come from a stranger."""
    bundle, key, _ = made
    for module in ("multiprocessing", "signal", "audit", "pickle"):
        (tmp_path / f"{module}.py").write_text("open('imported', 'w')\n")
    given: list[str | Path] = ["--key", key, "--processes", "2"]
    command = [sys.executable, bundle / "verify.pyz", bundle, *given]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert not (tmp_path / "imported").exists()


def test_table_is_compared_up_to_an_unreadable_leaf(
    made: tuple[Path, Path, list[bytes]],
) -> None:
    [one, two, *_] = (made[0] / ENTRIES).read_bytes().splitlines(keepends=True)
    before, behind = one + two, one + two + LINES + one
    assert parse_leaves(7, behind)[3:5] == parse_leaves(7, before)[3:5]
    assert list(format_rows(7, behind)) == list(format_rows(7, before))


def test_personal_line_without_a_newline_is_reported(
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
