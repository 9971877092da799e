"""What a check of a version says beside accepting it, and what a version decides otherwise.

Both are worked out from documents alone, which never change: what was worked out is remembered.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules.coverage import as_yaml
from rules.document import Document
from rules.ijson import loads
from rules.meaning import meaning
from rules.report import report_on
from rules.source import Source

if TYPE_CHECKING:
    from rules.coverage import Coverage
    from rules.directory import Directory
    from rules.findings.finding import Finding
    from rules.meaning import Meaning
    from rules.report import Report

MOST_REMEMBERED = 16


def report_view(report: Report) -> dict[str, Any]:
    """A report as it is answered."""
    return {
        "findings": [finding_view(finding) for finding in report.findings],
        "undecided": list(report.undecided),
        "properties": list(report.properties),
        "coverage": coverage_view(report.coverage),
    }


def finding_view(finding: Finding) -> dict[str, Any]:
    """A finding as it is answered; `line` only where the document is a text."""
    shown = asdict(finding)
    line = shown.pop("line")
    return shown if line is None else {**shown, "line": line}


def coverage_view(told: Coverage) -> dict[str, Any]:
    """Coverage as it is answered, with the tests offered as YAML to be pasted."""
    return {**asdict(told), "yaml": as_yaml(told.offered)}


def meaning_view(told: Meaning) -> dict[str, Any]:
    """What is decided otherwise as it is answered."""
    return {
        "meaning": [asdict(change) for change in told.changes],
        "meaning_complete": told.complete,
    }


def report_of(document: Document, directory: Directory) -> dict[str, Any]:
    """The report on a version's document, as it is answered to who has this directory."""
    return _reported(document.canonical, directory)


def meaning_of(before: Document, after: Document) -> dict[str, Any]:
    """What the later document decides otherwise, as it is answered."""
    return _compared(before.canonical, after.canonical)


@lru_cache(MOST_REMEMBERED)
def _reported(canonical: bytes, directory: Directory) -> dict[str, Any]:
    tree = loads(canonical)
    return report_view(report_on(Document(tree), Source(tree, {}), directory))


@lru_cache(MOST_REMEMBERED)
def _compared(before: bytes, after: bytes) -> dict[str, Any]:
    return meaning_view(meaning(Document(loads(before)), Document(loads(after))))
