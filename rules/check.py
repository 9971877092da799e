"""What is wrong with a document, all of it at once; or the document.

First the shape and the vocabulary. Where nothing is wrong there, the document's own tests are run
and its properties proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from rules.analysis import property_proofs
from rules.errors import Complaint, DocumentRefused
from rules.model.document import Document
from rules.model.document_tree import Draft
from rules.validation import document_tests, schema
from rules.validation.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rules.formats.document_text import Source

MOST_COMPLAINTS = 1_000


@dataclass(frozen=True, slots=True)
class Findings:
    """The document where there is nothing to complain of; notices refuse nothing."""

    document: Document | None
    complaints: tuple[Complaint, ...]
    notices: tuple[Complaint, ...] = ()


def check(source: Source) -> Findings:
    """Everything that is wrong, at most a thousand complaints, in the order of the text."""
    if not isinstance(source.value, dict):
        message = "A document is a mapping: write format, rules and otherwise"
        return Findings(None, _in_order([Complaint("", "wrong_type", message)], source))
    if complaints := _in_order(_complaints(Draft(source.value)), source):
        return Findings(None, complaints)
    document = Document(source.value)
    results = document_tests.run(document)
    broken = (proof.complaint for proof in property_proofs.prove(document))
    failures = _in_order((*results.failures, *filter(None, broken)), source)
    notices = _in_order(results.notices, source)
    return Findings(None if failures else document, failures, notices)


def read_document(source: Source) -> Document:
    """The document; raises DocumentRefused where there is anything to complain of."""
    findings = check(source)
    if findings.document is None:
        raise DocumentRefused(findings.complaints)
    return findings.document


def _complaints(draft: Draft) -> Iterator[Complaint]:
    yield from schema.complaints(draft.tree)
    for find in CHECKS.values():
        yield from find(draft)


def _in_order(complaints: Iterable[Complaint], source: Source) -> tuple[Complaint, ...]:
    """The complaints with their lines, by line and then by place, each once."""
    placed = {replace(c, line=source.line(c.pointer)) for c in islice(complaints, MOST_COMPLAINTS)}
    return tuple(sorted(placed, key=_order))


def _order(complaint: Complaint) -> tuple[int, list[tuple[bool, int, str]], str, str]:
    tokens = complaint.pointer.split("/")
    numbered = [(not t.isdecimal(), int(t) if t.isdecimal() else 0, t) for t in tokens]
    return complaint.line or 0, numbered, complaint.code, complaint.message
