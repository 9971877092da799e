"""Suggested tests pass, and each reaches a rule that had no test."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rules.analysis.test_coverage import RuleCoverage, format_tests, measure_coverage
from rules.check import check_document
from rules.formats.document_text import read_value, read_yaml
from rules.model import builtin
from rules.model.document import Document
from tests.properties.random_documents import Drawing


def test_built_in_document_has_full_coverage() -> None:
    rules = len(builtin.load_tree()["guards"]) + len(builtin.load_tree()["rules"])
    assert measure_coverage(Document(builtin.load_tree())) == RuleCoverage(rules, (), (), ())


def test_suggested_tests_cover_the_built_in_document_when_its_tests_are_removed() -> None:
    """There is one test per rule, as printed; rules that need other settings are covered too."""
    text, _, _ = builtin.load_text().partition("\ntests:\n")
    coverage = measure_coverage(Document(read_yaml(text).value))
    assert coverage.unreachable == ()
    assert len(coverage.suggested_tests) == coverage.rules == len(coverage.untested)
    pasted = check_document(read_yaml(f"{text}\ntests:\n{format_tests(coverage.suggested_tests)}"))
    assert (pasted.complaints, pasted.notices) == ((), ())


def test_unreachable_rule_gets_no_suggested_test() -> None:
    rule = {"when": {"contact.kind": "user"}, "outcome": "noted", "reason": "seen"}
    rules = [{**rule, "id": "first"}, {**rule, "id": "second"}]
    coverage = measure_coverage(
        Document({**builtin.load_tree(), "guards": [], "rules": rules, "tests": []})
    )
    assert coverage.unreachable == ("second",)
    assert [test["expect"]["rule"] for test in coverage.suggested_tests] == ["first"]


@pytest.mark.parametrize("seed", range(40))
def test_suggested_tests_of_random_document_pass(seed: int) -> None:
    tree: dict[str, Any] = Drawing(random.Random(seed)).document(8)
    tree["otherwise"].pop("actions")
    coverage = measure_coverage(Document(tree))
    covered = measure_coverage(Document({**tree, "tests": list(coverage.suggested_tests)}))
    assert covered.untested == coverage.unreachable
    text = (
        f"tests:\n{format_tests(coverage.suggested_tests)}"
        if coverage.suggested_tests
        else "tests: []"
    )
    assert read_yaml(text).value == read_value({"tests": list(coverage.suggested_tests)}).value
