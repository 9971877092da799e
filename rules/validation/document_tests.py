"""The tests of a document, run on its own rules.

Each test starts from the same facts and from the *default* settings, so that it tests the rules and
not today's settings. `given` overrides both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.engine.compiler import CompiledPolicy
from rules.engine.evaluator import explain_ruling
from rules.errors import Complaint, json_pointer
from rules.formats.canonical_json import encode_canonical
from rules.formats.suggestions import quote_word
from rules.model import builtin
from rules.model.document import OTHERWISE
from rules.model.document_tree import TreeNode
from rules.model.test_defaults import complete_facts, overridden_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules.engine.ruling import Ruling
    from rules.model.document import Document


COMPILE_THRESHOLD = 50
"""Minimum number of tests with the same settings for which compiling the rules is faster."""


@dataclass(frozen=True, slots=True)
class DocumentTestResults:
    """A complaint for each failing test, and a notice for each rule that no test reaches."""

    failures: tuple[Complaint, ...]
    notices: tuple[Complaint, ...]
    untested_rules: tuple[str, ...]
    """The ids of the rules that no test reaches."""


def run_tests(document: Document) -> DocumentTestResults:
    """Run the tests of a document that has no other fault."""
    failures: list[Complaint] = []
    decided_rules = set()
    for overrides, tests in _group_by_settings(document):
        binding = document.bind({**builtin.load_tree()["settings"], **overrides})
        compiled = CompiledPolicy(binding) if len(tests) >= COMPILE_THRESHOLD else None
        for test in tests:
            base_facts = complete_facts(test.mapping("given").value)
            ruling = (
                compiled.decide(base_facts)
                if compiled
                else explain_ruling(binding, base_facts).ruling
            )
            decided_rules.add(ruling.rule)
            failures.extend(_find_failures(test, ruling, base_facts.get("conversation.stage")))
    untested_rules = dict(_find_untested_rules(document, decided_rules))
    return DocumentTestResults(
        tuple(failures), tuple(untested_rules.values()), tuple(untested_rules)
    )


def _group_by_settings(document: Document) -> Iterator[tuple[Mapping[str, Any], list[TreeNode]]]:
    """Return the tests by the settings they override, so that each set is bound once."""
    groups: dict[bytes, list[TreeNode]] = {}
    for test in TreeNode("", document.tree).member("tests").items():
        overrides = overridden_settings(test.mapping("given").value)
        groups.setdefault(encode_canonical(overrides), []).append(test)
    for tests in groups.values():
        yield overridden_settings(tests[0].mapping("given").value), tests


def _find_failures(test: TreeNode, ruling: Ruling, stage: str | None) -> Iterator[Complaint]:
    actual = {
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "rule": ruling.rule,
        "stage": ruling.stage or stage,
        "actions": [action.type.value for action in ruling.actions],
    }
    differences = [
        f"{key} is {_format_value(actual[key])}, expected {_format_value(expected)}"
        for key, expected in test.value["expect"].items()
        if actual[key] != expected
    ]
    if differences:
        name = quote_word(test.value["name"])
        message = f"{name} fails: {'; '.join(differences)}; rule {ruling.rule} decided"
        yield test.complain("test_failed", message)


def _format_value(value: str | list[str] | None) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return value or "unknown"


def _find_untested_rules(
    document: Document, decided_rules: set[str]
) -> Iterator[tuple[str, Complaint]]:
    for section in ("guards", "rules"):
        for number, rule in enumerate(document.tree.get(section, ())):
            if rule["id"] not in decided_rules | {OTHERWISE}:
                message = f"No test reaches {rule['id']}: write a test"
                yield rule["id"], Complaint(json_pointer(section, number), "rule_untested", message)
