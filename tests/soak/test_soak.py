"""`make soak`, on very little: what a great many events find must not wait for them to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soak.run import soak

if TYPE_CHECKING:
    from pathlib import Path


def test_every_event_told_twice_is_decided_once(tmp_path: Path) -> None:
    soaked = soak(tmp_path / "data", requests=2_000, clients=8)
    assert soaked.complaints == []
    assert soaked.decided == soaked.replayed == 1_000
    assert "decided, each once" in soaked.table()
    assert len(soaked.memory) == 2
