"""What two documents say otherwise is told rule by rule and setting by setting."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rules.analysis.text_diff import TextChange, TextDiff, compare_texts
from rules.model import builtin
from rules.model.document import Document


@pytest.fixture
def tree() -> dict[str, Any]:
    return copy.deepcopy(dict(builtin.load_tree()))


def against_the_builtin(tree: dict[str, Any]) -> TextDiff:
    return compare_texts(Document(builtin.load_tree()), Document(tree))


def test_a_document_does_not_differ_from_itself(tree: dict[str, Any]) -> None:
    assert not against_the_builtin(tree)


def test_a_setting_is_told_by_its_name_with_both_values(tree: dict[str, Any]) -> None:
    tree["settings"]["ask_again"] = 3
    only = TextDiff((TextChange("ask_again", 1, 3),), rules=(), moved_rules=(), texts=(), facts=())
    assert against_the_builtin(tree) == only


def test_a_setting_left_out_is_its_default_and_no_difference(tree: dict[str, Any]) -> None:
    del tree["settings"]["answer_within"]
    assert not against_the_builtin(tree)


def test_a_property_is_told_by_its_id_as_nothing_else_shows_that_it_is_gone(
    tree: dict[str, Any],
) -> None:
    stated = {"id": "always", "for_all": {}, "outcome_in": ["noted"]}
    with_it = Document({**tree, "properties": [stated]})
    gone = compare_texts(with_it, Document(tree))
    assert gone
    assert gone.properties == (TextChange("always", stated, None),)


def test_the_order_inside_a_mapping_is_no_difference(tree: dict[str, Any]) -> None:
    first = tree["rules"][0]
    tree["rules"][0] = dict(reversed(first.items()))
    assert not against_the_builtin(tree)


def test_rules_added_changed_and_removed_are_told_by_id(tree: dict[str, Any]) -> None:
    removed = tree["rules"].pop()
    changed = tree["rules"][0]
    before = dict(changed)
    changed["reason"] = "elsewhere"
    added = {**before, "id": "new-one"}
    tree["rules"].append(added)
    assert against_the_builtin(tree).rules == (
        TextChange(changed["id"], before, changed),
        TextChange("new-one", None, added),
        TextChange(removed["id"], removed, None),
    )


def test_a_rule_that_became_a_guard_is_a_change(tree: dict[str, Any]) -> None:
    rule = tree["rules"].pop(0)
    tree["guards"].append(rule)
    assert [change.name for change in against_the_builtin(tree).rules] == [rule["id"]]


def test_only_the_rule_that_was_moved_is_told(tree: dict[str, Any]) -> None:
    moved = tree["rules"].pop(2)
    tree["rules"].insert(9, moved)
    found = against_the_builtin(tree)
    assert found.moved_rules == (moved["id"],)
    assert not found.rules


def test_texts_are_told_by_their_place(tree: dict[str, Any]) -> None:
    tree["title"] = "Other"
    tree["messages"]["de"] = {"ask": "Sind Sie schon Kunde?"}
    tree["answers"]["customer"].append("sure")
    found = against_the_builtin(tree)
    assert [change.name for change in found.texts] == [
        "title",
        "answers/customer",
        "messages/de/ask",
    ]


def test_a_declared_attribute_is_told(tree: dict[str, Any]) -> None:
    tree["facts"] = {"attributes.size": {"type": "integer"}}
    assert against_the_builtin(tree).facts == (
        TextChange("attributes.size", None, {"type": "integer"}),
    )
