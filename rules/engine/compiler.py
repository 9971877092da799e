"""A document compiled, once per version: what can be known beforehand is worked out beforehand.

Every rule becomes one *row* per alternative: a conjunction of tests, and what the rule says. Tests
on settings are constants and disappear. The rows then stand in a tree that asks one fact at a time
and goes straight to the rows that its value leaves, in the order of the document; what is left to
test at the end of a branch is tested in order. So the time to decide does not grow with the number
of rules that a fact tells apart.

The laws: `Policy.decide(facts)` equals `explain(bound, facts).ruling` for every mapping of facts,
and depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, TypeAlias

from rules.engine.evaluator import holds
from rules.engine.ruling import Ruling
from rules.model.document import ALWAYS, InLanguage, Known, Not, OneOf

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

    Check: TypeAlias = tuple[str, Callable[[Scalar | None], bool], bool]
    """A fact, a predicate of its value, and what the predicate must say."""
    Branch: TypeAlias = "Split | Tail"

FEW = 3
"""So many rows are tested one by one; more are split where a fact tells them apart."""

BLOW_UP = 8
"""Splits may put a row into several branches, but on the average not into more than so many in all:
without a bound on all of them together the tree doubles with every fact."""

LEAST_SPREAD = 1.02
"""What a split counts for even where it copies next to nothing, so that no branch grows too long
to be walked: 1.02 to the power of 105 is 8."""


MOST_ANSWERS = 256
"""Language tags of which a test remembers whether it holds for them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One way for a rule to hold."""

    tests: Conditions
    says: Says


@dataclass(frozen=True, slots=True)
class Says:
    """What a rule says: its ruling with every action, and the conditions of each action."""

    ruling: Ruling
    conditions: tuple[tuple[tuple[Check, ...], ...], ...]
    """For each action its alternatives; one of them must hold."""
    always: bool
    """Every action is unconditional."""

    def ruled(self, facts: Facts) -> Ruling:
        actions = (
            action
            for action, alternatives in zip(self.ruling.actions, self.conditions, strict=True)
            if any(_all_hold(checks, facts) for checks in alternatives)
        )
        return replace(self.ruling, actions=tuple(actions))


@dataclass(frozen=True, slots=True)
class Split:
    """Ask one fact; each value that a rule names has its own branch, every other value `other`."""

    fact: str
    branches: dict[Scalar, Branch]
    other: Branch


@dataclass(frozen=True, slots=True)
class Tail:
    """The rows that are left, in order, the last of which always holds."""

    rows: tuple[tuple[tuple[Check, ...], Says], ...]


class Policy:
    """A compiled document. What it remembers changes no decision: any thread may decide with it."""

    def __init__(self, bound: BoundDocument) -> None:
        self.bound = bound
        self._root = _branch(tuple(_rows(bound)))

    @property
    def document(self) -> Document:
        return self.bound.document

    def decide(self, facts: Facts) -> Ruling:
        """What the first rule says whose `when` holds for these facts."""
        branch = self._root
        while isinstance(branch, Split):
            branch = branch.branches.get(facts.get(branch.fact), branch.other)  # type: ignore[arg-type]  # None is no key, and finds `other`
        for checks, says in branch.rows:
            for fact, predicate, expected in checks:
                if predicate(facts.get(fact)) is not expected:
                    break
            else:
                return says.ruling if says.always else says.ruled(facts)
        raise AssertionError("the last row is `otherwise`, which always holds")


def compile_document(document: Document) -> Policy:
    """The document bound to its own settings, compiled."""
    return Policy(document.own)


def _all_hold(checks: Iterable[Check], facts: Facts) -> bool:
    return all(predicate(facts.get(fact)) is expected for fact, predicate, expected in checks)


def _rows(bound: BoundDocument) -> Iterator[Row]:
    constants = bound.setting_facts
    for rule in bound.rules:
        says = _says(rule, constants)
        for tests in rule.when.rows():
            left = folded(tests, constants)
            if left is not None:
                yield Row(left, says)
            if left == ():
                return


def _says(rule: Rule, constants: Facts) -> Says:
    possible = [
        (action, alternatives)
        for action in rule.actions
        if (alternatives := _alternatives(action, constants))
    ]
    return Says(
        Ruling(rule.id, rule.outcome, rule.reason, rule.stage, tuple(a for a, _ in possible)),
        tuple(alternatives for _, alternatives in possible),
        always=all(() in alternatives for _, alternatives in possible),
    )


def _alternatives(action: Action, constants: Facts) -> tuple[tuple[Check, ...], ...]:
    if action.when is ALWAYS:
        return ((),)
    alternatives = (folded(tests, constants) for tests in action.when.rows())
    return tuple(_checks(tests) for tests in alternatives if tests is not None)


def folded(tests: Conditions, constants: Facts) -> Conditions | None:
    """The tests that facts must still pass; None where a constant fails one for good."""
    left = []
    for fact, test in tests:
        if not fact.startswith("settings."):
            left.append((fact, test))
        elif not holds(test, constants.get(fact)):
            return None
    return tuple(left)


def _branch(rows: tuple[Row, ...], copies: float = 1) -> Branch:
    """The tree of the rows, of each of which the splits so far have made so many copies."""
    rows = _until_certain(rows)
    fact = _most_telling(rows, BLOW_UP / copies) if len(rows) > FEW else None
    if fact is None:
        return Tail(tuple((_checks(row.tests), row.says) for row in rows))
    left = _left_by_values(rows, fact)
    others = tuple(_left_by_others(rows, fact, left.keys()))
    spread = (len(others) + sum(map(len, left.values()))) / len(rows)
    copies *= max(spread, LEAST_SPREAD)
    branches = {value: _branch(tuple(those), copies) for value, those in left.items()}
    return Split(fact, branches, _branch(others, copies))


def _until_certain(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows up to the first that holds whatever the facts are; none after it is reached."""
    certain = next(at for at, row in enumerate(rows) if not row.tests)
    return tuple(rows[: certain + 1])


