"""Each `when` asks something, of facts there are, in tests that fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.suggestions import instead, quoted
from rules.validation.checks.conditions import wrong_length, wrong_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Draft, Part
    from rules.model.vocabulary import Fact

ANY = "any"
_PERSONAL = {
    "contact.id": "contact.kind or contact.identity",
    "contact.email": "contact.reachable",
    "contact.phone": "contact.reachable",
    "contact.name": "contact.identity",
    "message.text": "answer or message.language",
}
"""What an event holds and no rule may test, with what to test instead."""


def check(draft: Draft) -> Iterator[Complaint]:
    for when in draft.whens():
        if isinstance(when.value, dict):
            yield from wrong_when(when, draft)


def wrong_when(when: Part, draft: Draft) -> Iterator[Complaint]:
    """What is wrong with a `when`, which is a mapping."""
    yield from _wrong_conditions(when, draft)
    if ANY not in when.value:
        return
    alternatives = when.member(ANY)
    if not isinstance(alternatives.value, list):
        yield alternatives.complain("wrong_type", "Write a list of alternatives")
        return
    yield from wrong_length(alternatives)
    for alternative in alternatives.items():
        if not isinstance(alternative.value, dict):
            yield alternative.complain("wrong_type", "Write a mapping of facts and tests")
            continue
        if ANY in alternative.value:
            message = "`any` does not nest: write the alternatives side by side"
            yield alternative.member(ANY).complain("nested_any", message)
        yield from _wrong_conditions(alternative, draft)


def _wrong_conditions(when: Part, draft: Draft) -> Iterator[Complaint]:
    if not when.value:
        yield when.complain("empty_when", "It always holds: write what must hold")
    for name, test in when.members():
        if name == ANY:
            continue
        yield from wrong_fact(test, name, draft.facts)
        if name in draft.facts:
            yield from wrong_test(test, draft.facts[name], draft.settings)


def wrong_fact(part: Part, name: str, facts: Mapping[str, Fact]) -> Iterator[Complaint]:
    """What is wrong with naming this fact here."""
    if name in _PERSONAL:
        message = f"{name} is personal: test {_PERSONAL[name]} instead"
        yield part.complain("personal_fact", message)
    elif name not in facts:
        yield part.complain("unknown_fact", f"{quoted(name)} is no fact: {_instead(name, facts)}")
    elif facts[name].personal:
        message = f"{name} is declared personal: a personal attribute is not tested"
        yield part.complain("personal_fact", message)


def _instead(name: str, facts: Mapping[str, Any]) -> str:
    close = instead(name, facts)
    if name.startswith("attributes.") and "did you mean attributes." not in close:
        return "declare the attribute under `facts`"
    return close
