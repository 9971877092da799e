"""Precomputed decisions: appended if they are still valid, else decided again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.app import create_app
from policy_service.decisions import precompute
from policy_service.decisions.decide import decide_event, event_key
from policy_service.problems import ProblemError
from policy_service.services import Services
from policy_service.settings import Settings
from tests.policy_service.api_client import ACME, document, event, read, reply

if TYPE_CHECKING:
    from policy_service.decisions.decide import RecordedDecision
    from policy_service.decisions.precompute import PrecomputedDecision
    from rules.model.event import Event
    from tests.policy_service.api_client import Api

STARTED = event("ev-0")
ANSWERED = reply("ev-1", "customer")


@pytest.fixture
def service(api: Api) -> Services:
    """Return the services of `api`, after one decision."""
    api.decide(STARTED)
    return cast("Services", api.client.application.extensions["policy_service"])


def precompute_event(services: Services, told: dict[str, Any]) -> PrecomputedDecision | None:
    event = cast("Event", told)
    key = event_key(services.store, event)
    return services.precomputer.precompute(services.store, services.policies, event, key)


def precomputed(service: Services, told: dict[str, Any]) -> PrecomputedDecision:
    decision = precompute_event(service, told)
    assert decision is not None
    return decision


def recorded(
    service: Services, told: dict[str, Any], decision: PrecomputedDecision
) -> RecordedDecision:
    event = cast("Event", told)
    key = event_key(service.store, event)
    work = partial(decide_event, event, key, service.policies, precomputed=decision)
    return service.store.transact(work)


def test_nothing_is_precomputed_for_an_unknown_workspace(api: Api) -> None:
    assert precompute_event(Services(api.store), STARTED) is None


def test_valid_precomputed_decision_is_appended_unchanged(service: Services) -> None:
    decision = precomputed(service, ANSWERED)
    answer = recorded(service, ANSWERED, decision)
    assert not answer.replayed
    assert (answer.entry.value, answer.entry.leaf_hash) == (
        decision.ready.leaf,
        decision.ready.leaf_hash,
    )
    assert answer.entry.value["facts"]["conversation.stage"] == "awaiting_answer"


def test_precomputed_decision_is_discarded_after_another_decision_of_conversation(
    api: Api, service: Services
) -> None:
    """Another process decided the next event, so that the cache of this one is old."""
    decision = precomputed(service, ANSWERED)
    elsewhere = create_app(Settings(), api.store).test_client()
    closed = event("ev-2", type="conversation.closed", message=None)
    token = {"Authorization": f"Bearer {api.tokens['platform']}"}
    assert elsewhere.post("/v1/decisions", json=closed, headers=token).status_code == 200
    answer = recorded(service, ANSWERED, decision)
    assert answer.entry.value["reason"] == "already_routed"
    assert api.decide(reply("ev-3", "customer"))["reason"] == "already_routed"
    with api.store.read() as view:
        assert [report.findings for report in verify_ledger(view)] == [(), ()]


def test_precomputed_decision_is_discarded_when_version_is_activated(
    api: Api, service: Services
) -> None:
    begins = event("ev-2", conversation={"id": "c-2"})
    decision = precomputed(service, begins)
    api.publish(document("Switched off", enabled=False))
    answer = recorded(service, begins, decision)
    assert (answer.entry.value["reason"], answer.entry.value["policy"]["version"]) == (
        "switched_off",
        2,
    )


def test_precomputed_decision_is_discarded_when_event_was_decided(
    api: Api, service: Services
) -> None:
    decision = precomputed(service, ANSWERED)
    decided = api.decide(ANSWERED)
    answer = recorded(service, ANSWERED, decision)
    assert answer.replayed
    assert answer.entry.index == decided["ledger"]["index"]


def test_precomputed_decision_is_refused_when_event_id_was_reused(
    api: Api, service: Services
) -> None:
    decision = precomputed(service, ANSWERED)
    api.decide(event("ev-1", conversation={"id": "c-2"}))
    with pytest.raises(ProblemError) as refused:
        recorded(service, ANSWERED, decision)
    assert refused.value.code == "event_id_reused"
    assert read(api.get(f"{ACME}/decisions/ev-1"))["conversation"] == "c-2"


def test_cache_of_conversations_is_bounded(
    service: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision that left the cache is read again in its transaction."""
    monkeypatch.setattr(precompute, "MAX_CONVERSATIONS", 2)
    for number in range(1, 4):
        api.decide(event(f"ev-0{number}", conversation={"id": f"c-{number}x"}))
    assert precomputed(service, ANSWERED).before is None
    assert api.decide(ANSWERED)["outcome"] == "customer"
