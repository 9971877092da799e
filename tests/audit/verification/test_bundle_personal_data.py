"""Reading a part of a log in SQLite costs what the part is long, not what lies behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.stores.sqlite.store import SqliteStore
from tests.fakes.leaves import decide

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.sqlite.snapshot import SqliteSnapshot

ENTRIES = 600


@pytest.fixture
def log(tmp_path: Path) -> SqliteStore:
    """A log of many entries."""
    store = SqliteStore.create(tmp_path)
    store.transact_each([decide(f"ev-{number}") for number in range(ENTRIES)])
    return store


@pytest.mark.parametrize("way", ["entries", "raw_entries"])
def test_parsing_a_deeply_nested_part_is_bounded(log: SqliteStore, way: str) -> None:
    """The first ten entries take as many steps of SQLite as the last ten, but for seeing an end."""
    with log, log.read() as view:
        steps = {start: _steps(view, way, start, start + 10) for start in (0, ENTRIES - 10)}
    assert steps[0] <= steps[ENTRIES - 10] + 10


def _steps(view: SqliteSnapshot, way: str, start: int, stop: int) -> int:
    """How many instructions SQLite runs for these entries."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    connection = view._require_connection()
    connection.set_progress_handler(step, 1)
    assert len(list(getattr(view, way)("acme", start, stop))) == stop - start
    connection.set_progress_handler(None, 1)
    return steps
