"""Each test of a document gives facts there are, of their types, and expects something."""

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
"""Rules times tests, which bounds the time that a document's tests may take."""

_ACTION_NAMES = [action.value for action in ActionType]


def check_expectations(draft: DocumentTree) -> Iterator[Complaint]:
    yield from _check_work(draft)
    ids = [rule.value.get("id") for rule in draft.rules()]
    known = [*(rule for rule in ids if isinstance(rule, str)), OTHERWISE]
    of_rules = frozenset(known)
    for test in draft.root.member("tests").mappings():
        yield from _check_given_facts(test.mapping("given"), draft)
        yield from _check_given_settings(test.mapping("given"))
        yield from _check_expectation(test.member("expect"))
        rule = test.mapping("expect").member("rule")
        if isinstance(rule.value, str) and rule.value not in of_rules:
            message = f"{quote_word(rule.value)} is no rule: {suggest_words(rule.value, known)}"
            yield rule.complain("unknown_rule", message)


def _check_work(draft: DocumentTree) -> Iterator[Complaint]:
    tests = draft.root.member("tests")
    rules = sum(1 for _ in draft.rules())
    if sum(1 for _ in tests.items()) * rules > MAX_RULES_TIMES_TESTS:
        message = f"Rules times tests are at most {MAX_RULES_TIMES_TESTS:,}: write fewer tests"
        yield tests.complain("too_many", message)


def _check_given_facts(given: TreeNode, draft: DocumentTree) -> Iterator[Complaint]:
    for name, part in given.members():
        yield from check_fact(part, name, draft.facts)
        if name not in draft.facts or name in SETTING_FACTS or part.value is None:
            continue
        wrong = list(check_value(part, draft.facts[name]))
        yield from wrong
        if name == LANGUAGE_FACT and not wrong:
            yield from check_tag(part, part.value)


def _check_given_settings(given: TreeNode) -> Iterator[Complaint]:
    """What is wrong with the settings that a test overrides, alone and over the defaults."""
    own = overridden_settings(given.value)
    settings = {**builtin.load_tree()["settings"], **own}
    places = _setting_nodes(given)
    for name, value in own.items():
        place = places[name]
        for complaint in check_setting(name, place._replace(value=value), settings):
            by_member = place.pointer != given.member(SETTING_PREFIX + name).pointer
            yield replace(complaint, pointer=place.pointer) if by_member else complaint
        if SETTING_PREFIX + name in given.value and setting_members(given.value, name):
            message = "It is given whole and by its members: give one of them"
            yield place.complain("contradicting_settings", message)
    yield from check_contradictions(settings, lambda name: places.get(name, given))


def _setting_nodes(given: TreeNode) -> dict[str, TreeNode]:
    """Where each overridden setting stands; the first member of one that is given by members."""
    places: dict[str, TreeNode] = {}
    for name, part in given.members():
        if name in SETTING_FACTS:
            places.setdefault(setting_name(name), part)
    return places


def _check_expectation(expect: TreeNode) -> Iterator[Complaint]:
    if not isinstance(expect.value, dict):
        return
    if not expect.value:
        yield expect.complain("empty_expectation", "Write what is expected, such as {reason: …}")
    for action in expect.member("actions").items():
        if action.value not in _ACTION_NAMES:
            named = str(action.value)
            yield action.complain(
                "unknown_action", f"{quote_word(named)}: {suggest_words(named, _ACTION_NAMES)}"
            )
