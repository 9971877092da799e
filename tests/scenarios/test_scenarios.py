"""The scenarios, decided in this process; and that together they leave nothing of the table out."""

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
def test_the_rules_decide_as_the_scenario_says(scenario: Scenario) -> None:
    decided(scenario)


def test_the_rules_decide_as_the_shared_scenarios_say() -> None:
    """What other programs rely on; the file is not part of the project."""
    if not SAMPLES.exists():
        pytest.skip("the shared scenarios are not beside this checkout")
    for scenario in load(SAMPLES):
        decided(scenario)


def test_the_documents_of_the_scenarios_are_accepted() -> None:
    """So that each can be published; but for office hours, which are refused while not kept."""
    trees = [each.document for each in own_scenarios() if not each.settings.get("office_hours")]
    for tree in {digest_value(tree): tree for tree in trees}.values():
        assert check_document(DocumentSource(tree, {})).complaints == ()


def test_a_wrong_expectation_fails() -> None:
    """A runner that lets everything pass would make every scenario worthless."""
    scenario = own_scenarios()[0]
    elsewhere = Conversations({**scenario.document, "guards": [], "rules": []})
    with pytest.raises(AssertionError, match=r"step 1: rule otherwise"):
        run(scenario, elsewhere.decide)


def test_every_reason_occurs() -> None:
    assert {decision["reason"] for decision in all_decisions()} == REASONS


def test_every_outcome_occurs() -> None:
    assert {decision["outcome"] for decision in all_decisions()} == set(Outcome)


def test_every_stage_occurs() -> None:
    assert {decision["stage"] for decision in all_decisions()} == set(Stage)


def test_every_action_of_the_built_in_document_occurs() -> None:
    """Closing a conversation is for documents of one's own."""
    occurring = {action["type"] for decision in all_decisions() for action in decision["actions"]}
    assert occurring == set(ActionType) - {ActionType.CLOSE_CONVERSATION}


def test_every_rule_of_the_built_in_document_decides() -> None:
    tree = builtin.load_tree()
    rules = {rule["id"] for rule in (*tree["guards"], *tree["rules"])}
    assert {decision["rule"] for decision in all_decisions()} == rules | {OTHERWISE}


def test_every_setting_is_changed_by_a_scenario() -> None:
    assert {name for scenario in own_scenarios() for name in scenario.settings} == set(SETTINGS)


def test_the_matrix_has_every_event_in_every_stage() -> None:
    cells = load(FOLDER / "matrix.yaml")
    sent = {(cell.steps[-1].event["type"], cell.name.rsplit(" ", 1)[-1]) for cell in cells}
    assert sent == {(event.value, stage.value) for event in EventType for stage in Stage}


def test_the_matrix_meets_each_stage_it_names() -> None:
    """A way that leads elsewhere would test another cell than it says."""
    for cell in load(FOLDER / "matrix.yaml"):
        *way, last = decided(cell)
        stage = way[-1]["stage"] if way else "new"
        assert cell.name.endswith(f" in {stage}"), last


def test_the_scenarios_say_each_built_in_phrase() -> None:
    said = {
        scenario.steps[-1].event["message"]["text"] for scenario in load(FOLDER / "phrases.yaml")
    }
    answers = builtin.load_tree()["answers"]
    assert {phrase for phrases in answers.values() for phrase in phrases} <= said


def test_the_same_events_are_decided_alike_twice() -> None:
    """What came before in other conversations makes no difference."""
    again = {scenario.name: decided(scenario) for scenario in reversed(own_scenarios())}
    assert again == all_decided()


def test_null_takes_a_field_away() -> None:
    below = {"contact": {"kind": "lead", "email": "a@b.example"}, "message": {"text": "Hi"}}
    above = {"contact": {"email": None, "name": "Eve"}, "message": None}
    assert merged(below, above) == {"contact": {"kind": "lead", "name": "Eve"}}
