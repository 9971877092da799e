"""A test that always holds or never holds, and a `when` that never holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.formats.suggestions import quote_word
from rules.model.document import parse_condition, parse_when, resolve_references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.example import DecidedExample
    from rules.analysis.lints.lint import LintSubject
    from rules.model.document_tree import TreeNode

ALWAYS_CODE = "test_always_holds"
NEVER_CODE = "test_never_holds"
CONTRADICTION_CODE = "when_never_holds"


def find_constant_conditions(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each constant test or `when`."""
    for when in subject.tree.whens():
        findings = list(_find_constant_tests(subject, when))
        yield from findings
        if not any(finding.code == NEVER_CODE for finding in findings):
            yield from _find_contradiction(subject, when)


def _find_constant_tests(subject: LintSubject, when: TreeNode) -> Iterator[Finding]:
    alternatives = when.member("any").mappings()
    for part in (when, *alternatives):
        for name, test in part.members():
            if name == "any" or "$" in json.dumps(test.value):
                continue
            space = subject.any_search.space
            mask = space.classes_where(name, parse_condition(name, test.value))
            test_text = quote_word(f"{name}: {json.dumps(test.value, ensure_ascii=False)}")
            if mask == space.all_classes(name):
                message = f"{test_text} holds for every event: remove it"
                yield Finding(
                    test.pointer, ALWAYS_CODE, message, _example_without_test(subject, part, name)
                )
            elif not mask:
                message = f"{test_text} holds for no event: no possible value of the fact passes it"
                yield Finding(
                    test.pointer, NEVER_CODE, message, _example_without_test(subject, part, name)
                )


def _find_contradiction(subject: LintSubject, when: TreeNode) -> Iterator[Finding]:
    if "$" in json.dumps(when.value):
        return
    boxes = subject.any_search.boxes_where(parse_when(when.value))
    if all(subject.any_search.find_facts(box, 0) is None for box in boxes):
        message = "The tests contradict each other: no event has such facts"
        name = next(reversed(when.value))
        yield Finding(
            when.pointer, CONTRADICTION_CODE, message, _example_without_test(subject, when, name)
        )


def _example_without_test(subject: LintSubject, when: TreeNode, name: str) -> DecidedExample | None:
    """Return facts that match the other tests of a `when`, and their decision."""
    remaining = resolve_references(
        {k: v for k, v in when.value.items() if k != name}, subject.document.settings
    )
    solutions = (
        subject.any_search.find_facts(box, 0)
        for box in subject.any_search.boxes_where(parse_when(remaining))
    )
    facts = next((facts for facts in solutions if facts is not None), None)
    return None if facts is None else subject.build_example(facts)
