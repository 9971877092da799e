"""The compiler: a document becomes a decision tree, once per version.

1. Each rule becomes one *row* per alternative: a conjunction of tests, and the rule's effect.
2. Tests of settings are constants and disappear.
3. The rows become a tree. Each branch reads one fact and leads to the rows that the value leaves,
   in the order of the document. The tests that remain at a leaf are tried in order.

The time to decide therefore does not grow with the number of rules that a fact distinguishes.

The laws: `CompiledPolicy.decide(facts)` equals `explain_ruling(bound, facts).ruling` for every
mapping of facts, and depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, TypeAlias

from rules.engine.evaluator import condition_holds
from rules.engine.ruling import Ruling
from rules.model.document import (
    UNCONDITIONAL,
    KnownCondition,
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    TagCondition,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from rules.model.document import (
        Action,
        BoundDocument,
        Condition,
        Conditions,
        Document,
        Facts,
        Rule,
        Scalar,
    )

    CompiledTest: TypeAlias = tuple[str, Callable[[Scalar | None], bool], bool]
    """A fact, a predicate of its value, and the result that the predicate must have."""
    TreeBranch: TypeAlias = "SplitBranch | RowsBranch"

SPLIT_THRESHOLD = 3
"""Maximum number of rows that are tried in order. More rows are split if a fact allows it."""

MAX_COPIES = 8
"""Maximum average number of branches that a row may be copied into, over all splits.
Without this bound the tree would double with every fact.
"""

MIN_SPREAD = 1.02
"""Minimum growth factor charged per split.
It bounds the depth of the tree: 1.02 ** 105 is about `MAX_COPIES`.
"""


MAX_CACHED_ANSWERS = 256
"""Language tags for which a test caches its result."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One way for a rule to match."""

    conditions: Conditions
    effect: RuleEffect


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """The effect of a rule: its ruling with all actions, and the conditions of each action."""

    ruling: Ruling
    conditions: tuple[tuple[tuple[CompiledTest, ...], ...], ...]
    """The alternatives of each action; one of them must match."""
    is_unconditional: bool
    """True if all actions are unconditional."""

    def ruling_for(self, facts: Facts) -> Ruling:
        """Return the ruling with the actions whose conditions match the facts."""
        actions = (
            action
            for action, alternatives in zip(self.ruling.actions, self.conditions, strict=True)
            if any(_all_tests_hold(checks, facts) for checks in alternatives)
        )
        return replace(self.ruling, actions=tuple(actions))


@dataclass(frozen=True, slots=True)
class SplitBranch:
    """A branch on one fact: a subtree for each value that a rule names, `other` for all others."""

    fact: str
    branches: dict[Scalar, TreeBranch]
    default: TreeBranch


@dataclass(frozen=True, slots=True)
class RowsBranch:
    """The remaining rows, in order; the last one always matches."""

    rows: tuple[tuple[tuple[CompiledTest, ...], RuleEffect], ...]


class CompiledPolicy:
    """A compiled document. Its caches change no decision, so threads may share it."""

    def __init__(self, bound_document: BoundDocument) -> None:
        self.bound_document = bound_document
        self._root = _build_branch(tuple(_build_rows(bound_document)))

    @property
    def document(self) -> Document:
        """The document that was compiled."""
        return self.bound_document.document

    def decide(self, facts: Facts) -> Ruling:
        """Return the ruling of the first rule that matches the facts."""
        branch = self._root
        while isinstance(branch, SplitBranch):
            branch = branch.branches.get(facts.get(branch.fact), branch.default)  # type: ignore[arg-type]  # None is not a key, so `get` returns the default
        for tests, effect in branch.rows:
            for fact, predicate, expected in tests:
                if predicate(facts.get(fact)) is not expected:
                    break
            else:
                return effect.ruling if effect.is_unconditional else effect.ruling_for(facts)
        raise AssertionError("The last row is `otherwise`, which always holds")


def compile_document(document: Document) -> CompiledPolicy:
    """Return the policy of a document with its own settings."""
    return CompiledPolicy(document.own_binding)


