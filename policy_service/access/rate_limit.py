"""How many requests a key may make: a moving window per key, in this process's memory.

Each process grants its share of the rate, because nothing is shared between them. Connections go to
processes as they come, so that a key is held to the rate over many connections, and to as little
as one process's share on one. A restart forgets what was asked before it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from policy_service.settings import Settings


class RateLimit:
    """`rate` requests a second for each key, `burst` seconds' worth of them at once."""

    def __init__(self, rate: int, burst: int, workers: int) -> None:
        share = math.ceil(rate * burst / workers)
        self._item = RateLimitItemPerSecond(share, burst)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    @classmethod
    def from_settings(cls, settings: Settings) -> RateLimit | None:
        """What the settings ask for; None where there is no limit."""
        if settings.rate == 0:
            return None
        return cls(settings.rate, settings.burst, settings.workers)

    def admit(self, key_id: str) -> None:
        """Count a request; Problem `too_many_requests` where there were too many, uncounted."""
        if not self._windows.hit(self._item, key_id):
            free = self._windows.get_window_stats(self._item, key_id).reset_time
            wait = max(1, math.ceil(free - time.time()))
            detail = f"This key has made too many requests; nothing was done. Wait {wait} s"
            raise ProblemError(ProblemCode.TOO_MANY_REQUESTS, detail, retry_after=wait)
