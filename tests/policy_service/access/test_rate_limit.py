"""How many requests a key may make, and what it is told when it makes more."""

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
"""To come, because the thread that forgets old requests goes by the real clock."""


def admitted(limit: RateLimit, key: str, times: int) -> int:
    """How many of so many requests are let in."""
    let_in = 0
    for _ in range(times):
        with suppress(ProblemError):
            limit.admit(key)
            let_in += 1
    return let_in


def test_no_rate_is_no_limit() -> None:
    assert RateLimit.from_settings(Settings(rate=0)) is None


@pytest.mark.parametrize(
    ("rate", "burst", "workers", "at_once"),
    [(5, 1, 1, 5), (5, 3, 1, 15), (5, 2, 2, 5), (5, 1, 2, 3), (1, 1, 64, 1)],
)
def test_a_process_lets_in_its_share_of_what_may_come_at_once(
    rate: int, burst: int, workers: int, at_once: int
) -> None:
    limit = RateLimit.from_settings(Settings(rate=rate, burst=burst, workers=workers))
    assert limit
    with freeze_time(NOON):
        assert admitted(limit, "key-1", 20) == at_once


def test_the_window_moves_and_each_key_has_its_own() -> None:
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


def test_who_waits_as_long_as_told_is_served_again() -> None:
    limit = RateLimit(rate=1, burst=4, workers=1)
    with freeze_time(NOON) as clock:
        admitted(limit, "key-1", 4)
        clock.tick(timedelta(seconds=1.5))
        with pytest.raises(ProblemError) as refusal:
            limit.admit("key-1")
        assert refusal.value.retry_after == 3
        clock.tick(timedelta(seconds=3))
        limit.admit("key-1")


def test_too_many_requests_are_refused_with_the_seconds_to_wait(api: Api) -> None:
    """Whatever is asked for; and only requests with a key, so that nobody uses up another's."""
    api.client = create_app(Settings(rate=2, burst=7, workers=7), api.store).test_client()
    with freeze_time(NOON):
        assert [api.get(f"{ACME}/policy").status_code for _ in range(2)] == [200, 200]
        refused = api.get(f"{ACME}/policy")
        assert problem(refused)["code"] == "too_many_requests"
        assert refused.headers["Retry-After"] == "7"
        assert problem(api.post("/v1/decisions", {}, Role.AUDITOR))["status"] == 429
        assert api.get(f"{ACME}/policy", Role.AUTHOR).status_code == 200
        assert api.send("GET", "/healthz").status_code == 200


def test_decisions_count_and_what_is_refused_is_not_decided(api: Api) -> None:
    api.client = create_app(Settings(rate=1, burst=2, workers=1), api.store).test_client()
    with freeze_time(NOON):
        for number in range(2):
            api.decide(event(f"ev-{number}"))
        written = api.written()
        refused = api.post("/v1/decisions", event("ev-9"), Role.PLATFORM)
        assert problem(refused)["code"] == "too_many_requests"
        assert api.written() == written
