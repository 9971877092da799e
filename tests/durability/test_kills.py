"""SIGKILL at any moment loses and doubles no acknowledged decision."""

from __future__ import annotations

import random
import time
from enum import Enum
from typing import TYPE_CHECKING

from tests.depth import DEPTH
from tests.durability.load import Platform
from tests.durability.promises import (
    broken_in_ledger,
    broken_over_http,
    out_of_order,
    verify_and_replay,
)

if TYPE_CHECKING:
    from tests.served import Server

SEED = 20261122


class Kill(Enum):
    """The part of a server that is killed."""

    EVERYTHING = "everything"
    MAIN = "main"
    WORKER = "worker"


KILLS = [Kill.EVERYTHING] * 4 * DEPTH + [Kill.MAIN] * 2 * DEPTH + [Kill.WORKER] * 2 * DEPTH


def strike(server: Server, kill: Kill, choice: random.Random) -> None:
    """Kill a part, and start the server again by the same command if that ended it."""
    match kill:
        case Kill.EVERYTHING:
            server.kill()
        case Kill.MAIN:
            server.kill_main()
        case Kill.WORKER:
            server.kill_worker(choice)
    if not server.is_running():
        server.start()


def test_kill_loses_and_doubles_no_acknowledged_decision(server: Server) -> None:
    """The whole server, its main process or a worker is killed under load; nothing is repaired."""
    choice = random.Random(SEED)
    platform = Platform([server], clients=12, seed=SEED)
    checked = 0
    for kill in choice.sample(KILLS, len(KILLS)):
        with platform.talking():
            time.sleep(choice.uniform(0.1, 0.6))
            strike(server, kill, choice)
        acknowledged = platform.acknowledged()
        assert broken_over_http(server, acknowledged[checked:]) == []
        checked = len(acknowledged)
    server.stop()
    assert platform.complaints == []
    assert platform.unanswered > 0, "no kill hit a request under way"
    assert broken_in_ledger(server.data, acknowledged) == []
    assert out_of_order(acknowledged) == []
    verify_and_replay(server.data)
