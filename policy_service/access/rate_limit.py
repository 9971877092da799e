"""The rate limit of each key: a moving window in this process's memory.

Each process grants its share of the rate, because processes share nothing. A key that uses many
connections reaches all processes, and the whole rate; one connection may get the share of a single
process. A restart clears the windows.
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
    """A limit of `rate` requests a second for each key, with `burst` seconds' requests at once."""

    def __init__(self, rate: int, burst: int, workers: int) -> None:
        share = math.ceil(rate * burst / workers)
        self._item = RateLimitItemPerSecond(share, burst)
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    @classmethod
    def from_settings(cls, settings: Settings) -> RateLimit | None:
        """Return the limit of the settings; None if there is none."""
        if settings.rate == 0:
            return None
        return cls(settings.rate, settings.burst, settings.workers)

    def admit(self, key_id: str) -> None:
        """Count a request, or raise ProblemError `too_many_requests` without counting it."""
        if not self._windows.hit(self._item, key_id):
            free = self._windows.get_window_stats(self._item, key_id).reset_time
            wait = max(1, math.ceil(free - time.time()))
            detail = f"This key has made too many requests; nothing was done. Retry in {wait} s"
            raise ProblemError(ProblemCode.TOO_MANY_REQUESTS, detail, retry_after=wait)
