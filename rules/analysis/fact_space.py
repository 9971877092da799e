"""All possible facts, in finitely many classes of values that no test distinguishes.

Two values of a fact are in one class if every test of the question holds for both or for neither.
One value represents the class, its example. Only `condition_holds` evaluates tests, so the classes
cannot disagree with the engine. `candidates` has a value of every class.

A set of facts is a `Box`: the classes of each fact, as the bits of a number.
"""

from __future__ import annotations

from bisect import bisect
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from rules.analysis.candidates import candidate_values, generate_words, literals_of
from rules.analysis.domains import EVENT_TYPE_BY_FACT
from rules.engine.evaluator import condition_holds
from rules.model.document import OneOfCondition
from rules.model.test_defaults import BASE_FACTS
from rules.model.vocabulary import FactType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.analysis.domains import FactDomain
    from rules.model.document import Condition, Conditions, Scalar

Box: TypeAlias = "dict[str, int]"
"""The possible classes of each fact. A fact that is absent may have any class."""

LINKED_FACTS = ("event.type", *EVENT_TYPE_BY_FACT)
"""Facts that depend on each other. They have classes even if no rule tests them."""


_TestKey: TypeAlias = "tuple[int, str, str]"
"""View, fact, and the test as text, so that 1 differs from true."""


_SignatureCache: TypeAlias = "dict[tuple[object, ...], bytes]"
"""The results of tests for values, by view."""
MAX_SIGNATURE_CACHES = 32
"""Facts for which test results are cached. One document is analysed in many spaces."""


@lru_cache(MAX_SIGNATURE_CACHES)
def _shared_signatures(tests: tuple[tuple[int, str], ...]) -> _SignatureCache:
    """Return the cached results of these tests, in this order. The caller adds to them."""
    del tests
    return {}


