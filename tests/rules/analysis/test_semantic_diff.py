"""The semantic diff reports exactly the facts that two documents decide differently."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.analysis.regions import RegionIndex
from rules.analysis.semantic_diff import SemanticDiff, compare_decisions
from rules.engine.evaluator import explain_ruling
from rules.engine.facts import Conversation, derive_facts
from rules.model import builtin
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.test_defaults import complete_facts
from rules.model.vocabulary import ActionType
from tests.properties.brute_force import all_facts
from tests.properties.random_documents import Drawing
from tests.properties.strategies import STEADY

if TYPE_CHECKING:
    from random import Random

    from rules.analysis.semantic_diff import SemanticChange
    from rules.model.document import Facts


@pytest.fixture
def tree() -> dict[str, Any]:
    return copy.deepcopy(dict(builtin.load_tree()))


def against_the_builtin(tree: dict[str, Any]) -> SemanticDiff:
    diff = compare_decisions(Document(builtin.load_tree()), Document(tree))
    assert diff.complete
    return diff


def test_diff_is_empty_when_no_decision_differs(tree: dict[str, Any]) -> None:
    tree["title"] = "Other"
    tree["rules"][0]["id"] = "renamed"
    tree["tests"] = []
    assert against_the_builtin(tree).changes == ()


def test_changed_setting_is_reported_by_the_facts_it_affects(tree: dict[str, Any]) -> None:
    tree["settings"]["ask_again"] = 3
    [change] = against_the_builtin(tree).changes
    assert not change.texts_only
    assert (change.before.rule, change.after.rule) == ("no-clear-answer", "ask-again")
    assert (change.before.outcome, change.after.outcome) == ("unanswered", "ask")
    assert change.fact_values == {
        "event.type": ("contact.replied",),
        "conversation.stage": ("awaiting_answer",),
        "answer": ("unclear",),
        "conversation.asks": ("2 to 3",),
    }
    assert change.example["conversation.asks"] == 2


def test_change_of_texts_alone_is_marked(tree: dict[str, Any]) -> None:
    tree["messages"]["en"]["ask"] = "Hello?"
    changes = against_the_builtin(tree).changes
    assert {change.before.rule for change in changes} == {"ask-if-customer", "ask-again"}
    assert all(change.texts_only for change in changes)


def test_new_translation_is_a_change_of_texts(tree: dict[str, Any]) -> None:
    tree["messages"]["de"] = {"ask": "Sind Sie schon Kunde?"}
    assert all(change.texts_only for change in against_the_builtin(tree).changes)
    assert against_the_builtin(tree).changes


def test_changed_answer_time_is_more_than_a_change_of_texts(tree: dict[str, Any]) -> None:
    tree["settings"]["answer_within"] = "PT5M"
    changes = against_the_builtin(tree).changes
    assert {action["type"] for change in changes for action in change.after.actions} == {
        "ask",
        "collect_contact",
        "qualify",
    }
    assert not any(change.texts_only for change in changes)


def test_group_lists_all_values_of_its_class(tree: dict[str, Any]) -> None:
    tree["settings"]["languages"] = ["en", "de"]
    [change] = against_the_builtin(tree).changes
    assert change.fact_values["contact.kind"] == ("lead", "visitor")
    assert change.fact_values["message.language"] == ("values like de",)


def test_attribute_has_the_type_that_each_document_declares() -> None:
    def sized(declared: dict[str, Any], test: Any) -> Document:
        rule = {"id": "big", "when": {"attributes.size": test}, "outcome": "lead", "reason": "big"}
        parts = {"facts": {"attributes.size": declared}, "rules": [rule]}
        return Document({"format": 1, "otherwise": {"outcome": "noted", "reason": "no"}, **parts})

    small = sized({"type": "enum", "values": ["l"]}, {"known": True})
    large = sized({"type": "enum", "values": ["l", "xl"]}, {"known": True})
    [change] = compare_decisions(small, large).changes
    assert change.fact_values == {"attributes.size": ("xl",)}
    number = sized({"type": "integer"}, {"gte": 5})
    assert len(compare_decisions(small, number).changes) == 2


def test_every_group_of_an_edit_has_a_valid_conversation(tree: dict[str, Any]) -> None:
    """Attributes that only the later document declares are included."""
    tree["facts"] = {"attributes.vip": {"type": "boolean"}}
    vip = {"conversation.stage": "new", "event.type": "conversation.started"}
    guard = {"id": "vip", "when": {**vip, "attributes.vip": True}, "stage": "routed"}
    tree["guards"].append({**guard, "outcome": "customer", "reason": "vip"})
    tree["settings"]["ask_again"] = 3
    diff = against_the_builtin(tree).changes
    assert {change.after.rule for change in diff} == {"vip", "ask-again"}
    for change in diff:
        assert_example_is_valid(change, Document(builtin.load_tree()), Document(tree))


def assert_example_is_valid(change: SemanticChange, before: Document, after: Document) -> None:
    """The events lead to the state, and both documents decide the last event as reported."""
    stand = Conversation()
    assert change.conversation
    for event in change.conversation:
        checked, last = parse_event(event), stand
        ruling = explain_ruling(before.own_binding, derive_facts(before, checked, stand)).ruling
        question = any(action.type is ActionType.ASK for action in ruling.actions)
        stand = Conversation(ruling.stage or stand.stage, stand.asks + question)
    assert ruling.rule == change.before.rule
    assert (
        explain_ruling(after.own_binding, derive_facts(after, checked, last)).ruling.rule
        == change.after.rule
    )


def decided(document: Document, known_facts: Facts) -> Any:
    ruling = explain_ruling(document.own_binding, known_facts).ruling
    stage = ruling.stage or known_facts["conversation.stage"]
    diff = [(action.type, action.argument) for action in ruling.actions]
    return ruling.outcome, ruling.reason, stage, diff


def draw_pair(random: Random, rules: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a random document, and the same one with a few rules changed, moved or removed."""
    drawing = Drawing(random)
    before = drawing.document(rules)
    after = copy.deepcopy(before)
    for listed in (after["guards"], after["rules"]):
        for number in range(len(listed)):
            if random.random() < 0.3:
                listed[number] = drawing.rule(number)
        if listed and random.random() < 0.3:
            listed.insert(0, listed.pop())
    return before, after


