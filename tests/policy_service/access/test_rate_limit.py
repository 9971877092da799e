"""The rate limit of keys, and the answer to a request above it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from freezegun import freeze_time

from policy_service.access.keys import Role
from policy_service.access.rate_limit import RateLimit
from policy_service.app import create_app
from policy_service.problems import ProblemError
from policy_service.settings import Settings
from tests.policy_service.api_client import ACME, event
from tests.policy_service.problems import problem

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

NOON = datetime(2126, 11, 22, 12, tzinfo=UTC)
"""In the future, because the thread that drops old requests uses the real clock."""


def admitted(limit: RateLimit, key: str, times: int) -> int:
    """Return the number of admitted requests."""
    let_in = 0
    for _ in range(times):
        with suppress(ProblemError):
            limit.admit(key)
            let_in += 1
    return let_in


def test_rate_of_zero_means_no_limit() -> None:
    assert RateLimit.from_settings(Settings(rate=0)) is None


@pytest.mark.parametrize(
    ("rate", "burst", "workers", "at_once"),
    [(5, 1, 1, 5), (5, 3, 1, 15), (5, 2, 2, 5), (5, 1, 2, 3), (1, 1, 64, 1)],
)
def test_process_admits_its_share_of_burst(
    rate: int, burst: int, workers: int, at_once: int
) -> None:
    limit = RateLimit.from_settings(Settings(rate=rate, burst=burst, workers=workers))
    assert limit
    with freeze_time(NOON):
        assert admitted(limit, "key-1", 20) == at_once


def test_window_moves_separately_for_each_key() -> None:
    limit = RateLimit(rate=2, burst=5, workers=1)
    with freeze_time(NOON) as clock:
        assert admitted(limit, "key-1", 6) == 6
        clock.tick(timedelta(seconds=3))
        assert admitted(limit, "key-1", 6) == 4
        assert admitted(limit, "key-2", 1) == 1
        clock.tick(timedelta(seconds=2.1))
        assert admitted(limit, "key-1", 10) == 6
        clock.tick(timedelta(seconds=60))
        assert admitted(limit, "key-1", 11) == 10


def test_request_is_admitted_after_retry_after() -> None:
    limit = RateLimit(rate=1, burst=4, workers=1)
    with freeze_time(NOON) as clock:
        admitted(limit, "key-1", 4)
        clock.tick(timedelta(seconds=1.5))
        with pytest.raises(ProblemError) as refusal:
            limit.admit("key-1")
        assert refusal.value.retry_after == 3
        clock.tick(timedelta(seconds=3))
        limit.admit("key-1")


def test_excess_requests_are_refused_with_retry_after(api: Api) -> None:
    """Every call counts, but only with a key, so that nobody exhausts the limit of another key."""
    api.client = create_app(Settings(rate=2, burst=7, workers=7), api.store).test_client()
    with freeze_time(NOON):
        assert [api.get(f"{ACME}/policy").status_code for _ in range(2)] == [200, 200]
        refused = api.get(f"{ACME}/policy")
        assert problem(refused)["code"] == "too_many_requests"
        assert refused.headers["Retry-After"] == "7"
        assert problem(api.post("/v1/decisions", {}, Role.AUDITOR))["status"] == 429
        assert api.get(f"{ACME}/policy", Role.AUTHOR).status_code == 200
        assert api.send("GET", "/healthz").status_code == 200


def test_excess_decision_is_refused_and_not_recorded(api: Api) -> None:
    api.client = create_app(Settings(rate=1, burst=2, workers=1), api.store).test_client()
    with freeze_time(NOON):
        for number in range(2):
            api.decide(event(f"ev-{number}"))
        written = api.log_heads()
        refused = api.post("/v1/decisions", event("ev-9"), Role.PLATFORM)
        assert problem(refused)["code"] == "too_many_requests"
        assert api.log_heads() == written
