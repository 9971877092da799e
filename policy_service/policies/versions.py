"""Versions: proposed by one key, approved by another, activated; each step is an entry.

No step changes the number or the digest of a version. The `enter_…` functions take one step in a
transaction that was begun elsewhere; the other functions own their transaction.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

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
    end_schedules,
    enter_activation,
    enter_unscheduling,
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
    from collections.abc import Callable, Mapping

    from audit.projections.versions import VersionRecord, Versions
    from policy_service.access.keys import Key
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction
    from rules.model.document import Document

_WAITING_STATUSES = frozenset({VersionStatus.PROPOSED, VersionStatus.APPROVED})


class Proposed(NamedTuple):
    """The version of a proposed document; `is_new` is False if the document had a version."""

    version: dict[str, Any]
    is_new: bool


def enter_proposal(
    transaction: WorkspaceTransaction,
    document: Document,
    note: str | None = None,
    *,
    supersede: bool = False,
    keys: Mapping[str, Key] = MappingProxyType({}),
) -> VersionRecord:
    """Enter the document as the next version; it supersedes a version that is still proposed.

    If the newest proposed or approved version has this document, return that version and enter
    nothing. `keys` give the name of an author to a problem.

    Raises ProblemError `already_active` if the document decides already, and `proposal_open` if
    another proposal is open and `supersede` is False. Raises InvalidDocumentError if a guardrail of
    the workspace does not hold for the document.
    """
    versions = apply_due_activations(transaction)
    if known := find_known_version(versions, document.digest):
        return known
    opened = [each for each in versions.records.values() if each.status is VersionStatus.PROPOSED]
    if opened and not supersede:
        raise _open_proposal_problem(opened[-1], keys)
    check_proposal(document, read_guardrails(transaction.tx, versions))
    digest = transaction.tx.add_document(document.canonical_bytes)
    transaction.enter(
        VersionProposed,
        version=versions.next_number,
        digest=digest,
        title=document.title,
        note=note,
    )
    for record in opened:
        end_schedules(transaction, {record.number}, "cancelled")
        transaction.enter(VersionSuperseded, version=record.number)
    return require_version(transaction.versions(), versions.next_number)


def find_known_version(versions: Versions, digest: str) -> VersionRecord | None:
    """Return the newest proposed or approved version if it has this digest.

    Raises ProblemError `already_active` if an active version has the digest.
    """
    records = versions.records.values()
    waiting = [each for each in records if each.status in _WAITING_STATUSES]
    if waiting and waiting[-1].digest == digest:
        return waiting[-1]
    for record in records:
        if record.status is VersionStatus.ACTIVE and record.digest == digest:
            detail = f"Version {record.number} has this document and is active"
            raise ProblemError(ProblemCode.ALREADY_ACTIVE, detail)
    return None


def _open_proposal_problem(record: VersionRecord, keys: Mapping[str, Key]) -> ProblemError:
    key = keys.get(record.proposed_by)
    author = f"{record.proposed_by} ({key.name})" if key else record.proposed_by
    detail = (
        f"Version {record.number}, proposed by {author}, is still open: have it approved or"
        " rejected, or send `supersede: true` to replace it"
    )
    return ProblemError(ProblemCode.PROPOSAL_OPEN, detail)


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
    """Enter that the version will never be used.

    The version is proposed, or approved with a pending schedule, which ends. Raises ProblemError
    `wrong_status` for another version.
    """
    record = require_version(apply_due_activations(transaction), number)
    is_scheduled = any(each.number == number for each in transaction.versions().schedules)
    never_active = record.status in _WAITING_STATUSES
    if record.status is not VersionStatus.PROPOSED and not (never_active and is_scheduled):
        raise wrong_status_problem(record, "rejected")
    end_schedules(transaction, {number}, "cancelled")
    transaction.enter(VersionRejected, version=number, reason=reason)
    return require_version(transaction.versions(), number)


def propose_version(
    ledger: WorkspaceLedger,
    document: Document,
    note: str | None = None,
    *,
    supersede: bool = False,
) -> Proposed:
    """Propose the document as the next version; return the version.

    The guardrails are proved before the transaction, so that no write waits for the proof. Raises
    InvalidDocumentError if a guardrail does not hold, and ProblemError `already_active` or
    `proposal_open`.
    """
    with ledger.store.read() as snapshot:
        versions = ledger.policies.versions(snapshot, ledger.workspace)
        known = find_known_version(versions, document.digest)
    if known is None:
        prove_before_transaction(ledger.store, ledger.policies, ledger.workspace, document)

    def work(transaction: WorkspaceTransaction) -> Proposed:
        next_number = apply_due_activations(transaction).next_number
        keys = ledger.access.keyring.keys(transaction.tx)
        record = enter_proposal(transaction, document, note, supersede=supersede, keys=keys)
        view = version_view(record, transaction.versions())
        return Proposed(view, is_new=record.number == next_number)

    return ledger.transact(work)


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


def unschedule_version(ledger: WorkspaceLedger, number: int) -> dict[str, Any]:
    """Cancel the scheduled activation of a version; return the version."""
    return _take_step(ledger, partial(enter_unscheduling, number=number))


def _take_step(
    ledger: WorkspaceLedger, enter: Callable[[WorkspaceTransaction], VersionRecord]
) -> dict[str, Any]:
    def work(transaction: WorkspaceTransaction) -> dict[str, Any]:
        record = enter(transaction)
        return version_view(record, transaction.versions())

    return ledger.transact(work)
