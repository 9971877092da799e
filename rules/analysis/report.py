"""What a check of a document has to say beside refusing it: findings, properties, coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.analysis.lints import findings_of
from rules.analysis.lints.lint import Finding, Subject
from rules.analysis.reachability import MOST_STEPS
from rules.analysis.test_coverage import Coverage, coverage
from rules.model.directory import NOTHING_TOLD
from rules.model.document_tree import Draft

if TYPE_CHECKING:
    from rules.formats.document_text import Source
    from rules.model.directory import Directory
    from rules.model.document import Document


@dataclass(frozen=True, slots=True)
class Report:
    """Of a document that is accepted: its properties are proved and its tests pass."""

    findings: tuple[Finding, ...]
    undecided: tuple[str, ...]
    """The codes of findings that took too many steps: there may be more of these."""
    properties: tuple[str, ...]
    """The ids of the properties that are proved."""
    coverage: Coverage


def report_on(
    document: Document,
    source: Source,
    directory: Directory = NOTHING_TOLD,
    most_steps: int = MOST_STEPS,
) -> Report:
    """The report on a document, with the lines of its text, for who has this directory.

    `most_steps` may be taken by each of four searches: two for findings, two for coverage.
    """
    found, undecided = findings_of(Subject(document, directory, most_steps), source)
    stated = Draft(document.tree).root.member("properties").mappings()
    proved = tuple(part.value["id"] for part in stated)
    return Report(found, undecided, proved, coverage(document, most_steps))
