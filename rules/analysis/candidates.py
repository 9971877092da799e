"""Candidate values of facts: at least one of every class that tests distinguish.

They are the literals of tests, integers at and next to every bound, a tag for every range, an
unnamed word, and unknown.
"""

from __future__ import annotations

from itertools import chain, count, islice, product
from math import ceil, floor
from typing import TYPE_CHECKING

from rules.engine.evaluator import is_number
from rules.formats.language_tags import IRREGULAR_TAGS, prefer_tag
from rules.model.document import (
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    RangeCondition,
    TagCondition,
)
from rules.model.vocabulary import FactType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules.analysis.domains import FactDomain
    from rules.model.document import Condition, Scalar


def candidate_values(
    domains: Sequence[FactDomain], tests: Sequence[Condition], base_value: Scalar | None
) -> Iterator[Scalar | None]:
    """Return values of every class, the value of a base test first."""
    values = (value for domain in domains for value in domain.fact.values)
    literals = dict.fromkeys(chain(values, *map(literals_of, tests)))
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
    new_word = next(letters for letters in generate_words() if letters not in used_subtags)
    yield next(code for code in _generate_codes() if code not in used_subtags) if tags else new_word
    for prefix in ranges:
        for start in (prefix, *(i for i in IRREGULAR_TAGS if tags and i.startswith(f"{prefix}-"))):
            yield from islice((v for v in _case_variants(start) if v not in used_words), 1)
        # 2. Longer tags. Only after some ranges is a digit well-formed.
        for end in (new_word, f"x-{new_word}", f"{new_word}-{new_word}"):
            yield f"{prefix}-{end}"
        yield from (
            f"{prefix}-{end}" for end in "0123456789" if f"{prefix}-{end}" not in used_words
        )


def generate_words() -> Iterator[str]:
    """Yield words of five letters, which are language tags too."""
    yield "other"
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from (
        f"other{''.join(end)}" for size in count(1) for end in product(letters, repeat=size)
    )


def _generate_codes() -> Iterator[str]:
    """Yield language codes, frequent ones first; a document's test may name them."""
    yield from ("fr", "de", "es", "pt", "it", "nl")
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from ("".join(code) for code in product(letters, repeat=3))


def _case_variants(text: str) -> Iterator[str]:
    """Yield the text in every mixture of lower and upper case."""
    choices = (dict.fromkeys((char, char.upper())) for char in text)
    return ("".join(chosen) for chosen in product(*choices))


def literals_of(test: Condition) -> Iterator[Scalar]:
    """Yield the values that a test names."""
    if isinstance(test, NotCondition):
        yield from literals_of(test.condition)
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
