"""A property is proved over all facts, or refuted by an example."""

from __future__ import annotations

from typing import Any

import pytest

from rules.analysis.property_proofs import prove_properties
from rules.check import check_document
from rules.engine.evaluator import explain_ruling
from rules.formats.document_text import read_value
from rules.model import builtin
from rules.model.document import Document
from rules.model.test_defaults import complete_facts

REPLY = {"event.type": "contact.replied"}


def builtin_with(*properties: dict[str, Any], **settings: Any) -> dict[str, Any]:
    tree = builtin.load_tree()
    property_ = [{"id": f"p-{number}", **each} for number, each in enumerate(properties)]
    return {**tree, "settings": {**tree["settings"], **settings}, "properties": property_}


def broken(tree: dict[str, Any]) -> list[str]:
    reported = check_document(read_value(tree)).complaints
    assert {complaint.code for complaint in reported} <= {"property_broken"}
    return [complaint.message for complaint in reported]


@pytest.mark.parametrize(
    "property_",
    [
        {
            "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
            "outcome_in": ["not_triggered", "noted"],
        },
        {"for_all": {"conversation.stage": "routed"}, "stage_in": ["routed"]},
        {"for_all": {"conversation.stage": "not_routed"}, "stage_in": ["not_routed"]},
        {"for_all": {**REPLY, "answer": {"known": False}}, "rule_in": ["otherwise"]},
        {"for_all": {"answer": {"known": True}, "event.type": {"not": "contact.replied"}}}
        | {"outcome_in": ["redirect"]},
        {"for_all": {"conversation.asks": {"lt": 0}}, "outcome_in": ["redirect"]},
        {"for_all": {"office.open": False}, "outcome_in": ["redirect"]},
        {"for_all": {"workspace.plan": {"not": "$entitled_plans"}, "conversation.stage": "new"}}
        | {"stage_in": ["not_routed", "new", "routed"]},
        {"for_all": {"settings.customer_route": "redirect"}, "outcome_in": ["lead"]},
        {"for_all": {"workspace.plan": ""}, "reason_in": ["never"]},
    ],
)
def test_valid_property_is_proved(property_: dict[str, Any]) -> None:
    assert broken(builtin_with(property_)) == []


@pytest.mark.parametrize(
    ("property_", "expected"),
    [
        (
            {"for_all": {"conversation.stage": "new"}, "outcome_in": ["not_triggered", "noted"]},
            (
                "p-0 does not hold: the default facts of tests -> outcome ask, "
                "rule ask-if-customer, stage awaiting_answer"
            ),
        ),
        (
            {"for_all": {"workspace.plan": {"not": ["pro", "premium"]}}, "reason_in": ["why"]},
            (
                "p-0 does not hold: workspace.plan: other -> outcome not_triggered, "
                "rule plan-not-entitled, stage not_routed"
            ),
        ),
        (
            {"for_all": {"event.type": "question.expired"}, "stage_in": ["routed", "new"]},
            (
                "p-0 does not hold: event.type: question.expired, conversation.stage: not_routed, "
                "question.open: false -> outcome not_triggered, rule left-alone, stage not_routed"
            ),
        ),
    ],
)
def test_broken_property_is_reported_with_a_counterexample(
    property_: dict[str, Any], expected: str
) -> None:
    assert broken(builtin_with(property_)) == [expected]


def test_counterexample_is_decided_as_reported() -> None:
    property_ = {"for_all": {"message.language": {"language": "en"}}, "stage_in": ["new", "routed"]}
    document = Document(builtin_with(property_))
    [proof] = prove_properties(document)
    assert proof.example
    decided = explain_ruling(document.own_binding, complete_facts(proof.example.given)).ruling
    assert (decided.rule, decided.outcome) == (
        proof.example.decision.rule,
        proof.example.decision.outcome,
    )


def test_property_is_proved_for_the_settings_of_the_document() -> None:
    """Tests of a document start from the default settings instead."""
    property_ = {"for_all": {}, "reason_in": ["switched_off"], "rule_in": ["switched-off"]}
    start = {"conversation.stage": "new", "event.type": "conversation.started"}
    assert broken(builtin_with({**property_, "for_all": start}, enabled=False)) == []
    assert broken(builtin_with({**property_, "for_all": start}, enabled=True)) != []


def test_for_all_may_have_alternatives() -> None:
    away: dict[str, Any] = {"any": [{"contact.kind": "user"}, {"workspace.plan": "free"}]}
    start = {"conversation.stage": "new", "event.type": "conversation.started"}
    assert broken(builtin_with({"for_all": {**start, **away}, "stage_in": ["not_routed"]})) == []
    assert broken(builtin_with({"for_all": away, "stage_in": ["not_routed"]})) != []
