"""The stores that must keep the contract of audit.stores.contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.stores.sqlite.store import SqliteStore
from tests.fakes.leaves import NOON
from tests.fakes.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from audit.stores.contract import Store


def clock() -> datetime:
    return NOON


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    made = (
        MemoryStore(clock)
        if request.param == "memory"
        else SqliteStore.create(tmp_path, clock=clock)
    )
    yield made
    made.close()
