"""Activating: now or at a time, for all or for a share, in earnest or in the shadow, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.replay.replay import summarize_replay as replayed
from policy_service.access.keys import Role
from policy_service.decisions.decide import decide_event, event_key
from policy_service.policies.activation import activate_due_in_all
from policy_service.policies.policy_cache import PolicyCache
from rules.engine.facts import sample_bucket
from tests.policy_service.api_client import ACME, document, event, read, reply
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.model.event import Event
    from tests.policy_service.api_client import Api

OFF = document("Off", enabled=False)
FRENCH = document("French", languages=["fr"])
CONVERSATIONS = [f"c-{number}" for number in range(60)]


@pytest.fixture(autouse=True)
def told(api: Api) -> Iterator[None]:
    """Whatever was activated, the ledger is sound and every decision comes out again."""
    yield
    with api.store.read() as view:
        assert [found for report in verify_ledger(view) for found in report.findings] == []
        assert all(not replayed(view, log).differences for log in view.logs())


def approved(api: Api, tree: dict[str, Any]) -> int:
    proposed = api.propose(tree)
    number = int(proposed["version"])
    read(api.step(number, "approve", digest=proposed["digest"]))
    return number


def starts(api: Api, conversation: str, identity: str | None = None) -> dict[str, Any]:
    return api.decide(event(identity or f"ev-{conversation}", conversation={"id": conversation}))


def entered(api: Api) -> list[tuple[str, int]]:
    """The steps of versions that the log holds: what, and of which version."""
    with api.store.read() as view:
        leaves = [entry.value for entry in view.entries_of_family("acme", "version.")]
    return [(leaf["kind"].removeprefix("version."), leaf["version"]) for leaf in leaves]


def status(api: Api, number: int) -> str:
    return str(read(api.get(f"{ACME}/versions/{number}"))["status"])


def test_trial_version_decides_its_percentage_of_conversations(api: Api) -> None:
    """Always the same ones, by their bucket; the others by the version that is active."""
    number = approved(api, OFF)
    active = read(api.step(number, "activate", percent=30))
    assert (active["status"], active["activations"][0]["percent"]) == ("active", 30)
    for conversation in CONVERSATIONS:
        expected = number if sample_bucket("acme", conversation) < 3000 else 1
        assert starts(api, conversation)["policy"]["version"] == expected
    assert read(api.get(f"{ACME}/policy"))["version"] == 1
    assert (status(api, 1), status(api, number)) == ("active", "active")


def test_percentage_only_grows_and_keeps_its_conversations(api: Api) -> None:
    number = approved(api, OFF)
    shares = []
    for percent in (10, 50):
        read(api.step(number, "activate", percent=percent))
        shares.append(
            {
                c
                for c in CONVERSATIONS
                if api.decide(
                    event(
                        f"{c}-{percent}",
                        conversation={"id": f"{c}"},
                        type="conversation.closed",
                        message=None,
                    )
                )["policy"]["version"]
                == number
            }
        )
    assert shares[0] < shares[1]
    written = api.log_heads()
    assert code(api.step(number, "activate", percent=50)) == (409, "percent_shrinks")
    assert code(api.step(number, "activate", percent=20)) == (409, "percent_shrinks")
    assert api.log_heads() == written
    assert read(api.step(number, "activate"))["status"] == "active"
    assert status(api, 1) == "retired"


def test_trial_is_replaced_by_another_trial_and_ended_by_rollback(api: Api) -> None:
    first, second = approved(api, OFF), approved(api, FRENCH)
    read(api.step(first, "activate", percent=90))
    read(api.step(second, "activate", percent=90))
    assert (status(api, first), status(api, second)) == ("retired", "active")
    read(api.step(1, "activate"))
    assert [status(api, number) for number in (1, first, second)] == [
        "active",
        "retired",
        "retired",
    ]
    assert {starts(api, c)["policy"]["version"] for c in CONVERSATIONS[:20]} == {1}
    assert code(api.step(1, "activate")) == (409, "wrong_status")


def test_activation_of_100_percent_is_for_all_conversations(api: Api) -> None:
    number = approved(api, OFF)
    assert "percent" not in read(api.step(number, "activate", percent=100))["activations"][0]
    assert read(api.get(f"{ACME}/policy"))["version"] == number


def test_shadow_decides_nothing_and_is_recorded_with_each_decision(api: Api) -> None:
    number = approved(api, OFF)
    assert read(api.step(number, "activate", shadow=True))["activations"][0]["shadow"] is True
    decided = starts(api, "c-1")
    assert (decided["outcome"], decided["policy"]["version"]) == ("ask", 1)
    assert "shadow" not in decided
    with api.store.read() as view:
        recorded = view.decision("acme", "ev-c-1")
    assert recorded is not None
    shadow = recorded.value["shadow"]
    assert (shadow["policy"]["version"], shadow["reason"]) == (number, "switched_off")
    assert read(api.get(f"{ACME}/policy"))["version"] == 1
    read(api.step(1, "activate"))
    starts(api, "c-2")
    with api.store.read() as view:
        later = view.decision("acme", "ev-c-2")
    assert later is not None
    assert "shadow" not in later.value
    assert status(api, number) == "retired"


def test_version_can_be_trial_and_shadow_and_lose_each_role_separately(api: Api) -> None:
    first, second, third = (approved(api, tree) for tree in (OFF, FRENCH, document("Third")))
    of_the_share = [c for c in CONVERSATIONS if sample_bucket("acme", c) < 5000]
    read(api.step(first, "activate", percent=50))
    read(api.step(first, "activate", shadow=True))
    read(api.step(second, "activate", shadow=True))
    assert starts(api, of_the_share[0])["policy"]["version"] == first
    read(api.step(first, "activate", shadow=True))
    read(api.step(third, "activate", percent=50))
    assert starts(api, of_the_share[1])["policy"]["version"] == third
    with api.store.read() as view:
        recorded = view.decision("acme", f"ev-{of_the_share[1]}")
    assert recorded is not None
    assert recorded.value["shadow"]["policy"]["version"] == first
    assert [status(api, number) for number in (first, second, third)] == [
        "active",
        "retired",
        "active",
    ]


def test_running_conversation_keeps_its_version(api: Api) -> None:
    starts(api, "c-1")
    api.publish(document("Two", customer_destination={"team": "vip"}))
    assert api.decide(reply("ev-2", "customer"))["policy"]["version"] == 1


def test_activation_applies_to_running_conversations_when_requested(api: Api) -> None:
    """From their stage on; one that begins later keeps the version it began with."""
    starts(api, "c-1")
    number = approved(api, document("Two", collect_contact=False))
    active = read(api.step(number, "activate", apply_to_running=True))
    assert active["activations"][0]["apply_to_running"] is True
    moved = api.decide(reply("ev-2", "customer"))
    assert (moved["policy"]["version"], moved["reason"]) == (number, "customer_confirmed")
    starts(api, "c-2")
    api.publish(document("Three"))
    kept = api.decide(reply("ev-4", "customer", conversation={"id": "c-2"}))
    assert kept["policy"]["version"] == number


def test_precomputed_decision_is_discarded_after_an_activation(api: Api) -> None:
    starts(api, "c-1")
    service = api.client.application.extensions["policy_service"]
    told = cast("Event", reply("ev-2", "customer"))
    key = event_key(api.store, told)
    precomputed = service.precomputer.precompute(api.store, service.policies, told, key)
    number = approved(api, OFF)
    read(api.step(number, "activate", apply_to_running=True))
    decided = api.store.transact(
        lambda tx: decide_event(told, key, service.policies, tx, precomputed)
    )
    assert precomputed.ready.leaf["policy"]["version"] == 1
    assert decided.entry.value["policy"]["version"] == number


def test_scheduled_activation_precedes_first_write_after_due_time(api: Api) -> None:
    number = approved(api, OFF)
    at = "2026-11-22T14:00:00+01:00"
    scheduled = read(api.step(number, "activate", at=at))
    assert scheduled["status"] == "approved"
    [to_come] = scheduled["scheduled"]
    assert to_come["due"] == "2026-11-22T13:00:00.000Z"
    api.clock.move(minutes=59)
    assert starts(api, "c-1")["policy"]["version"] == 1
    api.clock.move(minutes=1)
    assert starts(api, "c-2")["policy"]["version"] == number
    now = read(api.get(f"{ACME}/versions/{number}"))
    assert (now["status"], now["scheduled"]) == ("active", [])
    assert now["activations"][0]["by"] == api.keys[Role.APPROVER].id
    assert entered(api)[-3:] == [("scheduled", 2), ("activated", 2), ("retired", 1)]


def test_read_applies_due_activation(api: Api) -> None:
    number = approved(api, OFF)
    read(api.step(number, "activate", at="2026-11-22T13:00:00Z"))
    api.clock.move(hours=2)
    assert read(api.get(f"{ACME}/policy"))["version"] == number


def test_diff_applies_due_activation(api: Api) -> None:
    number = approved(api, OFF)
    read(api.step(number, "activate", at="2026-11-22T13:00:00Z"))
    api.clock.move(hours=2)
    assert read(api.get(f"{ACME}/versions/1/diff"))["against"] == number


def test_job_applies_due_activation_without_requests(api: Api) -> None:
    """By the process that does the jobs; once, however often it looks."""
    number = approved(api, OFF)
    read(api.step(number, "activate", at="2026-11-22T13:00:00Z"))
    activate_due_in_all(api.store, PolicyCache())
    assert entered(api)[-1] == ("scheduled", number)
    api.clock.move(hours=1)
    for _ in range(2):
        activate_due_in_all(api.store, PolicyCache())
    assert entered(api)[-2:] == [("activated", number), ("retired", 1)]


def test_overdue_activations_are_applied_once_and_in_order(api: Api) -> None:
    """The service was down when they were due: the later one stays."""
    first, second = approved(api, OFF), approved(api, FRENCH)
    read(api.step(second, "activate", at="2026-11-22T15:00:00Z", percent=50))
    read(api.step(first, "activate", at="2026-11-22T14:00:00Z", percent=10))
    api.clock.move(days=3)
    starts(api, "c-1")
    starts(api, "c-2")
    assert entered(api)[-3:] == [("activated", first), ("activated", second), ("retired", first)]


def test_scheduled_activation_is_suspended_when_another_version_is_active(api: Api) -> None:
    """Nobody agreed to it in the place of what is active now; the notice says so."""
    first, second = approved(api, OFF), approved(api, FRENCH)
    read(api.step(first, "activate", at="2026-11-22T14:00:00Z"))
    read(api.step(second, "activate"))
    api.clock.move(days=1)
    assert starts(api, "c-1")["policy"]["version"] == second
    assert entered(api)[-1] == ("suspended", first)
    now = read(api.get(f"{ACME}/versions/{first}"))
    assert (now["status"], now["scheduled"]) == ("approved", [])
    assert read(api.step(first, "activate"))["status"] == "active"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"at": "tomorrow"}, "/at"),
        ({"at": "2026-12-01T00:00:00"}, "/at"),
        ({"at": "2020-01-01T00:00:00Z"}, "/at"),
        ({"percent": 0}, "/percent"),
        ({"percent": 101}, "/percent"),
        ({"percent": "10"}, "/percent"),
        ({"percent": True}, "/percent"),
        ({"shadow": 1}, "/shadow"),
        ({"shadow": True, "percent": 10}, "/shadow"),
        ({"shadow": True, "apply_to_running": True}, "/shadow"),
        ({"when": "now"}, "/when"),
    ],
)
def test_activation_is_refused_when_its_body_is_wrong(
    api: Api, asked: dict[str, Any], pointer: str
) -> None:
    number = approved(api, OFF)
    written = api.log_heads()
    refused = api.step(number, "activate", **asked)
    assert code(refused) == (400, "invalid_request")
    assert [where for where, _ in errors(refused)] == [pointer]
    assert api.log_heads() == written


def test_proposal_supersedes_proposed_versions(api: Api) -> None:
    """One that was agreed to stays: somebody wants it."""
    agreed = approved(api, OFF)
    waiting = int(api.propose(FRENCH)["version"])
    latest = int(api.propose(document("Latest"))["version"])
    assert [status(api, n) for n in (agreed, waiting, latest)] == [
        *("approved", "superseded", "proposed")
    ]
    digest = read(api.get(f"{ACME}/versions/{waiting}"))["digest"]
    assert code(api.step(waiting, "approve", digest=digest)) == (409, "wrong_status")
