"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from audit.evidence.ledger_verifier import verify_ledger
from audit.replay.replay import summarize_replay as replayed
from audit.stores.sqlite.store import SqliteStore
from tests.folders import BUILD
from tests.policy_service.api_client import Api, KeyedLedger, make_ledger, open_api
from tests.policy_service.command_line import SAMPLE, call
from tests.policy_service.scheduling import open_service
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.served import Server


_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes folders of its own in it
_ROOM = 2 << 30  # bytes; the tests need less than a tenth of it


def pytest_configure() -> None:
    """Prepare the environment that this process and all processes of the tests share."""
    settings.register_profile("without_deadline", deadline=None)  # a busy machine is no failure
    settings.load_profile("without_deadline")
    _keep_bytecode()
    _use_memory_for_temporary_files()


def pytest_collection_finish() -> None:
    """Freeze all loaded objects for the garbage collector: they live until the end."""
    gc.collect()
    gc.freeze()


def _keep_bytecode() -> None:
    """Reuse compiled modules in all processes, even if the environment forbids bytecode files."""
    if sys.dont_write_bytecode:
        folder = str(BUILD / "bytecode")
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder


def _use_memory_for_temporary_files() -> None:
    """Make temporary files in memory if there is room: no commit waits for a disk then.

    The tests of durability use a disk all the same.
    """
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> KeyedLedger:
    """Make a ledger with keys once, because every commit waits for the disk."""
    return make_ledger(tmp_path_factory.mktemp("first") / "data")


@pytest.fixture
def api(first: KeyedLedger, tmp_path: Path) -> Iterator[Api]:
    """Open a service of its own, with nothing but its keys in the ledger."""
    with open_api(first, tmp_path / "data") as served:
        yield served


@pytest.fixture(scope="module")
def shared(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Open one service per module, for tests that write nothing or do not affect each other."""
    with open_api(first, tmp_path_factory.mktemp("shared") / "data") as served:
        yield served


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a ledger with a few decisions."""
    folder = tmp_path / "data"
    call("decide", "--data", folder, given=SAMPLE)
    return folder


@pytest.fixture
def folder(first: KeyedLedger, tmp_path: Path) -> Iterator[Path]:
    """Return a ledger with keys; at the end it must verify, and every decision must replay."""
    copy = tmp_path / "data"
    shutil.copytree(first.folder, copy)
    yield copy
    with SqliteStore.open(copy) as store, store.read() as view:
        assert [finding for report in verify_ledger(view) for finding in report.findings] == []
        assert all(not replayed(view, log).differences for log in view.logs())


@pytest.fixture
def service(folder: Path, first: KeyedLedger) -> Iterator[Api]:
    with open_service(folder, first) as api:
        yield api


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run the real server on a new ledger, with two workers."""
    with served(tmp_path / "data") as running:
        yield running
