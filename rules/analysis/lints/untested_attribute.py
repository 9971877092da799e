"""A declared text attribute that is not personal and that no rule tests.

The text of a declared attribute is a fact, so it stays in every leaf, and erasing a contact does
not remove it. If no rule tests it, this has no use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.errors import json_pointer
from rules.model.test_defaults import BASE_FACTS
from rules.model.vocabulary import FactType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject
    from rules.model.document import BoundDocument

CODE = "attribute_not_tested"


def find_untested_attributes(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each such attribute."""
    tested = _list_tested_facts(subject.document.own_binding)
    for name, declaration in subject.document.declared_attributes.items():
        is_text = declaration["type"] == FactType.STRING
        if is_text and not declaration.get("personal") and name not in tested:
            message = (
                f"No rule tests {name}, but its text is recorded in every decision and cannot be "
                "erased: remove the declaration, or add `personal: true`"
            )
            example = subject.build_example({**BASE_FACTS, name: "some text"})
            yield Finding(json_pointer("facts", name), CODE, message, example)


def _list_tested_facts(binding: BoundDocument) -> set[str]:
    whens = [rule.when for rule in binding.rules]
    whens += [action.when for rule in binding.rules for action in rule.actions]
    return {fact for when in whens for row in when.expanded_alternatives() for fact, _ in row}
