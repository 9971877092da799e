"""Schedules mean moments: whatever the clock on the wall shows, and whoever was down meanwhile.

The clock that is frozen here is the one that the service itself reads.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time

from audit.replay import report as replayed
from audit.stores.sqlite import SqliteStore
from audit.verify import verify_all
from policy_service.jobs import Jobs
from policy_service.keys import Role
from rules.derive import bucket
from tests.policy_service.api import ACME, Api, Clock, document, event, read
from tests.served import Server, patiently

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.policy_service.api import Made

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Central European time as POSIX writes it, so that no table of time zones is needed."""
CONVERSATIONS = [f"c-{number}" for number in range(60)]


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as environment:
        environment.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def folder(first: Made, tmp_path: Path) -> Iterator[Path]:
    """A ledger with keys; it is sound at the end, and every decision comes out again."""
    copy = tmp_path / "data"
    shutil.copytree(first.folder, copy)
    yield copy
    with SqliteStore.open(copy) as store, store.read() as view:
        assert [found for report in verify_all(view) for found in report.findings] == []
        assert all(not replayed(view, log).differences for log in view.logs())


@contextmanager
def at(moment: str) -> Iterator[None]:
    """It is that moment."""
    with freeze_time(moment, ignore=["tests.served"]):
        yield


@contextmanager
def open_service(folder: Path, first: Made) -> Iterator[Api]:
    """The service by the clock of the system, from when it is started until it is stopped."""
    with SqliteStore.open(folder) as store:
        yield Api(store, Clock(), first)


@pytest.fixture
def service(folder: Path, first: Made) -> Iterator[Api]:
    with open_service(folder, first) as api:
        yield api


def approved(api: Api, title: str = "Two", workspace: str = "acme") -> int:
    proposed = api.propose(document(title), workspace)
    number = int(proposed["version"])
    read(api.step(number, "approve", workspace=workspace, digest=proposed["digest"]))
    return number


def scheduled(api: Api, number: int, due: str, **how: Any) -> None:
    """Have an approved version activated at that time."""
    workspace = how.pop("workspace", "acme")
    answered = api.step(number, "activate", workspace=workspace, at=due, **how)
    assert answered.status_code == 200, answered.text
    assert read(answered)["scheduled"], "it is to come"


def deciding(api: Api, conversation: str = "c-1") -> int:
    """The version by which a conversation that has not begun is decided now."""
    sent = event(
        f"{conversation}-{len(api.entries('?kind=decision&limit=500'))}",
        type="conversation.closed",
        message=None,
        conversation={"id": conversation},
    )
    return int(api.decide(sent)["policy"]["version"])


def steps(store: SqliteStore, workspace: str = "acme") -> list[tuple[str, int]]:
    """What the ledger holds of activations: what was done, and with which version."""
    with store.read() as view:
        leaves = [entry.value for entry in view.entries_of(workspace, "version.")]
    done = ("activated", "suspended", "retired")
    told = [(leaf["kind"].removeprefix("version."), leaf["version"]) for leaf in leaves]
    return [step for step in told if step[0] in done and step != ("activated", 1)]


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
def test_a_time_is_the_moment_that_its_offset_says_also_where_clocks_change(
    service: Api, written: str, before: str, due: str
) -> None:
    """Also where no clock shows it, as it is skipped; and where clocks show it twice."""
    with at("2027-01-01T00:00:00Z"):
        number = approved(service)
        scheduled(service, number, written)
    with at(before):
        assert deciding(service, "c-1") == 1
    with at(due):
        assert deciding(service, "c-2") == number


def test_a_time_that_clocks_show_twice_is_two_moments(service: Api) -> None:
    """What is due at the later one is not done at the earlier."""
    with at("2027-10-30T00:00:00Z"):
        number = approved(service)
        scheduled(service, number, "2027-10-31T02:30:00+01:00", percent=100)
        scheduled(service, number, "2027-10-31T02:30:00+02:00", percent=10)
    with at("2027-10-31T01:29:59Z"):
        read(service.get(f"{ACME}/policy"))
        assert steps(service.store) == [("activated", number)]
        assert read(service.get(f"{ACME}/policy"))["version"] == 1
    with at("2027-10-31T01:30:00Z"):
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
def test_clocks_that_change_under_a_running_scheduler_make_nothing_early_or_late(
    service: Api, written: str, moments: list[str], due: str
) -> None:
    """Nobody writes: the job alone does it. It looked each time: another workspace's was done."""
    with at("2027-01-01T00:00:00Z"):
        number = approved(service)
        scheduled(service, number, written)
        other = approved(service, workspace="witness")
        for percent, moment in enumerate([*moments, due], start=1):
            scheduled(service, other, moment, percent=percent, workspace="witness")
        jobs = Jobs(service.client.application.extensions["policy_service"], service.store.folder)
        jobs.start()
        try:
            for looked, moment in enumerate(moments, start=1):
                with at(moment):
                    wait_for(service.store, "witness", looked)
                assert steps(service.store) == [], moment
            with at(due):
                wait_for(service.store, "witness", len(moments) + 1)
        finally:
            jobs.stop()
    assert steps(service.store) == [("activated", number), ("retired", 1)]