@settings(STEADY, max_examples=150)
@given(st.builds(draw_pair, st.randoms(use_true_random=True), st.integers(1, 5)))
def test_random_facts_differ_exactly_when_a_group_contains_them(
    trees: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """The example of every group differs too."""
    before, after = map(Document, trees)
    diff = compare_decisions(before, after)
    assert diff.complete
    for change in diff.changes:
        known_facts = complete_facts(change.example)
        assert explain_ruling(before.own_binding, known_facts).ruling.rule == change.before.rule
        assert explain_ruling(after.own_binding, known_facts).ruling.rule == change.after.rule
        assert (decided(before, known_facts) == decided(after, known_facts)) is change.texts_only
        if change.conversation is not None:
            assert_example_is_valid(change, before, after)
    groups = RegionIndex([change.region for change in diff.changes])
    for tried in all_facts(before, after):
        number = groups.find_region(tried)
        same = decided(before, tried) == decided(after, tried)
        if number is None:
            assert same
        else:
            change = diff.changes[number]
            names = [
                explain_ruling(each.own_binding, tried).ruling.rule for each in (before, after)
            ]
            assert names == [change.before.rule, change.after.rule]
            assert same is change.texts_only


def test_facts_are_found_in_the_group_that_describes_them(tree: dict[str, Any]) -> None:
    tree["settings"]["ask_again"] = 3
    groups = RegionIndex([change.region for change in against_the_builtin(tree).changes])
    unclear = {
        "event.type": "contact.replied",
        "conversation.stage": "awaiting_answer",
        "answer": "unclear",
    }
    question = {
        number: complete_facts({**unclear, "conversation.asks": number}) for number in range(6)
    }
    assert [groups.find_region(question[number]) for number in question] == [
        None,
        None,
        0,
        0,
        None,
        None,
    ]


def test_recorded_value_counts_as_unknown_when_it_became_impossible(
    tree: dict[str, Any],
) -> None:
    tree["facts"] = {"attributes.size": {"type": "integer"}}
    guard = {"id": "small", "outcome": "not_triggered", "reason": "small", "stage": "not_routed"}
    tree["guards"].insert(0, {**guard, "when": {"attributes.size": {"not": {"gte": 10}}}})
    groups = RegionIndex([change.region for change in against_the_builtin(tree).changes])
    sizes: list[Any] = [9, 10, "large", True, None]
    fell = [
        groups.find_region(complete_facts({"attributes.size": size})) is not None for size in sizes
    ]
    assert fell == [True, False, True, True, True]
