"""The clock of a running server jumps back an hour under load: the order of the log stays."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import SqliteStore
from tests.durability.jumping_clock import OFFSET, JumpingServer
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
    """Return the largest step back in time between two entries of the log, in seconds."""
    with SqliteStore.open(data) as store, store.read() as view:
        times = [datetime.fromisoformat(entry.value["at"]) for entry in view.entries(log)]
    return max((one - other).total_seconds() for one, other in pairwise(times))


def test_clock_that_jumps_back_changes_no_order_and_loses_no_decision(tmp_path: Path) -> None:
    """Times in the log go back, indices do not."""
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