def test_a_clock_that_is_put_back_does_not_stop_the_scheduler(service: Api) -> None:
    """It would wait until the clock shows again what it did, for as long as that is."""
    with at("2027-06-09T00:00:00Z"):
        jobs = Jobs(service.client.application.extensions["policy_service"], service.store.folder)
        jobs.start()
        try:
            with at("2027-06-01T00:00:00Z"):
                scheduled(service, approved(service), "2027-06-02T00:00:00Z")
            with at("2027-06-02T00:00:00Z"):
                wait_for(service.store, "acme", 2)
        finally:
            jobs.stop()


def wait_for(store: SqliteStore, workspace: str, count: int) -> None:
    for _ in patiently(f"there were not {count} steps"):
        if len(steps(store, workspace)) == count:
            return


def test_what_was_scheduled_before_a_restart_is_done_after_it(first: Made, folder: Path) -> None:
    with at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        number = approved(before)
        scheduled(before, number, "2027-06-02T00:00:00Z")
    with at("2027-06-01T23:59:59Z"), open_service(folder, first) as early:
        assert deciding(early) == 1
    with at("2027-06-02T00:00:00Z"), open_service(folder, first) as late:
        assert deciding(late, "c-2") == number
    with at("2027-06-03T00:00:00Z"), open_service(folder, first) as later:
        assert deciding(later, "c-3") == number
        assert steps(later.store) == [("activated", number), ("retired", 1)]


def test_what_is_overdue_after_a_restart_is_done_once_in_the_order_of_its_times(
    first: Made, folder: Path
) -> None:
    """Of two at one time the one that was scheduled first goes first."""
    with at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        last, third, second, soonest = (approved(before, title) for title in "ABCD")
        scheduled(before, last, "2027-06-05T00:00:00Z")
        scheduled(before, second, "2027-06-03T00:00:00Z", percent=10)
        scheduled(before, third, "2027-06-03T00:00:00Z", percent=20)
        scheduled(before, soonest, "2027-06-03T01:59:59+02:00", shadow=True)
    expected = [
        ("activated", soonest),
        ("activated", second),
        *(("activated", third), ("retired", second)),
        *(("activated", last), ("retired", 1), ("retired", third), ("retired", soonest)),
    ]
    for _ in range(2):
        with at("2027-06-30T00:00:00Z"), open_service(folder, first) as after:
            assert read(after.get(f"{ACME}/policy"))["version"] == last
            assert steps(after.store) == expected


def test_what_is_overdue_is_done_once_also_where_two_services_come_back_at_once(
    first: Made, folder: Path
) -> None:
    """Real ones, of two processes each, which are asked as soon as they are there."""
    with at("2020-06-01T00:00:00Z"), open_service(folder, first) as before:
        one, two, three = (approved(before, title) for title in "ABC")
        scheduled(before, two, "2020-06-03T00:00:00Z", percent=50)
        scheduled(before, one, "2020-06-02T00:00:00Z", percent=10)
        scheduled(before, three, "2020-06-04T00:00:00Z")
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
        assert steps(store) == [
            ("activated", one),
            *(("activated", two), ("retired", one)),
            *(("activated", three), ("retired", 1), ("retired", two)),
        ]


def notices(api: Api) -> list[dict[str, Any]]:
    return [each["entry"] for each in api.entries("?kind=version.suspended")]


