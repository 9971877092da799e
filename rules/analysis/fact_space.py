"""All possible facts, in finitely many classes of values that no test distinguishes.

Two values of a fact are in one class if every test of the question holds for both or for neither.
One value represents the class, its example. Only `condition_holds` evaluates tests, so the classes
cannot disagree with the engine. The candidates include a value of every class: literals, integers
at and next to every bound, a tag for every range, an unnamed word, and unknown.

A set of facts is a `Box`: the classes of each fact, as the bits of a number.
"""

from __future__ import annotations

from bisect import bisect
from functools import lru_cache
from itertools import chain, count, islice, product
from math import ceil, floor
from typing import TYPE_CHECKING, TypeAlias

from rules.analysis.domains import EVENT_TYPE_BY_FACT
from rules.engine.evaluator import condition_holds, is_number
from rules.formats.language_tags import IRREGULAR_TAGS, prefer_tag
from rules.model.document import (
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    RangeCondition,
    TagCondition,
)
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
        self._named_values[name] = frozenset(chain.from_iterable(map(_literals_of, tests.values())))
        signatures = _shared_signatures(tuple((view, text) for view, _, text in tests))
        for value in _candidate_values(domains, tuple(tests.values()), self.base.get(name)):
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
    return word.startswith(next(_generate_words()))


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


def _candidate_values(
    domains: Sequence[FactDomain], tests: Sequence[Condition], base_value: Scalar | None
) -> Iterator[Scalar | None]:
    """Return values of every class, the value of a base test first."""
    values = (value for domain in domains for value in domain.fact.values)
    literals = dict.fromkeys(chain(values, *map(_literals_of, tests)))
    of_types = (_values_of_type(domain, tuple(literals), tests) for domain in domains)
    candidates = {(type(value), value): value for value in chain((base_value,), *of_types, (None,))}
    for value in candidates.values():
        if any(domain.admits(value) for domain in domains):
            yield value


def _values_of_type(
    domain: FactDomain, literals: Sequence[Scalar], tests: Sequence[Condition]
) -> Iterable[Scalar]:
    match domain.fact.type:
        case FactType.ENUM:
            return domain.fact.values
        case FactType.BOOLEAN:
            return (False, True)
        case FactType.WHOLE:
            return (True,)
        case FactType.INTEGER:
            return _candidate_integers(domain, literals)
    ranges = {language_range.lower(): None for test in tests for language_range in _ranges_of(test)}
    words = [value for value in literals if isinstance(value, str)]
    return chain(words, _candidate_texts(words, list(ranges), tags=domain.is_tag))


def _candidate_integers(domain: FactDomain, literals: Sequence[Scalar]) -> Iterator[int]:
    yield 0
    for value in literals:
        if is_number(value):
            yield from range(floor(value) - 1, ceil(value) + 2)
    yield from domain.bounds


def _candidate_texts(words: Iterable[str], ranges: Sequence[str], *, tags: bool) -> Iterator[str]:
    """Return unnamed texts: one that no range matches, and a few that each range matches."""
    used_words = frozenset(words)
    used_subtags = {part.lower() for text in (*used_words, *ranges) for part in text.split("-")}
    # 1. A text that no range matches.
    new_word = next(letters for letters in _generate_words() if letters not in used_subtags)
    yield new_word
    for prefix in ranges:
        for start in (prefix, *(i for i in IRREGULAR_TAGS if tags and i.startswith(f"{prefix}-"))):
            yield from islice((v for v in _case_variants(start) if v not in used_words), 1)
        # 2. Longer tags. Only after some ranges is a digit well-formed.
        for end in (new_word, f"x-{new_word}", f"{new_word}-{new_word}"):
            yield f"{prefix}-{end}"
        yield from (
            f"{prefix}-{end}" for end in "0123456789" if f"{prefix}-{end}" not in used_words
        )


def _generate_words() -> Iterator[str]:
    """Yield words of five letters, which are language tags too."""
    yield "other"
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from (
        f"other{''.join(end)}" for size in count(1) for end in product(letters, repeat=size)
    )


def _case_variants(text: str) -> Iterator[str]:
    """Yield the text in every mixture of lower and upper case."""
    choices = (dict.fromkeys((char, char.upper())) for char in text)
    return ("".join(chosen) for chosen in product(*choices))


def _literals_of(test: Condition) -> Iterator[Scalar]:
    if isinstance(test, NotCondition):
        yield from _literals_of(test.condition)
    elif isinstance(test, OneOfCondition):
        yield from test.values
    elif isinstance(test, TagCondition):
        tags = [value for value in test.values if isinstance(value, str)]
        yield from dict.fromkeys((*test.values, *map(prefer_tag, tags)))
    elif isinstance(test, RangeCondition):
        yield from (number for _, number in test.bounds)


def _ranges_of(test: Condition) -> Iterator[str]:
    if isinstance(test, NotCondition):
        yield from _ranges_of(test.condition)
    elif isinstance(test, LanguageCondition):
        ranges = [given for given in test.ranges if given != "*"]
        yield from dict.fromkeys((*ranges, *map(prefer_tag, ranges)))
