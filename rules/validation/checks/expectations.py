"""Each test of a document gives existing facts of the right types, and expects something."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word, suggest_words
from rules.model import builtin
from rules.model.document import OTHERWISE
from rules.model.test_defaults import (
    SETTING_PREFIX,
    overridden_settings,
    setting_members,
    setting_name,
)
from rules.model.vocabulary import LANGUAGE_FACT, SETTING_FACTS, ActionType
from rules.validation.checks.conditions import check_value
from rules.validation.checks.settings import check_contradictions, check_setting, check_tag
from rules.validation.checks.whens import check_fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode

MAX_RULES_TIMES_TESTS = 4_000_000
"""Maximum of rules times tests, which bounds the time that a document's tests take."""

_ACTION_NAMES = [action.value for action in ActionType]


def check_expectations(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's tests."""
    yield from _check_work(tree)
    ids = [rule.value.get("id") for rule in tree.rules()]
    rule_ids = [*(rule for rule in ids if isinstance(rule, str)), OTHERWISE]
    known_ids = frozenset(rule_ids)
    for test in tree.root.member("tests").mappings():
        yield from _check_given_facts(test.mapping("given"), tree)
        yield from _check_given_settings(test.mapping("given"))
        yield from _check_expectation(test.member("expect"))
        rule = test.mapping("expect").member("rule")
        if isinstance(rule.value, str) and rule.value not in known_ids:
            suggestion = suggest_words(rule.value, rule_ids)
            message = f"{quote_word(rule.value)} is not the id of a rule: {suggestion}"
            yield rule.complain("unknown_rule", message)


def _check_work(tree: DocumentTree) -> Iterator[Complaint]:
    tests = tree.root.member("tests")
    rules = sum(1 for _ in tree.rules())
    if sum(1 for _ in tests.items()) * rules > MAX_RULES_TIMES_TESTS:
        message = f"Rules times tests exceed {MAX_RULES_TIMES_TESTS:,}: write fewer tests"
        yield tests.complain("too_many", message)


def _check_given_facts(given_node: TreeNode, tree: DocumentTree) -> Iterator[Complaint]:
    for name, node in given_node.members():
        yield from check_fact(node, name, tree.facts)
        if name not in tree.facts or name in SETTING_FACTS or node.value is None:
            continue
        complaints = list(check_value(node, tree.facts[name]))
        yield from complaints
        if name == LANGUAGE_FACT and not complaints:
            yield from check_tag(node, node.value)


def _check_given_settings(given_node: TreeNode) -> Iterator[Complaint]:
    """Yield the complaints about overridden settings, alone and over the defaults."""
    overrides = overridden_settings(given_node.value)
    settings = {**builtin.load_tree()["settings"], **overrides}
    nodes = _setting_nodes(given_node)
    for name, value in overrides.items():
        node = nodes[name]
        for complaint in check_setting(name, node._replace(value=value), settings):
            is_by_member = node.pointer != given_node.member(SETTING_PREFIX + name).pointer
            yield replace(complaint, pointer=node.pointer) if is_by_member else complaint
        if SETTING_PREFIX + name in given_node.value and setting_members(given_node.value, name):
            message = "The setting is given both as a whole and by its members: give only one"
            yield node.complain("contradicting_settings", message)
    yield from check_contradictions(settings, lambda name: nodes.get(name, given_node))


def _setting_nodes(given_node: TreeNode) -> dict[str, TreeNode]:
    """Return the place of each overridden setting; if given by members, of the first one."""
    nodes: dict[str, TreeNode] = {}
    for name, node in given_node.members():
        if name in SETTING_FACTS:
            nodes.setdefault(setting_name(name), node)
    return nodes


def _check_expectation(expect: TreeNode) -> Iterator[Complaint]:
    if not isinstance(expect.value, dict):
        return
    if not expect.value:
        yield expect.complain("empty_expectation", "Write an expectation, such as {reason: …}")
    for action in expect.member("actions").items():
        if action.value not in _ACTION_NAMES:
            name = str(action.value)
            yield action.complain(
                "unknown_action",
                f"{quote_word(name)} is not an action: {suggest_words(name, _ACTION_NAMES)}",
            )
