"""The scenarios, decided in this process; together they cover the whole vocabulary."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from rules.check import check_document
from rules.formats.canonical_json import digest_value
from rules.formats.document_text import DocumentSource
from rules.model import builtin
from rules.model.document import OTHERWISE
from rules.model.vocabulary import SETTINGS, ActionType, EventType, Outcome, Stage
from tests.folders import SHARED
from tests.scenarios.conversations import Conversations
from tests.scenarios.runner import FOLDER, load, merged, own_scenarios, run

if TYPE_CHECKING:
    from tests.scenarios.runner import Decision, Scenario

SAMPLES = SHARED / "scenarios" / "routing.yaml"

REASONS = {
    "switched_off",
    "plan_not_entitled",
    "not_inbound",
    "already_assigned",
    "identified_user",
    "language_unknown",
    "language_not_supported",
    "anonymous_contact",
    "ongoing_conversation",
    "customer_redirected",
    "customer_confirmed",
    "contact_details_needed",
    "lead_to_qualify",
    "lead_confirmed",
    "unclear_answer",
    "no_clear_answer",
    "answer_timed_out",
    "answer_repeated",
    "contact_details_declined",
    "contact_details_timed_out",
    "lead_qualified",
    "qualification_in_progress",
    "qualification_timed_out",
    "contact_details_recorded",
    "already_started",
    "question_not_open",
    "teammate_took_over",
    "conversation_closed",
    "already_routed",
    "unexpected_event",
}
"""Every reason that the built-in policy promises."""


def decided(scenario: Scenario) -> list[Decision]:
    return run(scenario, Conversations(scenario.document).decide)


@cache
def all_decided() -> dict[str, list[Decision]]:
    return {scenario.name: decided(scenario) for scenario in own_scenarios()}


def all_decisions() -> list[Decision]:
    return [decision for decisions in all_decided().values() for decision in decisions]


@pytest.mark.parametrize("scenario", own_scenarios(), ids=lambda scenario: scenario.name)
def test_rules_decide_each_scenario_as_expected(scenario: Scenario) -> None:
    decided(scenario)


def test_rules_decide_the_shared_scenarios_as_expected() -> None:
    """Other programs rely on these scenarios; the file is not part of the project."""
    if not SAMPLES.exists():
        pytest.skip("the shared scenarios are not beside this checkout")
    for scenario in load(SAMPLES):
        decided(scenario)


def test_documents_of_scenarios_are_accepted() -> None:
    """Each can be published, except those with office hours, which are refused for now."""
    trees = [each.document for each in own_scenarios() if not each.settings.get("office_hours")]
    for tree in {digest_value(tree): tree for tree in trees}.values():
        assert check_document(DocumentSource(tree, {})).complaints == ()


def test_scenario_fails_when_an_expectation_is_wrong() -> None:
    """A runner that accepts everything would make every scenario worthless."""
    scenario = own_scenarios()[0]
    elsewhere = Conversations({**scenario.document, "guards": [], "rules": []})
    with pytest.raises(AssertionError, match=r"step 1: rule otherwise"):
        run(scenario, elsewhere.decide)


def test_scenarios_cover_every_reason() -> None:
    assert {decision["reason"] for decision in all_decisions()} == REASONS


def test_scenarios_cover_every_outcome() -> None:
    assert {decision["outcome"] for decision in all_decisions()} == set(Outcome)


def test_scenarios_cover_every_stage() -> None:
    assert {decision["stage"] for decision in all_decisions()} == set(Stage)


def test_scenarios_cover_every_action_of_the_built_in_document() -> None:
    """Only users' own documents close conversations."""
    occurring = {action["type"] for decision in all_decisions() for action in decision["actions"]}
    assert occurring == set(ActionType) - {ActionType.CLOSE_CONVERSATION}


def test_scenarios_cover_every_rule_of_the_built_in_document() -> None:
    tree = builtin.load_tree()
    rules = {rule["id"] for rule in (*tree["guards"], *tree["rules"])}
    assert {decision["rule"] for decision in all_decisions()} == rules | {OTHERWISE}


def test_scenarios_change_every_setting() -> None:
    assert {name for scenario in own_scenarios() for name in scenario.settings} == set(SETTINGS)


def test_matrix_has_every_event_in_every_stage() -> None:
    cells = load(FOLDER / "matrix.yaml")
    sent = {(cell.steps[-1].event["type"], cell.name.rsplit(" ", 1)[-1]) for cell in cells}
    assert sent == {(event.value, stage.value) for event in EventType for stage in Stage}


def test_matrix_cell_reaches_the_stage_that_it_names() -> None:
    """Steps that lead to another stage would test another cell."""
    for cell in load(FOLDER / "matrix.yaml"):
        *way, last = decided(cell)
        stage = way[-1]["stage"] if way else "new"
        assert cell.name.endswith(f" in {stage}"), last


def test_scenarios_cover_every_built_in_phrase() -> None:
    said = {
        scenario.steps[-1].event["message"]["text"] for scenario in load(FOLDER / "phrases.yaml")
    }
    answers = builtin.load_tree()["answers"]
    assert {phrase for phrases in answers.values() for phrase in phrases} <= said


def test_scenarios_are_decided_the_same_in_any_order() -> None:
    """Other conversations have no influence on a decision."""
    again = {scenario.name: decided(scenario) for scenario in reversed(own_scenarios())}
    assert again == all_decided()


def test_merged_removes_a_member_that_is_null() -> None:
    below = {"contact": {"kind": "lead", "email": "a@b.example"}, "message": {"text": "Hi"}}
    above = {"contact": {"email": None, "name": "Eve"}, "message": None}
    assert merged(below, above) == {"contact": {"kind": "lead", "name": "Eve"}}
