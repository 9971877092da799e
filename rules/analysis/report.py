"""The report on an accepted document: findings, properties and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.analysis.lints import run_lints
from rules.analysis.lints.lint import Finding, LintSubject
from rules.analysis.reachability import MAX_STEPS
from rules.analysis.test_coverage import RuleCoverage, measure_coverage
from rules.model.directory import EMPTY_DIRECTORY
from rules.model.document_tree import DocumentTree

if TYPE_CHECKING:
    from rules.formats.document_text import DocumentSource
    from rules.model.directory import WorkspaceDirectory
    from rules.model.document import Document


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """The report on a document whose properties are proved and whose tests pass."""

    findings: tuple[Finding, ...]
    undecided_codes: tuple[str, ...]
    """The codes of findings that took too many steps; there may be more of them."""
    proved_properties: tuple[str, ...]
    """The ids of the proved properties."""
    coverage: RuleCoverage


def build_report(
    document: Document,
    source: DocumentSource,
    directory: WorkspaceDirectory = EMPTY_DIRECTORY,
    max_steps: int = MAX_STEPS,
) -> DocumentReport:
    """Return the report on a document, with the lines of its text and a workspace's directory.

    Each of four searches may take `max_steps`: two for findings, two for coverage.
    """
    findings, undecided_codes = run_lints(LintSubject(document, directory, max_steps), source)
    properties = DocumentTree(document.tree).root.member("properties").mappings()
    proved_properties = tuple(part.value["id"] for part in properties)
    return DocumentReport(
        findings, undecided_codes, proved_properties, measure_coverage(document, max_steps)
    )
