"""Lints: probable mistakes in a document, over all facts, one kind of finding per file.

Findings refuse nothing. Each has a page in docs/findings/, named after its code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rules.analysis.lints import (
    constant_condition,
    dead_end_stage,
    indistinct_value,
    lost_placeholder,
    missing_translation,
    uncovered_events,
    unknown_name,
    unreachable_rule,
    untested_attribute,
)
from rules.analysis.solver import StepLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules.analysis.lints.lint import Finding, LintSubject
    from rules.formats.document_text import DocumentSource

    Lint: TypeAlias = Callable[[LintSubject], Iterator[Finding]]

LINTS: dict[tuple[str, ...], Lint] = {
    (unreachable_rule.CODE,): unreachable_rule.find_unreachable_rules,
    (
        constant_condition.ALWAYS_CODE,
        constant_condition.NEVER_CODE,
        constant_condition.CONTRADICTION_CODE,
    ): constant_condition.find_constant_conditions,
    (indistinct_value.CODE,): indistinct_value.find_indistinct_values,
    (dead_end_stage.CODE,): dead_end_stage.find_dead_end_stages,
    (uncovered_events.CODE,): uncovered_events.find_uncovered_events,
    (unknown_name.CODE,): unknown_name.find_unknown_names,
    (missing_translation.CODE,): missing_translation.find_missing_translations,
    (untested_attribute.CODE,): untested_attribute.find_untested_attributes,
    (lost_placeholder.CODE,): lost_placeholder.find_lost_placeholders,
}
"""The lints, by the codes of their findings."""

FINDING_CODES: dict[str, str] = {
    "rule_unreachable": "Earlier rules decide every event that matches the rule.",
    "test_always_holds": "Every possible value of the fact passes a test.",
    "test_never_holds": "No possible value of the fact passes a test.",
    "when_never_holds": "The tests of a `when` contradict each other.",
    "value_not_told_apart": "A named value is decided like a value that no rule names.",
    "stage_dead_end": "No event leads out of a stage that conversations enter.",
    "name_not_in_directory": "A team, teammate or tag is not in the workspace's directory.",
    "text_not_in_language": "A message has no text in a language that the settings list.",
    "attribute_not_tested": "A declared text attribute is recorded for good, and no rule tests it.",
    "placeholder_not_translated": "A translation lacks a placeholder of the default language.",
    "otherwise_decides": "No rule decides some events, so `otherwise` does.",
}
"""The codes of findings. A code never changes its meaning."""


def run_lints(
    subject: LintSubject, source: DocumentSource
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the findings in the order of the table and of the text, and the undecided codes."""
    findings: list[Finding] = []
    undecided_codes: list[str] = []
    for codes, find in LINTS.items():
        try:
            findings.extend(
                replace(finding, line=source.line_of(finding.pointer)) for finding in find(subject)
            )
        except StepLimitError:
            undecided_codes.extend(codes)
    return tuple(findings), tuple(undecided_codes)