class FactSpace:
    """The classes of every fact in question, and the tests that hold for each class.

    A view is one document's reading of the facts: two documents may declare an attribute
    differently.
    """

    def __init__(
        self,
        views: Sequence[Mapping[str, FactDomain]],
        tests: Iterable[tuple[int, str, Condition]],
        base: Mapping[str, Scalar] = BASE_FACTS,
    ) -> None:
        """Build the classes for all tests of a question: view, fact and test."""
        tests_by_fact: dict[str, dict[_TestKey, Condition]] = {name: {} for name in LINKED_FACTS}
        event_type_tests = (
            (0, "event.type", OneOfCondition((kind.value,))) for kind in EVENT_TYPE_BY_FACT.values()
        )
        for view, name, test in chain(event_type_tests, tests):
            tests_by_fact.setdefault(name, {})[view, name, repr(test)] = test
        self.views = views
        self.base = base
        self.examples: dict[str, list[Scalar | None]] = {}
        """For each fact, one value of each of its classes; None is unknown."""
        self._masks: dict[_TestKey, int] = {}
        self._tried_values: dict[str, list[tuple[Scalar | None, int]]] = {}
        """For each fact, the tried values, each with the number of its class."""
        self._named_values: dict[str, frozenset[Scalar]] = {}
        self._conditions: dict[str, list[tuple[int, Condition]]] = {}
        self._class_numbers: dict[str, dict[bytes, int]] = {}
        """For each fact, the number of each class by its signature."""
        self._integer_classes: dict[str, tuple[list[int], list[int]]] = {}
        """For each integer fact, the tried values in ascending order, and the class of each."""
        for name, conditions in tests_by_fact.items():
            self._add_fact(name, conditions)

    def _add_fact(self, name: str, tests: Mapping[_TestKey, Condition]) -> None:
        # 1. Candidates with the same results of all tests are one class; the first is its example.
        domains = [view[name] for view in self.views if name in view]
        self._conditions[name] = [(key[0], test) for key, test in tests.items()]
        classes: dict[bytes, Scalar | None] = {}
        numbers = self._class_numbers.setdefault(name, {})
        tried_values = self._tried_values.setdefault(name, [])
        self._named_values[name] = frozenset(chain.from_iterable(map(literals_of, tests.values())))
        signatures = _shared_signatures(tuple((view, text) for view, _, text in tests))
        for value in candidate_values(domains, tuple(tests.values()), self.base.get(name)):
            signature = self._signature(name, value, signatures)
            classes.setdefault(signature, value)
            tried_values.append((value, numbers.setdefault(signature, len(numbers))))
        # 2. An integer between two candidates has the class of the lower one.
        if domains and all(domain.fact.type is FactType.INTEGER for domain in domains):
            ascending = sorted(
                {(number, at) for number, at in tried_values if isinstance(number, int)}
            )
            self._integer_classes[name] = [n for n, _ in ascending], [at for _, at in ascending]
        # 3. A test's mask has a bit per class that passes it; tests start at byte 1 of a signature.
        self.examples[name] = list(classes.values())
        for at, key in enumerate(tests, start=1):
            self._masks[key] = sum(1 << n for n, signature in enumerate(classes) if signature[at])

    def _signature(self, name: str, value: Scalar | None, signatures: _SignatureCache) -> bytes:
        """Return one byte that is 1 if the value is unknown, and one byte per test result."""
        derived = [view[name].derive_value(value) if name in view else None for view in self.views]
        key = (value is None, *[(type(value_of_view), value_of_view) for value_of_view in derived])
        if key not in signatures:
            results = [
                condition_holds(test, derived[view]) for view, test in self._conditions[name]
            ]
            signatures[key] = bytes([value is None, *results])
        return signatures[key]

    def class_of(self, name: str, value: Scalar | None) -> int:
        """Return the class of a value; an impossible value counts as unknown.

        Return 0 if the fact cannot be unknown either.
        """
        integer_classes = self._integer_classes.get(name)
        if (
            integer_classes
            and type(value) is int
            and integer_classes[0][0] <= value <= integer_classes[0][-1]
        ):
            return 1 << integer_classes[1][bisect(integer_classes[0], value) - 1]
        numbers = self._class_numbers[name]
        number = numbers.get(
            self._signature(name, value, {}), numbers.get(self._signature(name, None, {}))
        )
        return 0 if number is None else 1 << number

    def all_classes(self, name: str) -> int:
        """Return every class of the fact."""
        return (1 << len(self.examples[name])) - 1

    def classes_where(self, name: str, test: Condition, view: int = 0) -> int:
        """Return the classes for which a test holds. The test must be part of the question."""
        return self._masks[view, name, repr(test)]

    def box_where(self, tests: Conditions, view: int = 0) -> Box | None:
        """Return the facts for which all tests hold; None if there are none."""
        box: Box = {}
        for name, test in tests:
            box[name] = box.get(name, self.all_classes(name)) & self.classes_where(name, test, view)
        if not all(box.values()):
            return None
        return {name: mask for name, mask in box.items() if mask != self.all_classes(name)}

    def impossible_boxes(self) -> Iterator[Box]:
        """Return the boxes of facts that cannot occur together."""
        for name, kind in EVENT_TYPE_BY_FACT.items():
            of_kind = self.classes_where("event.type", OneOfCondition((kind.value,)))
            unknown = sum(
                1 << number for number, value in enumerate(self.examples[name]) if value is None
            )
            known = self.all_classes(name) & ~unknown
            other_types = self.all_classes("event.type") & ~of_kind
            yield from (
                {"event.type": kinds, name: values}
                for kinds, values in ((other_types, known), (of_kind, unknown))
                if kinds and values
            )

    def examples_of(self, name: str, mask: int) -> list[Scalar | None]:
        """Return the examples of these classes."""
        return [value for number, value in enumerate(self.examples[name]) if mask >> number & 1]

    def describe_values(self, name: str, mask: int) -> list[str]:
        """Return the values of these classes for a reader: named values, ranges, any other."""
        domains = [view[name] for view in self.views if name in view]
        if any(domain.fact.type is FactType.INTEGER for domain in domains):
            return list(_describe_ranges(self._tried_values[name], mask, domains[0].bounds))
        literals = self._named_values[name].union(*(domain.fact.values for domain in domains))
        examples = set(self.examples_of(name, mask))
        matching = [value for value, number in self._tried_values[name] if mask >> number & 1]
        literal_values = (v for v in matching if not isinstance(v, str) or v in literals)
        other_values = (
            v for v in matching if isinstance(v, str) and v not in literals and v in examples
        )
        descriptions = [
            *map(_format_value, literal_values),
            *("any other value" if _is_generated(v) else f"values like {v}" for v in other_values),
        ]
        return list(dict.fromkeys(descriptions))

    def facts_at(self, point: Mapping[str, int]) -> dict[str, Scalar]:
        """Return the facts at a point; facts without a class there are as in any test."""
        facts: dict[str, Scalar | None] = dict(self.base)
        for name, mask in point.items():
            [facts[name]] = self.examples_of(name, mask)
        return {name: value for name, value in facts.items() if value is not None}


def _is_generated(word: str) -> bool:
    return word.startswith(next(generate_words()))


def _describe_ranges(
    tried_values: Sequence[tuple[Scalar | None, int]], mask: int, bounds: tuple[int, int]
) -> Iterator[str]:
    """Return integers as ranges. Values between two candidates behave like one of them."""
    numbers = sorted({(v, number) for v, number in tried_values if isinstance(v, int)})
    start = None
    for position, (value, number) in enumerate(numbers):
        is_inside = mask >> number & 1
        if is_inside and start is None:
            start = value
        next_number = numbers[position + 1] if position + 1 < len(numbers) else None
        if is_inside and (next_number is None or not mask >> next_number[1] & 1):
            yield _describe_range(start, value, bounds)
            start = None
    if any(value is None and mask >> number & 1 for value, number in tried_values):
        yield "unknown"


def _describe_range(first: int | None, last: int, bounds: tuple[int, int]) -> str:
    if first == last:
        return str(last)
    if last == bounds[1]:
        return f"{first} or more"
    return f"{last} or less" if first == bounds[0] and first != 0 else f"{first} to {last}"


def _format_value(value: Scalar | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "unknown" if value is None else str(value)


def intersect(box: Box, other_box: Box) -> Box | None:
    """Return the intersection of two boxes; None if it is empty."""
    common = dict(box)
    for name, mask in other_box.items():
        common[name] = common.get(name, mask) & mask
        if not common[name]:
            return None
    return common


def is_in_box(point: Mapping[str, int], box: Box) -> bool:
    """Return True if a point, one class of each fact, is in the box."""
    return all(mask & point[name] for name, mask in box.items())


def bit_numbers(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set, in ascending order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