def _all_tests_hold(checks: Iterable[CompiledTest], facts: Facts) -> bool:
    return all(predicate(facts.get(fact)) is expected for fact, predicate, expected in checks)


def _build_rows(bound_document: BoundDocument) -> Iterator[RuleRow]:
    constants = bound_document.setting_facts
    for rule in bound_document.rules:
        effect = _build_effect(rule, constants)
        for tests in rule.when.expanded_alternatives():
            conditions = fold_settings(tests, constants)
            if conditions is not None:
                yield RuleRow(conditions, effect)
            if conditions == ():  # an unconditional row decides, so later rows are unreachable
                return


def _build_effect(rule: Rule, constants: Facts) -> RuleEffect:
    compiled_actions = [
        (action, alternatives)
        for action in rule.actions
        if (alternatives := _compile_alternatives(action, constants))
    ]
    return RuleEffect(
        Ruling(
            rule.id, rule.outcome, rule.reason, rule.stage, tuple(a for a, _ in compiled_actions)
        ),
        tuple(alternatives for _, alternatives in compiled_actions),
        is_unconditional=all(() in alternatives for _, alternatives in compiled_actions),
    )


def _compile_alternatives(action: Action, constants: Facts) -> tuple[tuple[CompiledTest, ...], ...]:
    if action.when is UNCONDITIONAL:
        return ((),)
    alternatives = (
        fold_settings(tests, constants) for tests in action.when.expanded_alternatives()
    )
    return tuple(_compile_tests(tests) for tests in alternatives if tests is not None)


def fold_settings(tests: Conditions, constants: Facts) -> Conditions | None:
    """Return the tests that facts must still pass; None if a constant fails one of them."""
    remaining = []
    for fact, test in tests:
        if not fact.startswith("settings."):
            remaining.append((fact, test))
        elif not condition_holds(test, constants.get(fact)):
            return None
    return tuple(remaining)


def _build_branch(rows: tuple[RuleRow, ...], copies: float = 1) -> TreeBranch:
    """Return the tree of the rows; `copies` are the copies that earlier splits made of each."""
    # 1. Drop the rows after an unconditional one. Few rows, or rows without a good fact, form a
    #    leaf.
    rows = _reachable_rows(rows)
    fact = _choose_fact(rows, MAX_COPIES / copies) if len(rows) > SPLIT_THRESHOLD else None
    if fact is None:
        return RowsBranch(tuple((_compile_tests(row.conditions), row.effect) for row in rows))
    # 2. Rows that do not name a value of the fact are copied into every branch.
    rows_by_value = _rows_by_value(rows, fact)
    other_rows = tuple(_rows_for_other_values(rows, fact, rows_by_value.keys()))
    # 3. Charge the copies to the subtrees, so that the whole tree stays bounded.
    growth = (len(other_rows) + sum(map(len, rows_by_value.values()))) / len(rows)
    copies *= max(growth, MIN_SPREAD)
    branches = {
        value: _build_branch(tuple(rows_of_value), copies)
        for value, rows_of_value in rows_by_value.items()
    }
    return SplitBranch(fact, branches, _build_branch(other_rows, copies))


def _reachable_rows(rows: Sequence[RuleRow]) -> tuple[RuleRow, ...]:
    """Return the rows up to the first that matches all facts; later rows are never reached."""
    last_index = next(index for index, row in enumerate(rows) if not row.conditions)
    return tuple(rows[: last_index + 1])


def _choose_fact(rows: Sequence[RuleRow], max_growth: float) -> str | None:
    """Return the fact that most rows compare with a value; None if a split is no gain.

    `max_growth` is the maximum number of rows in all branches for each row before the split.
    """
    row_counts = Counter(
        fact for row in rows for fact in {f for f, test in row.conditions if _is_splittable(test)}
    )
    for fact, count in row_counts.most_common():
        # A row without a test of the fact goes to each named value and to the other values.
        named_rows = sum(len(_row_values(row, fact)) for row in rows)
        unconstrained_rows = (len(rows) - count) * (len(_named_values(rows, fact)) + 1)
        if count > 1 and named_rows + unconstrained_rows <= max_growth * len(rows):
            return fact
    return None


