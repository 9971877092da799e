"""A test that holds for every value its fact can have, or for none; a `when` that never holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.formats.suggestions import quoted
from rules.model.document import condition, resolve, when_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.example import Example
    from rules.analysis.lints.lint import Subject
    from rules.model.document_tree import Part

ALWAYS = "test_always_holds"
NEVER = "test_never_holds"
TOGETHER = "when_never_holds"


def find(subject: Subject) -> Iterator[Finding]:
    for when in subject.draft.whens():
        found = list(_constant(subject, when))
        yield from found
        if not any(finding.code == NEVER for finding in found):
            yield from _contradicting(subject, when)


def _constant(subject: Subject, when: Part) -> Iterator[Finding]:
    alternatives = when.member("any").mappings()
    for part in (when, *alternatives):
        for name, test in part.members():
            if name == "any" or "$" in json.dumps(test.value):
                continue
            space = subject.any.space
            mask = space.mask(name, condition(test.value))
            written = quoted(f"{name}: {json.dumps(test.value, ensure_ascii=False)}")
            if mask == space.all_of(name):
                message = f"{written} holds of every event: leave it out"
                yield Finding(test.at, ALWAYS, message, _without(subject, part, name))
            elif not mask:
                message = f"{written} holds of no event: no value of the fact is like that"
                yield Finding(test.at, NEVER, message, _without(subject, part, name))


def _contradicting(subject: Subject, when: Part) -> Iterator[Finding]:
    if "$" in json.dumps(when.value):
        return
    boxes = subject.any.boxes(when_of(when.value))
    if all(subject.any.find(box, 0) is None for box in boxes):
        message = "Its tests never hold together: no event has such facts"
        name = next(reversed(when.value))
        yield Finding(when.at, TOGETHER, message, _without(subject, when, name))


def _without(subject: Subject, when: Part, name: str) -> Example | None:
    """Facts that the other tests of a `when` hold for, and what they get."""
    written = resolve({k: v for k, v in when.value.items() if k != name}, subject.document.settings)
    found = (subject.any.find(box, 0) for box in subject.any.boxes(when_of(written)))
    facts = next((facts for facts in found if facts is not None), None)
    return None if facts is None else subject.example(facts)
