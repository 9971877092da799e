"""Versions: proposed by one key, approved by another, activated; each step is an entry.

No step changes the number or the digest of a version. The `enter_…` functions take one step in a
transaction that was begun elsewhere; the other functions own their transaction.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from audit.log.entries import (
    VersionApproved,
    VersionProposed,
    VersionRejected,
    VersionSuperseded,
)
from audit.projections.versions import VersionStatus
from policy_service.policies.activation import (
    ACTIVATE_NOW,
    Activation,
    apply_due_activations,
    enter_activation,
    require_version,
    wrong_status_problem,
)
from policy_service.policies.guardrails import (
    check_proposal,
    prove_before_transaction,
    read_guardrails,
)
from policy_service.policies.version_views import version_view
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.projections.versions import VersionRecord
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction
    from rules.model.document import Document


def enter_proposal(
    transaction: WorkspaceTransaction, document: Document, note: str | None = None
) -> VersionRecord:
    """Enter the document as the next version; it supersedes the versions still proposed.

    Raises InvalidDocumentError if a guardrail of the workspace does not hold for the document.
    """
    check_proposal(document, read_guardrails(transaction.tx, transaction.versions()))
    versions = apply_due_activations(transaction)
    digest = transaction.tx.add_document(document.canonical_bytes)
    transaction.enter(
        VersionProposed,
        version=versions.next_number,
        digest=digest,
        title=document.title,
        note=note,
    )
    for record in versions.records.values():
        if record.status is VersionStatus.PROPOSED:
            transaction.enter(VersionSuperseded, version=record.number)
    return require_version(transaction.versions(), versions.next_number)


def enter_approval(transaction: WorkspaceTransaction, number: int, digest: str) -> VersionRecord:
    """Enter the caller's approval of the version with this digest.

    Raises ProblemError `not_found`, `digest_mismatch`, `proposer_may_not_approve`, `wrong_status`
    or `already_approved`.
    """
    record = require_version(apply_due_activations(transaction), number)
    if digest != record.digest:
        raise ProblemError(
            ProblemCode.DIGEST_MISMATCH, f"Version {number} has the digest {record.digest}"
        )
    if transaction.by == record.proposed_by:
        raise ProblemError(
            ProblemCode.PROPOSER_MAY_NOT_APPROVE, "The key that proposed may not approve"
        )
    if record.status is not VersionStatus.PROPOSED:
        raise wrong_status_problem(record, "approved")
    if any(step.by == transaction.by for step in record.approvals):
        raise ProblemError(ProblemCode.ALREADY_APPROVED, "The key has approved this version before")
    transaction.enter(VersionApproved, version=number, digest=digest)
    return require_version(transaction.versions(), number)


def enter_rejection(transaction: WorkspaceTransaction, number: int, reason: str) -> VersionRecord:
    """Enter that the version will never be used; raise ProblemError `wrong_status`."""
    record = require_version(apply_due_activations(transaction), number)
    if record.status is not VersionStatus.PROPOSED:
        raise wrong_status_problem(record, "rejected")
    transaction.enter(VersionRejected, version=number, reason=reason)
    return require_version(transaction.versions(), number)


def propose_version(
    ledger: WorkspaceLedger, document: Document, note: str | None = None
) -> dict[str, Any]:
    """Propose the document as the next version; return the version.

    The proof of the guardrails is made before the transaction, so that no write waits for it.
    Raises InvalidDocumentError if a guardrail does not hold.
    """
    prove_before_transaction(ledger.store, ledger.policies, ledger.workspace, document)
    return _take_step(ledger, partial(enter_proposal, document=document, note=note))


def approve_version(ledger: WorkspaceLedger, number: int, digest: str) -> dict[str, Any]:
    """Approve a proposed version, whose digest the caller agrees to; return the version."""
    return _take_step(ledger, partial(enter_approval, number=number, digest=digest))


def reject_version(ledger: WorkspaceLedger, number: int, reason: str) -> dict[str, Any]:
    """Reject a proposed version for good; return the version."""
    return _take_step(ledger, partial(enter_rejection, number=number, reason=reason))


def activate_version(
    ledger: WorkspaceLedger, number: int, activation: Activation = ACTIVATE_NOW
) -> dict[str, Any]:
    """Activate a version, or schedule its activation; return the version."""
    return _take_step(ledger, partial(enter_activation, number=number, activation=activation))


def _take_step(
    ledger: WorkspaceLedger, enter: Callable[[WorkspaceTransaction], VersionRecord]
) -> dict[str, Any]:
    def work(transaction: WorkspaceTransaction) -> dict[str, Any]:
        record = enter(transaction)
        return version_view(record, transaction.versions())

    return ledger.transact(work)
