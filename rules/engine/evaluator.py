"""The reference evaluator: every rule in order, every test in order, one value at a time.

It is written to be read, and it explains each ruling. `CompiledPolicy.decide` returns the same
ruling faster; a property test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from rules.engine.ruling import Ruling
from rules.formats.language_tags import equal_tags, matches_ranges
from rules.model.document import (
    KnownCondition,
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    TagCondition,
    format_condition,
)
from rules.model.vocabulary import Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.model.document import (
        BoundDocument,
        Condition,
        Conditions,
        Facts,
        Json,
        Rule,
        Scalar,
        When,
    )


@dataclass(frozen=True, slots=True)
class FailedTest:
    """The first test of a rule that failed; `actual` is None for an unknown fact.

    If all alternatives failed, `fact` is "any" and both sides are mappings.
    """

    fact: str
    expected: Json
    actual: Json


@dataclass(frozen=True, slots=True)
class RuleAttempt:
    """One rule that was tried; `failed` is None if it matched."""

    rule: str
    failed: FailedTest | None

    @property
    def held(self) -> bool:
        """True if the rule matched."""
        return self.failed is None


@dataclass(frozen=True, slots=True)
class RulingExplanation:
    """A ruling, and every rule that was tried up to the one that matched."""

    ruling: Ruling
    attempts: tuple[RuleAttempt, ...]


def explain_ruling(bound_document: BoundDocument, facts: Facts) -> RulingExplanation:
    """Decide by the rules as they are written."""
    all_facts = {name: fact for name, fact in facts.items() if not name.startswith("settings.")}
    all_facts.update(bound_document.setting_facts)
    return explain_rules(bound_document.rules, all_facts)


def explain_rules(rules: Sequence[Rule], facts: Facts) -> RulingExplanation:
    """Decide by these rules. The last one must match all facts. Settings are facts too."""
    attempts = []
    for rule in rules:
        failed = _find_failure(rule.when, facts)
        attempts.append(RuleAttempt(rule.id, failed))
        if failed is None:
            return RulingExplanation(_build_ruling(rule, facts), tuple(attempts))
    raise AssertionError("The last rule is `otherwise`, which always holds")


def condition_holds(condition: Condition, value: Scalar | None) -> bool:
    """Return True if a test matches the value of a fact; None is the value of an unknown fact."""
    if isinstance(condition, OneOfCondition):
        if isinstance(value, str):
            return value in condition.values
        return value is not None and any(
            is_same_value(value, expected) for expected in condition.values
        )
    if isinstance(condition, TagCondition):
        return isinstance(value, str) and any(
            isinstance(tag, str) and value.lower() in equal_tags(tag) for tag in condition.values
        )
    if isinstance(condition, NotCondition):
        return not condition_holds(condition.condition, value)
    if isinstance(condition, KnownCondition):
        return (value is not None) is condition.is_known
    if isinstance(condition, LanguageCondition):
        return isinstance(value, str) and matches_ranges(value, condition.ranges)
    return is_number(value) and all(
        _is_within_bound(bound, value, limit) for bound, limit in condition.bounds
    )


def is_same_value(value: Scalar | None, expected: Scalar) -> bool:
    """Return True if both are the same JSON value: 1 equals 1.0, and neither equals true."""
    return isinstance(value, bool) is isinstance(expected, bool) and value == expected


def is_number(value: Scalar | None) -> TypeGuard[float]:
    """Return True if the value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_within_bound(bound: Operator, value: float, limit: float) -> bool:
    match bound:
        case Operator.GTE:
            return value >= limit
        case Operator.GT:
            return value > limit
        case Operator.LTE:
            return value <= limit
        case _:
            return value < limit


def _find_failure(when: When, facts: Facts) -> FailedTest | None:
    failed = _find_first_failure(when.conditions, facts)
    if failed or not when.alternatives:
        return failed
    failures = [_find_first_failure(alternative, facts) for alternative in when.alternatives]
    if None in failures:
        return None
    return FailedTest(
        "any",
        [
            {fact: format_condition(test) for fact, test in alternative}
            for alternative in when.alternatives
        ],
        {fact: facts.get(fact) for alternative in when.alternatives for fact, _ in alternative},
    )


def _find_first_failure(tests: Conditions, facts: Facts) -> FailedTest | None:
    for fact, test in tests:
        value = facts.get(fact)
        if not condition_holds(test, value):
            return FailedTest(fact, format_condition(test), value)
    return None


def _build_ruling(rule: Rule, facts: Facts) -> Ruling:
    actions = (action for action in rule.actions if _find_failure(action.when, facts) is None)
    return Ruling(rule.id, rule.outcome, rule.reason, rule.stage, tuple(actions))
