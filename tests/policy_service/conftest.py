"""The service that every test here asks."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from audit.replay import report as replayed
from audit.stores.sqlite import SqliteStore
from audit.verify import verify_all
from tests.policy_service.api import Api, Made, made, opened
from tests.policy_service.command_line import SAMPLE, call
from tests.policy_service.scheduling import open_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A ledger with keys: made once, because every commit waits for the disk."""
    return made(tmp_path_factory.mktemp("first") / "data")


@pytest.fixture
def api(first: Made, tmp_path: Path) -> Iterator[Api]:
    """A service of its own, with nothing but its keys in the ledger."""
    with opened(first, tmp_path / "data") as served:
        yield served


@pytest.fixture(scope="module")
def shared(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One service for a module: for tests that write nothing, or what no other one looks at."""
    with opened(first, tmp_path_factory.mktemp("shared") / "data") as served:
        yield served


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A ledger with a few decisions in it."""
    folder = tmp_path / "data"
    call("decide", "--data", folder, given=SAMPLE)
    return folder


@pytest.fixture
def folder(first: Made, tmp_path: Path) -> Iterator[Path]:
    """A ledger with keys; it is sound at the end, and every decision comes out again."""
    copy = tmp_path / "data"
    shutil.copytree(first.folder, copy)
    yield copy
    with SqliteStore.open(copy) as store, store.read() as view:
        assert [found for report in verify_all(view) for found in report.findings] == []
        assert all(not replayed(view, log).differences for log in view.logs())


@pytest.fixture
def service(folder: Path, first: Made) -> Iterator[Api]:
    with open_service(folder, first) as api:
        yield api
