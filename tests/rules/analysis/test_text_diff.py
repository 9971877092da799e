"""The text diff reports differences rule by rule and setting by setting."""

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


def compare_with_builtin(tree: dict[str, Any]) -> TextDiff:
    return compare_texts(Document(builtin.load_tree()), Document(tree))


def test_text_diff_is_empty_for_equal_documents(tree: dict[str, Any]) -> None:
    assert not compare_with_builtin(tree)


def test_changed_setting_is_reported_with_both_values(tree: dict[str, Any]) -> None:
    tree["settings"]["ask_again"] = 3
    expected = TextDiff(
        (TextChange("ask_again", 1, 3),), rules=(), moved_rules=(), texts=(), facts=()
    )
    assert compare_with_builtin(tree) == expected


def test_omitted_setting_equals_its_default(tree: dict[str, Any]) -> None:
    del tree["settings"]["answer_within"]
    assert not compare_with_builtin(tree)


def test_removed_property_is_reported_by_its_id(
    tree: dict[str, Any],
) -> None:
    property_ = {"id": "always", "for_all": {}, "outcome_in": ["noted"]}
    with_it = Document({**tree, "properties": [property_]})
    diff = compare_texts(with_it, Document(tree))
    assert diff
    assert diff.properties == (TextChange("always", property_, None),)


def test_order_of_keys_is_not_a_difference(tree: dict[str, Any]) -> None:
    first = tree["rules"][0]
    tree["rules"][0] = dict(reversed(first.items()))
    assert not compare_with_builtin(tree)


def test_added_changed_and_removed_rules_are_reported_by_id(tree: dict[str, Any]) -> None:
    removed = tree["rules"].pop()
    changed = tree["rules"][0]
    before = dict(changed)
    changed["reason"] = "elsewhere"
    added = {**before, "id": "new-one"}
    tree["rules"].append(added)
    assert compare_with_builtin(tree).rules == (
        TextChange(changed["id"], before, changed),
        TextChange("new-one", None, added),
        TextChange(removed["id"], removed, None),
    )


def test_rule_that_became_a_guard_is_reported(tree: dict[str, Any]) -> None:
    rule = tree["rules"].pop(0)
    tree["guards"].append(rule)
    assert [change.name for change in compare_with_builtin(tree).rules] == [rule["id"]]


def test_only_the_moved_rule_is_reported(tree: dict[str, Any]) -> None:
    moved = tree["rules"].pop(2)
    tree["rules"].insert(9, moved)
    diff = compare_with_builtin(tree)
    assert diff.moved_rules == (moved["id"],)
    assert not diff.rules


def test_changed_texts_are_reported_by_their_place(tree: dict[str, Any]) -> None:
    tree["title"] = "Other"
    tree["messages"]["de"] = {"ask": "Sind Sie schon Kunde?"}
    tree["answers"]["customer"].append("sure")
    diff = compare_with_builtin(tree)
    assert [change.name for change in diff.texts] == [
        "title",
        "answers/customer",
        "messages/de/ask",
    ]


def test_declared_attribute_is_reported(tree: dict[str, Any]) -> None:
    tree["facts"] = {"attributes.size": {"type": "integer"}}
    assert compare_with_builtin(tree).facts == (
        TextChange("attributes.size", None, {"type": "integer"}),
    )