def _most_telling(rows: Sequence[Row], room: float) -> str | None:
    """The fact that the most rows want to equal something; None where splitting saves nothing.

    `room` is how many rows the branches may hold together for each row there is.
    """
    wanting = Counter(
        fact for row in rows for fact in {f for f, test in row.tests if _splittable(test)}
    )
    for fact, count in wanting.most_common():
        names = sum(len(_values_of(row, fact)) for row in rows)
        undecided = (len(rows) - count) * (len(_named_values(rows, fact)) + 1)
        if count > 1 and names + undecided <= room * len(rows):
            return fact
    return None


def _splittable(test: Condition) -> bool:
    """Whether it wants certain strings (as keys of a mapping 1, 1.0 and true would be one)."""
    return isinstance(test, OneOf) and all(isinstance(value, str) for value in test.values)


def _values_of(row: Row, fact: str) -> set[Scalar]:
    return {
        value
        for name, test in row.tests
        if name == fact and isinstance(test, OneOf) and _splittable(test)
        for value in test.values
    }


def _named_values(rows: Sequence[Row], fact: str) -> set[Scalar]:
    return {value for row in rows for value in _values_of(row, fact)}


def _left_by_values(rows: Sequence[Row], fact: str) -> dict[Scalar, list[Row]]:
    """For each value that is named, the rows that it leaves, without their tests of the fact."""
    left: dict[Scalar, list[Row]] = {value: [] for value in _named_values(rows, fact)}
    for row in rows:
        asked = [test for name, test in row.tests if name == fact]
        rest = tuple(item for item in row.tests if item[0] != fact)
        for value in _values_of(row, fact) if any(map(_splittable, asked)) else left:
            if all(holds(test, value) for test in asked):
                left[value].append(Row(rest, row.says))
    return left


def _left_by_others(rows: Sequence[Row], fact: str, values: AbstractSet[Scalar]) -> Iterator[Row]:
    """The rows that can still hold where the fact is unknown or none of these values."""
    for row in rows:
        if not any(name == fact and _splittable(test) for name, test in row.tests):
            yield Row(tuple(_open_tests(row.tests, fact, values)), row.says)


def _open_tests(
    tests: Conditions, fact: str, values: AbstractSet[Scalar]
) -> Iterator[tuple[str, Condition]]:
    for name, test in tests:
        settled = isinstance(test, Not) and isinstance(test.test, OneOf)
        if name == fact and settled and set(test.test.values) <= values:  # type: ignore[union-attr]  # just told
            continue
        yield name, test


def _checks(tests: Conditions) -> tuple[Check, ...]:
    return tuple((fact, *_predicate(test)) for fact, test in tests)


def _predicate(test: Condition) -> tuple[Callable[[Scalar | None], bool], bool]:
    """The test as a predicate and what it must say; without a Python frame where it can be."""
    if isinstance(test, Not):
        predicate, expected = _predicate(test.test)
        return predicate, not expected
    if isinstance(test, OneOf):
        if all(isinstance(value, str) for value in test.values):
            return frozenset(test.values).__contains__, True
        if len(test.values) == 1 and isinstance(test.values[0], bool):
            return partial(is_, test.values[0]), True
    if isinstance(test, Known):
        return partial(is_, None), not test.known
    if isinstance(test, InLanguage):
        return _Answered(test).__getitem__, True
    return partial(holds, test), True


class _Answered(dict["Scalar | None", bool]):
    """Whether a test holds, by the fact's value: few languages are spoken, each is looked at once.

    It forgets all it knows when it knows `MOST_ANSWERS`, so that made-up tags cannot fill memory.
    """

    def __init__(self, test: InLanguage) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, value: Scalar | None) -> bool:
        if len(self) >= MOST_ANSWERS:
            self.clear()
        self[value] = answer = holds(self._test, value)
        return answer
