"""The fixtures of tests that need the files of a ledger on a disk."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.folders import BUILD

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a new folder on the disk of the project, not in memory like that of other tests."""
    disk = BUILD / "durability"
    disk.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=disk) as folder:
        yield Path(folder)
