"""All checks of a document; the result is the document, or every complaint.

Shape and vocabulary come first. If they are right, the document's own tests are run and its
properties are proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from rules.analysis import property_proofs
from rules.errors import Complaint, InvalidDocumentError
from rules.model.document import Document
from rules.model.document_tree import DocumentTree
from rules.validation import document_tests, schema
from rules.validation.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules.formats.document_text import DocumentSource

MAX_COMPLAINTS = 1_000


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The document if there are no complaints. Notices refuse nothing."""

    document: Document | None
    complaints: tuple[Complaint, ...]
    notices: tuple[Complaint, ...] = ()


def check_document(source: DocumentSource) -> CheckResult:
    """Return every complaint, at most a thousand, in the order of the text."""
    if not isinstance(source.value, dict):
        message = "The document is not a mapping: write the keys format, rules and otherwise"
        return CheckResult(None, _sort_by_line([Complaint("", "wrong_type", message)], source))
    if complaints := _sort_by_line(_find_complaints(DocumentTree(source.value)), source):
        return CheckResult(None, complaints)
    document = Document(source.value)
    results = document_tests.run_tests(document)
    proof_complaints = (proof.complaint for proof in property_proofs.prove_properties(document))
    failures = _sort_by_line((*results.failures, *filter(None, proof_complaints)), source)
    notices = _sort_by_line(results.notices, source)
    return CheckResult(None if failures else document, failures, notices)


def read_document(source: DocumentSource) -> Document:
    """Return the document; raise InvalidDocumentError if there is a complaint."""
    findings = check_document(source)
    if findings.document is None:
        raise InvalidDocumentError(findings.complaints)
    return findings.document


def _find_complaints(tree: DocumentTree) -> Iterator[Complaint]:
    yield from schema.check_shape(tree.values)
    for check in CHECKS:
        yield from check(tree)


def _sort_by_line(complaints: Iterable[Complaint], source: DocumentSource) -> tuple[Complaint, ...]:
    """Return the complaints with their lines, by line and place, without duplicates."""
    located = {
        replace(c, line=source.line_of(c.pointer)) for c in islice(complaints, MAX_COMPLAINTS)
    }
    return tuple(sorted(located, key=_sort_key))


def _sort_key(complaint: Complaint) -> tuple[int, list[tuple[bool, int, str]], str, str]:
    tokens = complaint.pointer.split("/")
    numbered = [(not t.isdecimal(), int(t) if t.isdecimal() else 0, t) for t in tokens]
    return complaint.line or 0, numbered, complaint.code, complaint.message
