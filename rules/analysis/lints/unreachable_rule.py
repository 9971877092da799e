"""A rule that no facts reach: the rules before it decide all facts that it matches."""

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
    """Yield a finding for each rule that is never reached."""
    for rule in subject.document.own_binding.rules[:-1]:
        if subject.facts_reaching(rule.id) is None:
            hiding = _find_hiding_rules(subject, rule.id)
            if hiding:
                hiding_rules = ", ".join(dict.fromkeys(name for name, _ in hiding))
                message = (
                    f"{rule.id} is never reached: {hiding_rules} before it decides all its events"
                )
                example = subject.build_example(hiding[0][1])
                yield Finding(subject.pointers[rule.id], CODE, message, example)


def _find_hiding_rules(subject: LintSubject, rule: str) -> list[tuple[str, dict[str, Scalar]]]:
    """Return a few rules that hide it, each with facts that both match."""
    hiding: list[tuple[str, dict[str, Scalar]]] = []
    for case in subject.cases_of(rule):
        forbidden = 0
        while len(hiding) < _MAX_NAMED_RULES:
            facts = subject.any_search.find_facts(case.box, forbidden)
            if facts is None:
                break
            hiding_rule = subject.build_example(facts).decision.rule
            hiding.append((hiding_rule, facts))
            forbidden |= sum(case_of_rule.bit for case_of_rule in subject.cases_of(hiding_rule))
    return hiding
