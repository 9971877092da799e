"""A short run of `make soak`, so that its mistakes do not wait for the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soak.run import soak

if TYPE_CHECKING:
    from pathlib import Path


def test_event_sent_twice_is_decided_once_under_load(tmp_path: Path) -> None:
    """Of the two answers to an event exactly one is new, and the other has the same bytes."""
    soaked = soak(tmp_path / "data", requests=2_000, clients=8)
    assert soaked.complaints == []
    assert soaked.decided == soaked.replayed == 1_000
    assert "decided, each once" in soaked.table()
    assert len(soaked.memory) == 2