def _is_splittable(test: Condition) -> bool:
    """Return True if the test names strings.

    As keys of a mapping, 1, 1.0 and true would be equal.
    """
    return isinstance(test, OneOfCondition) and all(isinstance(value, str) for value in test.values)


def _row_values(row: RuleRow, fact: str) -> set[Scalar]:
    return {
        value
        for name, test in row.conditions
        if name == fact and isinstance(test, OneOfCondition) and _is_splittable(test)
        for value in test.values
    }


def _named_values(rows: Sequence[RuleRow], fact: str) -> set[Scalar]:
    return {value for row in rows for value in _row_values(row, fact)}


def _rows_by_value(rows: Sequence[RuleRow], fact: str) -> dict[Scalar, list[RuleRow]]:
    """Return the rows that each named value leaves, without their tests of the fact."""
    rows_by_value: dict[Scalar, list[RuleRow]] = {value: [] for value in _named_values(rows, fact)}
    for row in rows:
        fact_tests = [test for name, test in row.conditions if name == fact]
        other_tests = tuple(item for item in row.conditions if item[0] != fact)
        for value in (
            _row_values(row, fact) if any(map(_is_splittable, fact_tests)) else rows_by_value
        ):
            if all(condition_holds(test, value) for test in fact_tests):
                rows_by_value[value].append(RuleRow(other_tests, row.effect))
    return rows_by_value


def _rows_for_other_values(
    rows: Sequence[RuleRow], fact: str, values: AbstractSet[Scalar]
) -> Iterator[RuleRow]:
    """Return the rows that can match if the fact is unknown or has none of these values."""
    for row in rows:
        if not any(name == fact and _is_splittable(test) for name, test in row.conditions):
            yield RuleRow(tuple(_remaining_tests(row.conditions, fact, values)), row.effect)


def _remaining_tests(
    tests: Conditions, fact: str, values: AbstractSet[Scalar]
) -> Iterator[tuple[str, Condition]]:
    for name, test in tests:
        is_exclusion = isinstance(test, NotCondition) and isinstance(test.condition, OneOfCondition)
        if name == fact and is_exclusion and set(test.condition.values) <= values:  # type: ignore[union-attr]  # `is_exclusion` implies the type
            continue
        yield name, test


def _compile_tests(tests: Conditions) -> tuple[CompiledTest, ...]:
    return tuple((fact, *_compile_predicate(test)) for fact, test in tests)


def _compile_predicate(test: Condition) -> tuple[Callable[[Scalar | None], bool], bool]:
    """Return the test as a predicate and its required result, without a Python frame if it can."""
    if isinstance(test, NotCondition):
        predicate, expected = _compile_predicate(test.condition)
        return predicate, not expected
    if isinstance(test, OneOfCondition):
        if all(isinstance(value, str) for value in test.values):
            return frozenset(test.values).__contains__, True
        if len(test.values) == 1 and isinstance(test.values[0], bool):
            return partial(is_, test.values[0]), True
    if isinstance(test, KnownCondition):
        return partial(is_, None), not test.is_known
    if isinstance(test, LanguageCondition | TagCondition):
        return _AnswerCache(test).__getitem__, True
    return partial(condition_holds, test), True


class _AnswerCache(dict["Scalar | None", bool]):
    """Cached results of a language test, by the fact's value: conversations use few languages.

    The cache is cleared at `MAX_CACHED_ANSWERS` entries, so that invented tags cannot fill memory.
    """

    def __init__(self, test: LanguageCondition | TagCondition) -> None:
        super().__init__()
        self._condition = test

    def __missing__(self, value: Scalar | None) -> bool:
        if len(self) >= MAX_CACHED_ANSWERS:
            self.clear()
        self[value] = answer = condition_holds(self._condition, value)
        return answer
