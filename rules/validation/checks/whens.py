"""Each `when` tests existing facts, with tests that fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.suggestions import quote_word, suggest_words
from rules.validation.checks.conditions import check_length, check_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode
    from rules.model.vocabulary import Fact

ANY_KEY = "any"
_ALTERNATIVE_BY_PERSONAL_FACT = {
    "contact.id": "contact.kind or contact.identity",
    "contact.email": "contact.reachable",
    "contact.phone": "contact.reachable",
    "contact.name": "contact.identity",
    "message.text": "answer or message.language",
}
"""Members of an event that no rule may test, each with a fact to test instead."""


def check_whens(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about every `when`."""
    for when in tree.whens():
        if isinstance(when.value, dict):
            yield from check_when(when, tree)


def check_when(when: TreeNode, tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about a `when` that is a mapping."""
    yield from _check_conditions(when, tree)
    if ANY_KEY not in when.value:
        return
    alternatives = when.member(ANY_KEY)
    if not isinstance(alternatives.value, list):
        yield alternatives.complain("wrong_type", "Write a list of alternatives")
        return
    yield from check_length(alternatives)
    for alternative in alternatives.items():
        if not isinstance(alternative.value, dict):
            yield alternative.complain("wrong_type", "Write a mapping of facts and tests")
            continue
        if ANY_KEY in alternative.value:
            message = "`any` cannot contain `any`: list all alternatives in one `any`"
            yield alternative.member(ANY_KEY).complain("nested_any", message)
        yield from _check_conditions(alternative, tree)


def _check_conditions(when: TreeNode, tree: DocumentTree) -> Iterator[Complaint]:
    if not when.value:
        yield when.complain("empty_when", "This always holds: write at least one test")
    for name, test in when.members():
        if name == ANY_KEY:
            continue
        yield from check_fact(test, name, tree.facts)
        if name in tree.facts:
            yield from check_test(test, tree.facts[name], tree.settings)


def check_fact(node: TreeNode, name: str, facts: Mapping[str, Fact]) -> Iterator[Complaint]:
    """Yield the complaints about the name of a fact in this place."""
    if name in _ALTERNATIVE_BY_PERSONAL_FACT:
        message = f"{name} is personal: test {_ALTERNATIVE_BY_PERSONAL_FACT[name]} instead"
        yield node.complain("personal_fact", message)
    elif name not in facts:
        yield node.complain(
            "unknown_fact", f"{quote_word(name)} is not a fact: {_suggest_fact(name, facts)}"
        )
    elif facts[name].personal:
        message = f"{name} is declared personal: remove the test, or the declaration as personal"
        yield node.complain("personal_fact", message)


def _suggest_fact(name: str, facts: Mapping[str, Any]) -> str:
    suggestion = suggest_words(name, facts)
    if name.startswith("attributes.") and "did you mean attributes." not in suggestion:
        return "declare the attribute under `facts`"
    return suggestion
