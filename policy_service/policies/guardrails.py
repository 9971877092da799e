"""Guardrails: properties that compliance sets for a workspace, apart from any document.

Every proposed document must have them, as if they were its own properties; they are proved over all
facts. Versions that were proposed before need not have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from policy_service.policies.policy_cache import require_document
from rules import check
from rules.analysis.lints.lint import LintSubject
from rules.analysis.property_proofs import prove_properties
from rules.errors import Complaint, InvalidDocumentError
from rules.formats.canonical_json import encode_canonical
from rules.formats.document_text import read_value
from rules.model.document import Document
from rules.model.test_defaults import complete_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.projections.versions import Versions
    from audit.stores.contract import Snapshot, Store
    from policy_service.policies.policy_cache import PolicyCache
    from rules.analysis.example import DecidedExample

CACHE_SIZE = 64
"""The number of documents with cached proofs, so that no transaction makes a proof."""
DOCUMENT_CODES = frozenset({"property_broken", "property_undecided"})
"""The codes of complaints about the document, not about the guardrails."""

Properties = list[dict[str, Any]]


class GuardrailState(StrEnum):
    """The result of a guardrail for a document."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNDECIDED = "undecided"
    INAPPLICABLE = "inapplicable"


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail, checked for a document.

    `message` is the reason if it does not hold or does not apply; `example` breaks it.
    """

    id: str
    state: GuardrailState
    message: str | None = None
    example: DecidedExample | None = None


def read_guardrails(snapshot: Snapshot, versions: Versions) -> Properties:
    """Return the properties that every proposal must have.

    Raises MissingDocumentError if the ledger lacks them.
    """
    if versions.guardrails is None:
        return []
    properties: Properties = orjson.loads(require_document(snapshot, versions.guardrails))
    return properties


def check_proposal(document: Document, properties: Properties) -> None:
    """Raise InvalidDocumentError, with facts as examples, if a guardrail does not hold."""
    if properties:
        complaints = _find_complaints(document.canonical_bytes, encode_canonical(properties))
        if complaints:
            raise InvalidDocumentError(
                [Complaint("", "guardrail_broken", c.message) for c in complaints]
            )


def prove_before_transaction(
    store: Store, policies: PolicyCache, workspace: str, document: Document
) -> None:
    """Check a proposal before its transaction, which finds the proof in the cache."""
    with store.read() as snapshot:
        asked = read_guardrails(snapshot, policies.versions(snapshot, workspace))
    check_proposal(document, asked)


def check_guardrails(document: Document, properties: Properties) -> None:
    """Raise InvalidDocumentError if the guardrails are not properties of such a document.

    The document itself need not have them: they are for later proposals.
    """
    complaints = _find_complaints(document.canonical_bytes, encode_canonical(properties))
    wrong = [complaint for complaint in complaints if _is_about_property(complaint)]
    if wrong:
        raise InvalidDocumentError(wrong)


@lru_cache(CACHE_SIZE)
def _find_complaints(document: bytes, properties: bytes) -> Sequence[Complaint]:
    """Return the complaints about the document with these properties in place of its own.

    A document that an earlier release accepted may get complaints of a newer check, too.
    """
    asked = {**orjson.loads(document), "tests": [], "properties": orjson.loads(properties)}
    return check.check_document(read_value(asked)).complaints


def _is_about_property(complaint: Complaint) -> bool:
    """Return True if the complaint is about a property that cannot be asked of the document."""
    is_within = complaint.pointer.startswith("/properties")
    return is_within and complaint.code not in DOCUMENT_CODES


def judge_guardrails(document: Document, properties: Properties) -> tuple[GuardrailResult, ...]:
    """Return the result of each guardrail for a document, also if it was proposed before them.

    A guardrail that names a fact unknown to the document is inapplicable; it would refuse the
    document. The other guardrails are proved anyway.
    """
    return _judge_documents(document.canonical_bytes, encode_canonical(properties))


@lru_cache(CACHE_SIZE)
def _judge_documents(document: bytes, body: bytes) -> tuple[GuardrailResult, ...]:
    properties: Properties = orjson.loads(body)
    complaints = _find_complaints(document, body) if properties else ()
    wrong = {
        int(each.pointer.split("/")[2]): each.message
        for each in reversed(complaints)
        if _is_about_property(each)
    }
    asked = [each for number, each in enumerate(properties) if number not in wrong]
    proofs = _find_failures(Document(orjson.loads(document)), asked) if complaints else {}
    return tuple(
        GuardrailResult(each["id"], GuardrailState.INAPPLICABLE, wrong[number])
        if number in wrong
        else proofs.get(each["id"], GuardrailResult(each["id"], GuardrailState.HOLDS))
        for number, each in enumerate(properties)
    )


def _find_failures(document: Document, properties: Properties) -> dict[str, GuardrailResult]:
    """Return the guardrails that do not hold, by id."""
    failures = {}
    subject = LintSubject(document)
    for proof in prove_properties(Document({**document.tree, "properties": properties})):
        complaint = proof.complaint
        if complaint is not None:
            state = GuardrailState.BROKEN if proof.example else GuardrailState.UNDECIDED
            example = (
                subject.build_example(complete_facts(proof.example.given))
                if proof.example
                else None
            )
            failures[proof.id] = GuardrailResult(proof.id, state, complaint.message, example)
    return failures
