"""The clock of a running server jumps back an hour, under load: the order is that of the log."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import SqliteStore
from tests.durability.jumping import OFFSET, JumpingServer
from tests.durability.load import WORKSPACES, Platform
from tests.durability.promises import (
    broken_in_ledger,
    broken_over_http,
    out_of_order,
    verify_and_replay,
)
from tests.served import made, patiently

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600


def seconds_back(data: Path, log: str) -> float:
    """How far the time of an entry of the log is before that of the one before, at most."""
    with SqliteStore.open(data) as store, store.read() as view:
        times = [datetime.fromisoformat(entry.value["at"]) for entry in view.entries(log)]
    return max((one - other).total_seconds() for one, other in pairwise(times))


def test_a_jump_back_changes_no_order_and_loses_nothing(tmp_path: Path) -> None:
    data, offset = tmp_path / "data", tmp_path / "offset"
    offset.write_text("0")
    server = JumpingServer(data, made(data), environment={OFFSET: str(offset)})
    platform = Platform([server], clients=8, seed=9)
    with server:
        with platform.talking():
            for answers in (100, 300):
                for _ in patiently("the answers did not come"):
                    if len(platform.acknowledged()) >= answers:
                        break
                jumped = offset.with_name("jumped")
                jumped.write_text(str(-HOUR))
                jumped.rename(offset)
        acknowledged = platform.acknowledged()
        assert broken_over_http(server, acknowledged) == []
        server.stop()
    assert platform.complaints == []
    assert HOUR - 60 < max(seconds_back(data, log) for log in WORKSPACES) <= HOUR
    assert broken_in_ledger(data, acknowledged) == []
    assert out_of_order(acknowledged) == []
    verify_and_replay(data)
