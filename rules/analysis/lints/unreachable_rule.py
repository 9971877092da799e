"""A rule that no facts reach: those before it, together, decide all that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject
    from rules.model.document import Scalar

CODE = "rule_unreachable"
_MAX_NAMED_RULES = 3


def find_unreachable_rules(subject: LintSubject) -> Iterator[Finding]:
    for rule in subject.document.own_binding.rules[:-1]:
        if subject.facts_reaching(rule.id) is None:
            hidden = _find_hiding_rules(subject, rule.id)
            if hidden:
                named = ", ".join(dict.fromkeys(name for name, _ in hidden))
                message = f"{rule.id} is never reached: {named} before it decides all it asks for"
                example = subject.build_example(hidden[0][1])
                yield Finding(subject.pointers[rule.id], CODE, message, example)


def _find_hiding_rules(subject: LintSubject, rule: str) -> list[tuple[str, dict[str, Scalar]]]:
    """Rules that hide it, each with facts that it asks for and they decide; at most a few."""
    found: list[tuple[str, dict[str, Scalar]]] = []
    for case in subject.cases_of(rule):
        forbidden = 0
        while len(found) < _MAX_NAMED_RULES:
            facts = subject.any_search.find_facts(case.box, forbidden)
            if facts is None:
                break
            by = subject.build_example(facts).decision.rule
            found.append((by, facts))
            forbidden |= sum(each.bit for each in subject.cases_of(by))
    return found
