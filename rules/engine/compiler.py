"""A document compiled, once per version: what can be known beforehand is worked out beforehand.

Every rule becomes one *row* per alternative: a conjunction of tests, and what the rule says. Tests
on settings are constants and disappear. The rows then stand in a tree that asks one fact at a time
and goes straight to the rows that its value leaves, in the order of the document; what is left to
test at the end of a branch is tested in order. So the time to decide does not grow with the number
of rules that a fact tells apart.

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
    """A fact, a predicate of its value, and what the predicate must say."""
    TreeBranch: TypeAlias = "SplitBranch | RowsBranch"

SPLIT_THRESHOLD = 3
"""So many rows are tested one by one; more are split where a fact tells them apart."""

MAX_COPIES = 8
"""Splits may put a row into several branches, but on the average not into more than so many in all:
without a bound on all of them together the tree doubles with every fact."""

MIN_SPREAD = 1.02
"""What a split counts for even where it copies next to nothing, so that no branch grows too long
to be walked: 1.02 to the power of 105 is 8."""


MAX_CACHED_ANSWERS = 256
"""Language tags of which a test remembers whether it holds for them."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One way for a rule to hold."""

    conditions: Conditions
    effect: RuleEffect


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What a rule says: its ruling with every action, and the conditions of each action."""

    ruling: Ruling
    conditions: tuple[tuple[tuple[CompiledTest, ...], ...], ...]
    """For each action its alternatives; one of them must hold."""
    is_unconditional: bool
    """Every action is unconditional."""

    def ruling_for(self, facts: Facts) -> Ruling:
        actions = (
            action
            for action, alternatives in zip(self.ruling.actions, self.conditions, strict=True)
            if any(_all_tests_hold(checks, facts) for checks in alternatives)
        )
        return replace(self.ruling, actions=tuple(actions))


@dataclass(frozen=True, slots=True)
class SplitBranch:
    """Ask one fact; each value that a rule names has its own branch, every other value `other`."""

    fact: str
    branches: dict[Scalar, TreeBranch]
    default: TreeBranch


@dataclass(frozen=True, slots=True)
class RowsBranch:
    """The rows that are left, in order, the last of which always holds."""

    rows: tuple[tuple[tuple[CompiledTest, ...], RuleEffect], ...]


class CompiledPolicy:
    """A compiled document. What it remembers changes no decision: any thread may decide with it."""

    def __init__(self, bound_document: BoundDocument) -> None:
        self.bound_document = bound_document
        self._root = _build_branch(tuple(_build_rows(bound_document)))

    @property
    def document(self) -> Document:
        return self.bound_document.document

    def decide(self, facts: Facts) -> Ruling:
        """What the first rule says whose `when` holds for these facts."""
        branch = self._root
        while isinstance(branch, SplitBranch):
            branch = branch.branches.get(facts.get(branch.fact), branch.default)  # type: ignore[arg-type]  # None is no key, and finds `other`
        for checks, says in branch.rows:
            for fact, predicate, expected in checks:
                if predicate(facts.get(fact)) is not expected:
                    break
            else:
                return says.ruling if says.is_unconditional else says.ruling_for(facts)
        raise AssertionError("the last row is `otherwise`, which always holds")


def compile_document(document: Document) -> CompiledPolicy:
    """The document bound to its own settings, compiled."""
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
            if conditions == ():
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
    """The tests that facts must still pass; None where a constant fails one for good."""
    remaining = []
    for fact, test in tests:
        if not fact.startswith("settings."):
            remaining.append((fact, test))
        elif not condition_holds(test, constants.get(fact)):
            return None
    return tuple(remaining)


def _build_branch(rows: tuple[RuleRow, ...], copies: float = 1) -> TreeBranch:
    """The tree of the rows, of each of which the splits so far have made so many copies."""
    rows = _reachable_rows(rows)
    fact = _choose_fact(rows, MAX_COPIES / copies) if len(rows) > SPLIT_THRESHOLD else None
    if fact is None:
        return RowsBranch(tuple((_compile_tests(row.conditions), row.effect) for row in rows))
    rows_by_value = _rows_by_value(rows, fact)
    other_rows = tuple(_rows_for_other_values(rows, fact, rows_by_value.keys()))
    growth = (len(other_rows) + sum(map(len, rows_by_value.values()))) / len(rows)
    copies *= max(growth, MIN_SPREAD)
    branches = {
        value: _build_branch(tuple(rows_of_value), copies)
        for value, rows_of_value in rows_by_value.items()
    }
    return SplitBranch(fact, branches, _build_branch(other_rows, copies))


def _reachable_rows(rows: Sequence[RuleRow]) -> tuple[RuleRow, ...]:
    """The rows up to the first that holds whatever the facts are; none after it is reached."""
    last_index = next(index for index, row in enumerate(rows) if not row.conditions)
    return tuple(rows[: last_index + 1])


def _choose_fact(rows: Sequence[RuleRow], max_growth: float) -> str | None:
    """The fact that the most rows want to equal something; None where splitting saves nothing.

    `max_growth` is how many rows the branches may hold together for each row there is.
    """
    row_counts = Counter(
        fact for row in rows for fact in {f for f, test in row.conditions if _is_splittable(test)}
    )
    for fact, count in row_counts.most_common():
        named_rows = sum(len(_row_values(row, fact)) for row in rows)
        unconstrained_rows = (len(rows) - count) * (len(_named_values(rows, fact)) + 1)
        if count > 1 and named_rows + unconstrained_rows <= max_growth * len(rows):
            return fact
    return None


def _is_splittable(test: Condition) -> bool:
    """Whether it wants certain strings (as keys of a mapping 1, 1.0 and true would be one)."""
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
    """For each value that is named, the rows that it leaves, without their tests of the fact."""
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
    """The rows that can still hold where the fact is unknown or none of these values."""
    for row in rows:
        if not any(name == fact and _is_splittable(test) for name, test in row.conditions):
            yield RuleRow(tuple(_remaining_tests(row.conditions, fact, values)), row.effect)


def _remaining_tests(
    tests: Conditions, fact: str, values: AbstractSet[Scalar]
) -> Iterator[tuple[str, Condition]]:
    for name, test in tests:
        is_exclusion = isinstance(test, NotCondition) and isinstance(test.condition, OneOfCondition)
        if name == fact and is_exclusion and set(test.condition.values) <= values:  # type: ignore[union-attr]  # just told
            continue
        yield name, test


def _compile_tests(tests: Conditions) -> tuple[CompiledTest, ...]:
    return tuple((fact, *_compile_predicate(test)) for fact, test in tests)


def _compile_predicate(test: Condition) -> tuple[Callable[[Scalar | None], bool], bool]:
    """The test as a predicate and what it must say; without a Python frame where it can be."""
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
    if isinstance(test, LanguageCondition):
        return _AnswerCache(test).__getitem__, True
    return partial(condition_holds, test), True


class _AnswerCache(dict["Scalar | None", bool]):
    """Whether a test holds, by the fact's value: few languages are spoken, each is looked at once.

    The cache is cleared at `MAX_CACHED_ANSWERS` entries, so that made-up tags cannot fill memory.
    """

    def __init__(self, test: LanguageCondition) -> None:
        super().__init__()
        self._condition = test

    def __missing__(self, value: Scalar | None) -> bool:
        if len(self) >= MAX_CACHED_ANSWERS:
            self.clear()
        self[value] = answer = condition_holds(self._condition, value)
        return answer
