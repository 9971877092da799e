"""Why a decision came out as it did, for as long as the ledger stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from policy_service.api.examples import common
from rules.model import builtin
from tests.policy_service.api_client import decision_path, document, event, read, reply
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


def explained(api: Api, identity: str) -> dict[str, Any]:
    answered = api.get(f"{decision_path(identity)}/explanation")
    assert answered.status_code == 200, answered.text
    return read(answered)


def test_explanation_has_decision_facts_and_tried_rules(
    api: Api,
) -> None:
    decision = api.decide(event())
    told = explained(api, "ev-1")
    assert list(told) == ["decision", "facts", "tried"]
    assert told["decision"] == decision
    [entry] = api.entries("?kind=decision")
    assert told["facts"] == entry["entry"]["facts"]
    *before, last = told["tried"]
    assert last == {"rule": "ask-if-customer", "held": True, "failed": None}
    tree = builtin.load_tree()
    in_order = [rule["id"] for rule in [*tree["guards"], *tree["rules"]]]
    assert [tried["rule"] for tried in told["tried"]] == in_order[: len(told["tried"])]
    for tried in before:
        assert (tried["held"], list(tried["failed"])) == (False, ["fact", "expected", "actual"])


def test_example_of_explanation_is_true(api: Api) -> None:
    api.decide({**common.EVENT, "workspace": {"id": "acme", "plan": "starter"}})
    told = explained(api, "ev-1")
    assert {m for m in told if told[m] != common.EXPLANATION[m]} <= {"decision"}
    shown = common.EXPLANATION["decision"]
    differing = {m for m in shown if told["decision"][m] != shown[m]}
    assert differing <= {"decided_at", "ledger"}


def test_explanation_uses_version_of_decision(api: Api) -> None:
    api.decide(event("ev-1"))
    before = explained(api, "ev-1")
    api.publish(document("Off", enabled=False))
    api.decide(event("ev-2", conversation={"id": "c-2"}))
    assert explained(api, "ev-1") == before
    assert [tried["rule"] for tried in explained(api, "ev-2")["tried"]] == ["switched-off"]


def test_explanation_of_otherwise_has_every_rule(api: Api) -> None:
    api.decide(event("ev-1", type="qualification.completed"))
    api.decide(event("ev-2"))
    api.decide(event("ev-3", type="qualification.completed"))
    told = explained(api, "ev-3")
    assert told["decision"]["rule"] == told["tried"][-1]["rule"] == "otherwise"
    tree = builtin.load_tree()
    assert len(told["tried"]) == len(tree["guards"]) + len(tree["rules"]) + 1


def test_explanation_writes_nothing_and_has_no_personal_data(api: Api) -> None:
    api.decide(event(contact={"email": "eve@example.com", "name": "Eve"}))
    written = api.log_heads()
    text = api.get(f"{decision_path('ev-1')}/explanation", Role.PLATFORM).text
    assert "Eve" not in text
    assert "eve@" not in text
    assert "Hi there" not in text
    assert "ct-1" not in text
    assert api.log_heads() == written


@pytest.mark.parametrize("identity", ["nothing", "ev-1/", "EV-1"])
def test_explanation_is_not_found_for_undecided_event(api: Api, identity: str) -> None:
    api.decide(event())
    assert code(api.get(f"{decision_path(identity)}/explanation")) == (404, "not_found")
    elsewhere = f"{decision_path('ev-1', 'globex')}/explanation"
    assert code(api.get(elsewhere)) == (404, "not_found")


def test_decision_is_found_when_event_id_ends_with_explanation(api: Api) -> None:
    """A server decodes the path, so both have one address: who asks gets what there is."""
    whole = api.decide(event("ev-1/explanation"))
    assert read(api.get(decision_path("ev-1/explanation"))) == whole
    assert explained(api, "ev-1/explanation")["decision"] == whole
    api.decide(reply("ev-1", "customer"))
    assert read(api.get(decision_path("ev-1/explanation")))["decision"]["event"] == "ev-1"
    assert explained(api, "ev-1/explanation")["decision"] == whole
