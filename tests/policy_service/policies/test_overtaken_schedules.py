"""Schedules that are out of date when they are due: applied as approved, or suspended."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from audit.errors import BrokenHistoryError
from policy_service.access.keys import Role
from policy_service.policies.activation import activate_due_in_all
from policy_service.policies.policy_cache import PolicyCache
from rules.engine.facts import sample_bucket
from tests.policy_service.api_client import ACME, document, read
from tests.policy_service.problems import code, errors
from tests.policy_service.scheduling import (
    activation_steps,
    approved,
    deciding_version,
    freeze_at,
    open_service,
    schedule_activation,
)

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api, KeyedLedger

CONVERSATIONS = [f"c-{number}" for number in range(60)]


def notices(api: Api) -> list[dict[str, Any]]:
    return [each["entry"] for each in api.entries("?kind=version.suspended")]


def test_schedule_is_suspended_when_active_version_changed(
    first: KeyedLedger, folder: Path
) -> None:
    """Downtime makes no difference. One notice gives the reason."""
    with freeze_at("2027-06-01T00:00:00Z"), open_service(folder, first) as before:
        planned, urgent = approved(before, "A"), approved(before, "B")
        schedule_activation(before, planned, "2027-06-02T00:00:00Z")
        read(before.step(urgent, "activate"))
        [to_come] = before.entries("?kind=version.scheduled")
    for _ in range(2):
        with freeze_at("2027-06-09T00:00:00Z"), open_service(folder, first) as after:
            assert deciding_version(after, "c-1") == urgent
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


def test_second_schedule_is_suspended_when_first_is_applied(service: Api) -> None:
    """The second was approved to replace a version that the first one has replaced."""
    with freeze_at("2027-06-01T00:00:00Z"):
        one, two = approved(service, "A"), approved(service, "B")
        schedule_activation(service, one, "2027-06-02T00:00:00Z")
        schedule_activation(service, two, "2027-06-03T00:00:00Z")
    with freeze_at("2027-06-09T00:00:00Z"):
        assert deciding_version(service) == one
        assert activation_steps(service.store)[-1] == ("suspended", two)


def test_schedule_is_applied_when_original_version_is_active_again(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        planned, urgent = approved(service, "A"), approved(service, "B")
        schedule_activation(service, planned, "2027-06-02T00:00:00Z")
        read(service.step(urgent, "activate"))
        read(service.step(1, "activate"))
    with freeze_at("2027-06-02T00:00:00Z"):
        assert deciding_version(service) == planned
        assert notices(service) == []


def ended(api: Api) -> list[tuple[int, str, str]]:
    """Return the version, the reason and the author of each schedule that ended early."""
    entries = [each["entry"] for each in api.entries("?kind=version.unscheduled")]
    return [(each["version"], each["reason"], each["by"]) for each in entries]


def unschedule(api: Api, number: int) -> TestResponse:
    path = f"{ACME}/versions/{number}/schedule"
    return api.send("DELETE", path, token=api.tokens[Role.APPROVER])


def test_schedule_ends_when_version_is_activated_by_hand_and_rollback_stands(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        assert read(service.step(number, "activate"))["scheduled"] == []
        read(service.step(1, "activate"))
    with freeze_at("2027-06-03T00:00:00Z"):
        assert deciding_version(service) == 1
        assert ended(service) == [(number, "activated", service.keys["approver"].id)]
        assert notices(service) == []


def test_new_time_replaces_pending_schedule(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        later = read(service.step(number, "activate", at="2027-06-05T00:00:00Z"))
        assert [each["due"] for each in later["scheduled"]] == ["2027-06-05T00:00:00.000Z"]
    with freeze_at("2027-06-03T00:00:00Z"):
        assert deciding_version(service) == 1
    with freeze_at("2027-06-05T00:00:00Z"):
        assert deciding_version(service) == number
        assert [reason for _, reason, _ in ended(service)] == ["replaced"]


def test_schedule_can_be_cancelled_once(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        cancelled = unschedule(service, number)
        assert (cancelled.status_code, read(cancelled)["scheduled"]) == (200, [])
        assert code(unschedule(service, number)) == (404, "not_found")
        assert code(unschedule(service, 9)) == (404, "not_found")
    with freeze_at("2027-06-03T00:00:00Z"):
        assert deciding_version(service) == 1
        assert [reason for _, reason, _ in ended(service)] == ["cancelled"]


def test_schedule_ends_when_trial_is_rolled_back(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        read(service.step(number, "activate", percent=20))
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        read(service.step(1, "activate"))
    with freeze_at("2027-06-03T00:00:00Z"):
        assert deciding_version(service) == 1
        assert [reason for _, reason, _ in ended(service)] == ["rolled_back"]


def test_schedule_ends_when_newer_trial_replaces_version(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        one, two = approved(service, "A"), approved(service, "B")
        read(service.step(one, "activate", percent=20))
        schedule_activation(service, one, "2027-06-02T00:00:00Z", percent=50)
        read(service.step(two, "activate", percent=10))
        assert [step[:2] for step in ended(service)] == [(one, "cancelled")]


def test_schedule_ends_when_version_is_rejected(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        assert code(service.step(number, "reject", reason="No")) == (409, "wrong_status")
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        rejected = read(service.step(number, "reject", reason="It is wrong"))
        assert (rejected["status"], rejected["scheduled"]) == ("rejected", [])
    with freeze_at("2027-06-03T00:00:00Z"):
        assert deciding_version(service) == 1
        assert [reason for _, reason, _ in ended(service)] == ["cancelled"]


def test_time_in_the_past_is_refused(service: Api) -> None:
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        heads = service.log_heads()
        refused = service.step(number, "activate", at="2027-05-31T23:59:59Z")
        assert code(refused) == (400, "invalid_request")
        assert errors(refused) == [("/at", "not_in_future")]
        assert service.log_heads() == heads


def test_schedule_ends_when_version_is_superseded(service: Api) -> None:
    """If no approvals are required, a proposal can be scheduled and then superseded."""
    with freeze_at("2027-06-01T00:00:00Z"):
        asked = {"count": 0, "reason": "A team of one"}
        answered = service.client.put(
            f"{ACME}/approvals",
            json=asked,
            headers={"Authorization": f"Bearer {service.tokens[Role.OWNER]}"},
        )
        assert answered.status_code == 200
        number = int(service.propose(document("A"))["version"])
        schedule_activation(service, number, "2027-06-02T00:00:00Z")
        service.propose(document("B"))
    with freeze_at("2027-06-02T00:00:00Z"):
        assert deciding_version(service) == 1
        assert [step[:2] for step in ended(service)] == [(number, "cancelled")]
        assert notices(service) == []


def test_scheduled_rollout_keeps_its_conversations(service: Api) -> None:
    """The rollout grows from 10 to 50 and 100 percent; conversations never leave it."""
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
    for day, percent in ((1, 0), (2, 10), (3, 50), (4, 100)):
        with freeze_at(f"2027-06-0{day}T00:00:00Z"):
            if percent:
                due = f"2027-06-0{day}T06:00:00Z"
                schedule_activation(service, number, due, percent=percent)
        with freeze_at(f"2027-06-0{day}T12:00:00Z"):
            new = {c for c in CONVERSATIONS if deciding_version(service, c) == number}
            assert new == {c for c in CONVERSATIONS if sample_bucket("acme", c) < percent * 100}
    assert activation_steps(service.store) == [*[("activated", number)] * 3, ("retired", 1)]


def test_schedule_is_suspended_when_percentage_would_shrink(service: Api) -> None:
    """An older ledger may have two schedules of one version."""
    with freeze_at("2027-06-01T00:00:00Z"):
        number = approved(service)
        schedule_activation(service, number, "2027-06-03T00:00:00Z", percent=20)
        [first] = service.entries("?kind=version.scheduled")
        older = {**first["entry"], "due": "2027-06-03T00:00:00.000Z"}
        read(unschedule(service, number))
        service.store.transact(lambda tx: tx.append("acme", older))
        service.store.transact(
            lambda tx: tx.append(
                "acme", {**older, "percent": 50, "due": "2027-06-02T00:00:00.000Z"}
            )
        )
    with freeze_at("2027-06-09T00:00:00Z"):
        new = {c for c in CONVERSATIONS if deciding_version(service, c) == number}
        assert new == {c for c in CONVERSATIONS if sample_bucket("acme", c) < 5000}
        [notice] = notices(service)
        assert notice["reason"] == f"version {number} decides for 50 percent; that only grows"


def test_broken_history_does_not_block_other_workspaces(first: KeyedLedger, tmp_path: Path) -> None:
    """The error is raised after the other workspaces are done."""
    folder = tmp_path / "data"
    shutil.copytree(first.folder, folder)
    with freeze_at("2027-06-01T00:00:00Z"), open_service(folder, first) as service:
        schedule_activation(service, approved(service), "2027-06-02T00:00:00Z")
        retired = {"format": 1, "kind": "version.retired", "at": "2027-06-01T00:00:00.000Z"}
        leaf = {**retired, "workspace": "aaa", "version": 9, "by": "system"}
        service.store.transact(lambda tx: tx.append("aaa", leaf))
    with freeze_at("2027-06-02T00:00:00Z"), open_service(folder, first) as service:
        with pytest.raises(BrokenHistoryError):
            activate_due_in_all(service.store, PolicyCache())
        assert activation_steps(service.store)[-2:] == [("activated", 2), ("retired", 1)]