def test_what_was_agreed_to_in_the_place_of_another_version_is_suspended_with_a_notice(
    first: Made, folder: Path
) -> None:
    """Also where that is only found out when the service comes back; the notice says why, once."""
    with at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        planned, urgent = approved(before, "A"), approved(before, "B")
        scheduled(before, planned, "2027-06-02T00:00:00Z")
        read(before.step(urgent, "activate"))
        [to_come] = before.entries("?kind=version.scheduled")
    for _ in range(2):
        with at("2027-06-09T00:00:00Z"), open_service(folder, first) as after:
            assert deciding(after, "c-1") == urgent
            [notice] = notices(after)
            assert notice == {
                "format": 1,
                "kind": "version.suspended",
                "workspace": "acme",
                "at": "2027-06-09T00:00:00.000Z",
                "by": "system",
                "version": planned,
                "digest": to_come["entry"]["digest"],
                "schedule": to_come["index"],
                "reason": f"version {urgent} is active in the place of 1",
            }


def test_two_versions_for_all_one_after_the_other_leave_the_second_suspended(service: Api) -> None:
    """It was agreed to in the place of the version that the first one replaces."""
    with at("2027-06-01T00:00:00Z"):
        one, two = approved(service, "A"), approved(service, "B")
        scheduled(service, one, "2027-06-02T00:00:00Z")
        scheduled(service, two, "2027-06-03T00:00:00Z")
    with at("2027-06-09T00:00:00Z"):
        assert deciding(service) == one
        assert steps(service.store)[-1] == ("suspended", two)


def test_a_schedule_holds_where_what_it_was_agreed_against_is_active_again(service: Api) -> None:
    with at("2027-06-01T00:00:00Z"):
        planned, urgent = approved(service, "A"), approved(service, "B")
        scheduled(service, planned, "2027-06-02T00:00:00Z")
        read(service.step(urgent, "activate"))
        read(service.step(1, "activate"))
    with at("2027-06-02T00:00:00Z"):
        assert deciding(service) == planned
        assert notices(service) == []


def test_a_version_that_was_activated_before_it_was_due_is_not_activated_again(
    service: Api,
) -> None:
    with at("2027-06-01T00:00:00Z"):
        number = approved(service)
        scheduled(service, number, "2027-06-02T00:00:00Z")
        read(service.step(number, "activate"))
    with at("2027-06-02T00:00:00Z"):
        assert deciding(service) == number
        assert steps(service.store).count(("activated", number)) == 1
        assert [notice["version"] for notice in notices(service)] == [number]


def test_a_version_that_was_superseded_before_it_was_due_is_suspended(service: Api) -> None:
    """Where no approval is asked for, a proposal can be scheduled, and the next supersedes it."""
    with at("2027-06-01T00:00:00Z"):
        asked = {"count": 0, "reason": "A team of one"}
        answered = service.client.put(
            f"{ACME}/approvals",
            json=asked,
            headers={"Authorization": f"Bearer {service.tokens[Role.OWNER]}"},
        )
        assert answered.status_code == 200
        number = int(service.propose(document("A"))["version"])
        scheduled(service, number, "2027-06-02T00:00:00Z")
        service.propose(document("B"))
    with at("2027-06-02T00:00:00Z"):
        assert deciding(service) == 1
        [notice] = notices(service)
        assert notice["reason"] == f"version {number} is superseded and lacks approvals"


def test_a_share_that_grows_by_schedule_keeps_whom_it_had(service: Api) -> None:
    """10, 50 and 100 percent, each at its time; the same conversations stay in."""
    with at("2027-06-01T00:00:00Z"):
        number = approved(service)
        for day, percent in ((2, 10), (3, 50), (4, 100)):
            scheduled(service, number, f"2027-06-0{day}T00:00:00Z", percent=percent)
    for day, percent in ((1, 0), (2, 10), (3, 50), (4, 100)):
        with at(f"2027-06-0{day}T12:00:00Z"):
            new = {c for c in CONVERSATIONS if deciding(service, c) == number}
            assert new == {c for c in CONVERSATIONS if bucket("acme", c) < percent * 100}
    assert steps(service.store) == [*[("activated", number)] * 3, ("retired", 1)]


def test_a_share_that_would_shrink_by_schedule_is_suspended(service: Api) -> None:
    """When it was scheduled nothing had grown yet; by its time it has."""
    with at("2027-06-01T00:00:00Z"):
        number = approved(service)
        scheduled(service, number, "2027-06-03T00:00:00Z", percent=20)
        scheduled(service, number, "2027-06-02T00:00:00Z", percent=50)
    with at("2027-06-09T00:00:00Z"):
        new = {c for c in CONVERSATIONS if deciding(service, c) == number}
        assert new == {c for c in CONVERSATIONS if bucket("acme", c) < 5000}
        [notice] = notices(service)
        assert notice["reason"] == f"version {number} decides for 50 percent; that only grows"
