"""The checks of durability themselves: they find the decisions that a broken store loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.durability.broken_stores import LateServer
from tests.durability.load import Platform
from tests.durability.promises import broken_in_ledger, broken_over_http
from tests.served import Server, made, patiently

if TYPE_CHECKING:
    from pathlib import Path


def test_checks_find_every_decision_answered_before_its_commit(tmp_path: Path) -> None:
    """A store killed before it commits has lost everything that it acknowledged."""
    data = tmp_path / "data"
    platform = Platform([late := LateServer(data, made(data))], clients=8, seed=2)
    with late, platform.talking():
        for _ in patiently("the answers did not come"):
            if len(platform.acknowledged()) >= 50:
                break
        late.kill()
    acknowledged = platform.acknowledged()
    assert platform.complaints == [], "before the kill nobody could have told"
    assert len(broken_in_ledger(data, acknowledged)) == len(acknowledged)
    with Server(data, late.keys) as server:
        assert len(broken_over_http(server, acknowledged)) == len(acknowledged)
