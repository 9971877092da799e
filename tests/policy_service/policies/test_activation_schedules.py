"""Scheduled activations: the same moment in any time zone, and after any downtime."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from audit.stores.sqlite.store import SqliteStore
from policy_service.jobs.scheduler import JobScheduler
from tests.policy_service.api_client import ACME, read
from tests.policy_service.scheduling import (
    activation_steps,
    approved,
    deciding_version,
    freeze_at,
    open_service,
    schedule_activation,
)
from tests.served import Server, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.policy_service.api_client import Api, KeyedLedger

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Central European time as POSIX writes it, so that no table of time zones is needed."""


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as environment:
        environment.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("written", "before", "due"),
    [
        ("2027-03-28T01:59:59+01:00", "2027-03-28T00:59:58Z", "2027-03-28T00:59:59Z"),
        ("2027-03-28T02:30:00+01:00", "2027-03-28T01:29:59Z", "2027-03-28T01:30:00Z"),
        ("2027-03-28T02:30:00+02:00", "2027-03-28T00:29:59Z", "2027-03-28T00:30:00Z"),
        ("2027-03-28T03:00:00+02:00", "2027-03-28T00:59:59Z", "2027-03-28T01:00:00Z"),
        ("2027-10-31T02:30:00+02:00", "2027-10-31T00:29:59Z", "2027-10-31T00:30:00Z"),
        ("2027-10-31T02:30:00+01:00", "2027-10-31T01:29:59Z", "2027-10-31T01:30:00Z"),
        ("2027-10-30T14:30:00-12:00", "2027-10-31T02:29:59Z", "2027-10-31T02:30:00Z"),
    ],
)
def test_schedule_follows_utc_offset_when_clocks_change(
    service: Api, written: str, before: str, due: str
) -> None:
    """Local times that a change of clocks skips or repeats are included."""
    with freeze_at("2027-01-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, written)
    with freeze_at(before):
        assert deciding_version(service, "c-1") == 1
    with freeze_at(due):
        assert deciding_version(service, "c-2") == number


def test_schedule_distinguishes_local_time_that_occurs_twice(service: Api) -> None:
    """A schedule for the later occurrence is not applied at the earlier one."""
    with freeze_at("2027-10-30T00:00:00Z"):
        number, early = approved(service), approved(service, "Three")
        schedule_activation(service, number, "2027-10-31T02:30:00+01:00", percent=100)
        schedule_activation(service, early, "2027-10-31T02:30:00+02:00", percent=10)
    with freeze_at("2027-10-31T01:29:59Z"):
        read(service.get(f"{ACME}/policy"))
        assert activation_steps(service.store) == [("activated", early)]
        assert read(service.get(f"{ACME}/policy"))["version"] == 1
    with freeze_at("2027-10-31T01:30:00Z"):
        assert read(service.get(f"{ACME}/policy"))["version"] == number


SPRING = [
    "2027-03-28T00:59:59Z",  # 01:59:59
    "2027-03-28T01:00:00Z",  # 03:00:00
    "2027-03-28T01:29:59Z",
]
AUTUMN = [
    "2027-10-31T00:30:00Z",  # 02:30:00, for the first time
    "2027-10-31T00:59:59Z",  # 02:59:59
    "2027-10-31T01:00:00Z",  # 02:00:00
    "2027-10-31T01:29:59Z",
]


@pytest.mark.parametrize(
    ("written", "moments", "due"),
    [
        ("2027-03-28T03:30:00+02:00", SPRING, "2027-03-28T01:30:00Z"),
        ("2027-10-31T02:30:00+01:00", AUTUMN, "2027-10-31T01:30:00Z"),
    ],
)
def test_scheduler_is_on_time_when_clocks_change(
    service: Api, written: str, moments: list[str], due: str
) -> None:
    """Only the job applies it, without any write. Another workspace shows that the job ran."""
    with freeze_at("2027-01-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, written)
        for count, moment in enumerate([*moments, due], start=1):
            workspace = f"witness-{count}"
            other = approved(service, workspace=workspace)
            schedule_activation(service, other, moment, workspace=workspace)
        jobs = JobScheduler(service.client.application.extensions["policy_service"])
        jobs.start()
        try:
            for looked, moment in enumerate(moments, start=1):
                with freeze_at(moment):
                    wait_for(service.store, f"witness-{looked}", 2)
                assert activation_steps(service.store) == [], moment
            with freeze_at(due):
                wait_for(service.store, f"witness-{len(moments) + 1}", 2)
        finally:
            jobs.stop()
    assert activation_steps(service.store) == [("activated", number), ("retired", 1)]


def test_scheduler_continues_when_clock_is_set_back(service: Api) -> None:
    """A scheduler that follows the wall clock would wait until it reaches the old time again."""
    with freeze_at("2027-06-09T00:00:00Z"):
        jobs = JobScheduler(service.client.application.extensions["policy_service"])
        jobs.start()
        try:
            with freeze_at("2027-06-01T00:00:00Z"):
                schedule_activation(service, approved(service), "2027-06-02T00:00:00Z")
            with freeze_at("2027-06-02T00:00:00Z"):
                wait_for(service.store, "acme", 2)
        finally:
            jobs.stop()


def wait_for(store: SqliteStore, workspace: str, count: int) -> None:
    for _ in patiently(f"there were not {count} steps"):
        if len(activation_steps(store, workspace)) == count:
            return


def test_schedule_is_applied_after_restart(first: KeyedLedger, folder: Path) -> None:
    with freeze_at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        number = approved(before)
        schedule_activation(before, number, "2027-06-02T00:00:00Z")
    with freeze_at("2027-06-01T23:59:59Z"), open_service(folder, first) as early:
        assert deciding_version(early) == 1
    with freeze_at("2027-06-02T00:00:00Z"), open_service(folder, first) as late:
        assert deciding_version(late, "c-2") == number
    with freeze_at("2027-06-03T00:00:00Z"), open_service(folder, first) as later:
        assert deciding_version(later, "c-3") == number
        assert activation_steps(later.store) == [("activated", number), ("retired", 1)]


def test_overdue_schedules_are_applied_once_in_order_after_restart(
    first: KeyedLedger, folder: Path
) -> None:
    """Two schedules for the same time are applied in the order of their entries."""
    with freeze_at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        last, third, second, soonest = (approved(before, title) for title in "ABCD")
        schedule_activation(before, last, "2027-06-05T00:00:00Z")
        schedule_activation(before, second, "2027-06-03T00:00:00Z", percent=10)
        schedule_activation(before, third, "2027-06-03T00:00:00Z", percent=20)
        schedule_activation(before, soonest, "2027-06-03T01:59:59+02:00", shadow=True)
    expected = [
        ("activated", soonest),
        ("activated", second),
        *(("activated", third), ("retired", second)),
        *(("activated", last), ("retired", 1), ("retired", third), ("retired", soonest)),
    ]
    for _ in range(2):
        with freeze_at("2027-06-30T00:00:00Z"), open_service(folder, first) as after:
            assert read(after.get(f"{ACME}/policy"))["version"] == last
            assert activation_steps(after.store) == expected


def test_overdue_schedule_is_applied_once_when_two_services_start(
    first: KeyedLedger, folder: Path
) -> None:
    """Two real servers with two processes each get requests as soon as they listen."""
    with freeze_at("2020-06-01T00:00:00Z"), open_service(folder, first) as before:
        one, two, three = (approved(before, title) for title in "ABC")
        schedule_activation(before, two, "2020-06-03T00:00:00Z", percent=50)
        schedule_activation(before, one, "2020-06-02T00:00:00Z", percent=10)
        schedule_activation(before, three, "2020-06-04T00:00:00Z")
    servers = [Server(folder, first.tokens) for _ in range(2)]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            for _ in patiently("the server did not get ready"):
                if server.is_ready():
                    break
            with server.client("auditor") as client:
                assert client.get(f"{ACME}/policy").json["version"] == three
    finally:
        for server in servers:
            server.kill()
    with SqliteStore.open(folder) as store:
        assert activation_steps(store) == [
            ("activated", one),
            *(("activated", two), ("retired", one)),
            *(("activated", three), ("retired", 1), ("retired", two)),
        ]
