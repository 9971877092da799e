"""A named value that every rule decides like any other value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.formats.suggestions import quote_word
from rules.model.vocabulary import FACTS, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rules.analysis.fact_space import Box
    from rules.analysis.lints.lint import LintSubject
    from rules.model.document_tree import TreeNode

CODE = "value_not_told_apart"


def find_indistinct_values(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each value that no rule distinguishes."""
    values_by_fact = _named_values(subject)
    for fact, values in values_by_fact.items():
        other_class = _class_of_unnamed_values(subject, fact, set(values))
        for value, pointer in values.items() if other_class else ():
            mask = _class_of_value(subject, fact, value)
            if mask and not _is_distinguished(subject, fact, mask, other_class):
                facts = subject.any_search.find_facts({fact: mask}, 0)
                message = f"{fact}: {quote_word(value)} is decided like a value that no rule names"
                example = None if facts is None else subject.build_example(facts)
                yield Finding(pointer, CODE, message, example)


def _is_distinguished(subject: LintSubject, fact: str, value_class: int, other_class: int) -> bool:
    """Return True if a reachable rule includes one of the two classes and not the other.

    If another alternative of the same rule makes the difference, the classes count as
    distinguished.
    """
    for case in subject.any_search.cases[0]:
        mask = case.box.get(fact, value_class | other_class)
        for class_, opposite in ((value_class, other_class), (other_class, value_class)):
            box: Box = {fact: class_}
            reached = mask & class_ and not mask & opposite
            if reached and subject.any_search.find_reaching_facts(case, box) is not None:
                return True
    return any(
        fact in dict(tests)
        for rule in subject.document.own_binding.rules
        for action in rule.actions
        for tests in action.when.expanded_alternatives()
    )


def _class_of_value(subject: LintSubject, fact: str, value: str) -> int:
    examples = subject.any_search.space.examples[fact]
    return sum(1 << number for number, example in enumerate(examples) if example == value)


def _class_of_unnamed_values(subject: LintSubject, fact: str, named_values: set[str]) -> int:
    """Return the class of the values that no test names; 0 if there is none."""
    for number, value in enumerate(subject.any_search.space.examples[fact]):
        if isinstance(value, str) and value not in named_values:
            return 1 << number
    return 0


def _named_values(subject: LintSubject) -> dict[str, dict[str, str]]:
    """Return the texts that tests of reachable rules name, each with its first place."""
    pointers_by_fact: dict[str, dict[str, str]] = {}
    for rule in subject.tree.rules():
        if subject.facts_reaching(rule.value["id"]) is None:
            continue
        when = rule.mapping("when")
        for part in (when, *when.member("any").mappings()):
            for name, test in part.members():
                if name in FACTS or name in subject.document.declared_attributes:
                    for value in _texts_of_test(test):
                        pointers_by_fact.setdefault(name, {}).setdefault(value, test.pointer)
    return pointers_by_fact


def _texts_of_test(test: TreeNode) -> Iterator[str]:
    value: Any = test.value
    while isinstance(value, dict) and Operator.NOT in value:
        value = value[Operator.NOT]
    if "$" not in json.dumps(value) and not isinstance(value, dict):
        values = value if isinstance(value, list) else [value]
        yield from (text for text in values if isinstance(text, str))
