"""The same clock, random bytes and signing key for each run.

Only edges of Python are replaced, so nothing here depends on a module of the service.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, cast

import pytest
from freezegun import freeze_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from freezegun.api import FrozenDateTimeFactory

STORED = Path(__file__).parent / "stored"
SIGNING_KEY = "signing.key"
START = "2026-11-22T12:00:00Z"
SECRET_SIZE = 32
"""Salts, secrets and keys have at least this many bytes, ids have fewer."""


@contextmanager
def pinned(start: str = START, *, distinct: bool = False) -> Iterator[FrozenDateTimeFactory]:
    """Freeze the clock at `start`, and replace the random bytes that `secrets` returns.

    Ids count up. Secrets are all equal, so the order in which the service draws salts and keys does
    not matter; if `distinct`, they count up too.
    """
    drawn: Counter[int] = Counter()

    def randbytes(_: SystemRandom, size: int) -> bytes:
        drawn[size] += 1
        number = 1 if size >= SECRET_SIZE and not distinct else drawn[size]
        return number.to_bytes(size, "big")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemRandom, "randbytes", randbytes)
        with freeze_time(start) as clock:
            yield cast("FrozenDateTimeFactory", clock)
