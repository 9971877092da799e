"""Each test of a document gives facts there are, of their types, and expects something."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rules.formats.suggestions import instead, quoted
from rules.model import builtin
from rules.model.document import OTHERWISE
from rules.model.test_defaults import PREFIX, by_members, overridden, setting_of
from rules.model.vocabulary import SETTING_FACTS, ActionType
from rules.validation.checks.conditions import wrong_value
from rules.validation.checks.settings import contradictions, wrong_setting, wrong_tag
from rules.validation.checks.whens import wrong_fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import Draft, Part

MOST_WORK = 4_000_000
"""Rules times tests, which bounds the time that a document's tests may take."""

_LANGUAGE = "message.language"
_ACTIONS = [action.value for action in ActionType]


def check(draft: Draft) -> Iterator[Complaint]:
    yield from _too_much_work(draft)
    ids = [rule.value.get("id") for rule in draft.rules()]
    known = [*(rule for rule in ids if isinstance(rule, str)), OTHERWISE]
    of_rules = frozenset(known)
    for test in draft.root.member("tests").mappings():
        yield from _wrong_facts(test.mapping("given"), draft)
        yield from _wrong_settings(test.mapping("given"))
        yield from _wrong_expectation(test.member("expect"))
        rule = test.mapping("expect").member("rule")
        if isinstance(rule.value, str) and rule.value not in of_rules:
            message = f"{quoted(rule.value)} is no rule: {instead(rule.value, known)}"
            yield rule.complain("unknown_rule", message)


def _too_much_work(draft: Draft) -> Iterator[Complaint]:
    tests = draft.root.member("tests")
    rules = sum(1 for _ in draft.rules())
    if sum(1 for _ in tests.items()) * rules > MOST_WORK:
        message = f"Rules times tests are at most {MOST_WORK:,}: write fewer tests"
        yield tests.complain("too_many", message)


def _wrong_facts(given: Part, draft: Draft) -> Iterator[Complaint]:
    for name, part in given.members():
        yield from wrong_fact(part, name, draft.facts)
        if name not in draft.facts or name in SETTING_FACTS or part.value is None:
            continue
        wrong = list(wrong_value(part, draft.facts[name]))
        yield from wrong
        if name == _LANGUAGE and not wrong:
            yield from wrong_tag(part, part.value)


def _wrong_settings(given: Part) -> Iterator[Complaint]:
    """What is wrong with the settings that a test overrides, alone and over the defaults."""
    own = overridden(given.value)
    settings = {**builtin.tree()["settings"], **own}
    places = _places(given)
    for name, value in own.items():
        place = places[name]
        for complaint in wrong_setting(name, place._replace(value=value), settings):
            by_member = place.at != given.member(PREFIX + name).at
            yield replace(complaint, pointer=place.at) if by_member else complaint
        if PREFIX + name in given.value and by_members(given.value, name):
            message = "It is given whole and by its members: give one of them"
            yield place.complain("contradicting_settings", message)
    yield from contradictions(settings, lambda name: places.get(name, given))


def _places(given: Part) -> dict[str, Part]:
    """Where each overridden setting stands; the first member of one that is given by members."""
    places: dict[str, Part] = {}
    for name, part in given.members():
        if name in SETTING_FACTS:
            places.setdefault(setting_of(name), part)
    return places


def _wrong_expectation(expect: Part) -> Iterator[Complaint]:
    if not isinstance(expect.value, dict):
        return
    if not expect.value:
        yield expect.complain("empty_expectation", "Write what is expected, such as {reason: …}")
    for action in expect.member("actions").items():
        if action.value not in _ACTIONS:
            named = str(action.value)
            yield action.complain("unknown_action", f"{quoted(named)}: {instead(named, _ACTIONS)}")
