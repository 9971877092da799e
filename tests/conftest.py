"""What tests of every room may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.served import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The real server on a new ledger, with two workers, ready for requests."""
    with served(tmp_path / "data") as running:
        yield running
