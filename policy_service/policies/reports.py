"""Reports on versions, and comparisons of their decisions.

Both follow from documents, which never change, and are cached. The recorded decisions are counted
for each request.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules.analysis.reachability import MAX_STEPS
from rules.analysis.report import build_report
from rules.analysis.semantic_diff import SemanticDiff, compare_decisions
from rules.analysis.test_coverage import format_tests
from rules.formats.document_text import DocumentSource
from rules.formats.strict_json import parse_json
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policy_service.policies.guardrails import GuardrailResult
    from policy_service.policies.region_counts import RegionCounts
    from rules.analysis.lints.lint import Finding
    from rules.analysis.regions import Region
    from rules.analysis.report import DocumentReport
    from rules.analysis.semantic_diff import SemanticChange
    from rules.analysis.test_coverage import RuleCoverage
    from rules.model.directory import WorkspaceDirectory

CACHE_SIZE = 16
MAX_WORK = 2_000_000
"""The limit of steps times rules for one search in a server; the command line has no such limit."""


def report_view(report: DocumentReport, counts: RegionCounts | None = None) -> dict[str, Any]:
    """Return a report, with the counts of its regions if there are any."""
    findings = [finding_view(finding) for finding in report.findings]
    counted_findings = [
        view for view, each in zip(findings, report.findings, strict=True) if each.region
    ]
    for view, number in zip(counted_findings, counts.in_region if counts else (), strict=False):
        view["decisions"] = number
    return {
        "findings": findings,
        "undecided": list(report.undecided_codes),
        "properties": list(report.proved_properties),
        "coverage": coverage_view(report.coverage),
        **counts_view(counts),
    }


def finding_view(finding: Finding) -> dict[str, Any]:
    """Return a finding; it has a `line` only if the document is a text."""
    example = finding.example
    view = {
        "pointer": finding.pointer,
        "code": finding.code,
        "message": finding.message,
        "example": asdict(example) if example else None,
    }
    return view if finding.line is None else {**view, "line": finding.line}


def guardrail_results_view(judged: Sequence[GuardrailResult]) -> list[dict[str, Any]]:
    """Return the result of each guardrail."""
    return [{**asdict(each), "state": each.state.value} for each in judged]


def coverage_view(analysis: RuleCoverage) -> dict[str, Any]:
    """Return the coverage, with the suggested tests as YAML to paste."""
    return {**asdict(analysis), "yaml": format_tests(analysis.suggested_tests)}


def semantic_changes_view(
    analysis: SemanticDiff, counts: RegionCounts | None = None
) -> dict[str, Any]:
    """Return the changed decisions in groups, with their counts if there are any."""
    groups = [_change_view(change) for change in analysis.changes]
    for group, number in zip(groups, counts.in_region if counts else (), strict=False):
        group["decisions"] = number
    return {
        "semantic_changes": groups,
        "semantic_changes_complete": analysis.complete,
        **counts_view(counts),
    }


def _change_view(change: SemanticChange) -> dict[str, Any]:
    return {
        "texts_only": change.texts_only,
        "before": asdict(change.before),
        "after": asdict(change.after),
        "fact_values": change.fact_values,
        "example": change.example,
        "conversation": change.conversation,
    }


def counts_view(counts: RegionCounts | None) -> dict[str, Any]:
    """Return the number of counted decisions, and True if the log has no more."""
    if counts is None:
        return {}
    return {"recorded": {"decisions": counts.decisions, "complete": counts.complete}}


def list_regions(analysis: DocumentReport | SemanticDiff) -> list[Region]:
    """Return the regions in which recorded decisions are counted, in order."""
    if isinstance(analysis, SemanticDiff):
        return [change.region for change in analysis.changes]
    return [finding.region for finding in analysis.findings if finding.region]


@lru_cache(CACHE_SIZE)
def _report_document(canonical: bytes, directory: WorkspaceDirectory) -> DocumentReport:
    tree = parse_json(canonical)
    document = Document(tree)
    return build_report(document, DocumentSource(tree, {}), directory, max_steps_for(document))


@lru_cache(CACHE_SIZE)
def _compare_documents(before: bytes, after: bytes) -> SemanticDiff:
    earlier, later = (Document(parse_json(each)) for each in (before, after))
    return compare_decisions(earlier, later, min(max_steps_for(earlier), max_steps_for(later)))


def max_steps_for(document: Document) -> int:
    """Return the limit of steps in a server: fewer for a document with more rules."""
    return min(MAX_STEPS, MAX_WORK // len(document.own_binding.rules))


def report_version(document: Document, directory: WorkspaceDirectory) -> DocumentReport:
    """Return the report on a version's document, for a workspace with this directory."""
    return _report_document(document.canonical_bytes, directory)


def compare_versions(before: Document, after: Document) -> SemanticDiff:
    """Return the differences between the decisions of two documents."""
    return _compare_documents(before.canonical_bytes, after.canonical_bytes)
