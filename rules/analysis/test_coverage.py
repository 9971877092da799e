"""The coverage of a document's tests, and a smallest set of tests for the other rules.

One rule decides a test, so the smallest set has one test for each missing rule. Each test is made
from facts that reach the rule under the default settings. If only other settings reach the rule,
the test gives them. A rule that no facts reach is reported as unreachable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.analysis.example import build_given
from rules.analysis.reachability import MAX_STEPS, ReachabilitySearch
from rules.analysis.solver import StepLimitError
from rules.model import builtin
from rules.model.document import Document
from rules.model.document_tree import DocumentTree
from rules.model.test_defaults import BASE_FACTS, add_default_redirect
from rules.validation import document_tests
from rules.validation.checks.expectations import check_expectations as wrong_expectations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.model.document import BoundDocument


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """The number of rules, and the ids of those that no test reaches, in order."""

    rules: int
    untested: tuple[str, ...]
    suggested_tests: tuple[Mapping[str, Any], ...]
    """Tests for the rules without one, as a document writes them."""
    unreachable: tuple[str, ...]
    """Rules without a test and without a suggestion: no facts that reach them were found."""


def measure_coverage(document: Document, max_steps: int = MAX_STEPS) -> RuleCoverage:
    """Return the coverage of a document whose tests pass; two searches may take the steps each."""
    untested_rules = document_tests.run_tests(document).untested_rules
    rules = sum(1 for _ in DocumentTree(document.tree).rules())
    if not untested_rules:
        return RuleCoverage(rules, (), (), ())
    suggested = tuple(
        _valid_tests(document, list(_suggest_tests(document, untested_rules, max_steps)))
    )
    suggested_rules = {test["expect"]["rule"] for test in suggested}
    return RuleCoverage(
        rules,
        untested_rules,
        suggested,
        tuple(rule for rule in untested_rules if rule not in suggested_rules),
    )


def format_tests(tests: Sequence[Mapping[str, Any]]) -> str:
    """Return tests as lines of YAML, to be pasted under `tests:`."""
    return "".join(f"  - {_format_flow(test)}\n" for test in tests)


def _format_flow(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{key}: {_format_flow(member)}" for key, member in value.items()) + "}"
        )
    return json.dumps(value, ensure_ascii=False)


def _suggest_tests(
    document: Document, untested_rules: Sequence[str], max_steps: int
) -> Iterator[dict[str, Any]]:
    binding = document.bind(builtin.load_tree()["settings"])
    missing_rules = dict.fromkeys(untested_rules)
    for with_free_settings in (False, True):
        if not missing_rules:
            return
        search = ReachabilitySearch(
            binding, with_free_settings=with_free_settings, max_steps=max_steps
        )
        for case in search.cases[0]:
            if case.rule.id in missing_rules:
                try:
                    facts = search.find_reaching_facts(case)
                except StepLimitError:
                    break
                if facts is not None:
                    del missing_rules[case.rule.id]
                    yield _build_test(binding, case.rule.id, facts)


def _build_test(binding: BoundDocument, rule: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    given_facts = build_given(facts, {**BASE_FACTS, **binding.setting_facts})
    [reason] = (candidate.reason for candidate in binding.rules if candidate.id == rule)
    expect = {"rule": rule, "reason": reason}
    return {"name": f"{rule} decides", "given": add_default_redirect(given_facts), "expect": expect}


def _valid_tests(document: Document, tests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the tests that a document may hold and that pass."""
    tree = {**document.tree, "tests": tests}
    wrong = {complaint.pointer for complaint in wrong_expectations(DocumentTree(tree))}
    accepted = [
        test
        for number, test in enumerate(tests)
        if not any(_points_into_test(pointer, number) for pointer in wrong)
    ]
    results = document_tests.run_tests(Document({**tree, "tests": accepted}))
    failing = {complaint.pointer for complaint in results.failures}
    return (test for number, test in enumerate(accepted) if f"/tests/{number}" not in failing)


def _points_into_test(pointer: str, number: int) -> bool:
    return f"{pointer}/".startswith(f"/tests/{number}/")
