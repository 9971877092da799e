"""Requirements that a workspace has of its versions: a number of approvals, and guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.log.entries import ApprovalsRequired, GuardrailsSet
from policy_service.policies.activation import apply_due_activations
from policy_service.policies.guardrails import check_guardrails, read_guardrails
from policy_service.policies.policy_cache import load_document
from policy_service.policies.version_views import approvals_view, guardrails_view
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    from audit.projections.versions import Versions
    from policy_service.policies.guardrails import Properties
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction

MAX_APPROVALS = 10


def enter_required_approvals(
    transaction: WorkspaceTransaction, count: int, reason: str
) -> Versions:
    """Enter the number of keys that must approve a version; write nothing if it is that already."""
    if transaction.versions().required_approvals != count:
        apply_due_activations(transaction)
        transaction.enter(ApprovalsRequired, count=count, reason=reason)
    return transaction.versions()


def enter_guardrails(
    transaction: WorkspaceTransaction, properties: Properties, reason: str
) -> Versions:
    """Enter the guardrails of every later proposal; write nothing if they are the same already."""
    body = encode_canonical(properties)
    if encode_canonical(read_guardrails(transaction.tx, transaction.versions())) != body:
        digest = transaction.tx.add_document(body)
        apply_due_activations(transaction)
        transaction.enter(GuardrailsSet, digest=digest, reason=reason)
    return transaction.versions()


def get_approvals(ledger: WorkspaceLedger) -> dict[str, Any]:
    """Return the number of keys that must approve a version, and the entry that set it."""
    with ledger.store.read() as snapshot:
        return approvals_view(ledger.policies.versions(snapshot, ledger.workspace))


def require_approvals(ledger: WorkspaceLedger, count: int, reason: str) -> dict[str, Any]:
    """Set the number of keys that must approve a version, also one that is proposed already."""
    return approvals_view(
        ledger.transact(lambda transaction: enter_required_approvals(transaction, count, reason))
    )


def get_guardrails(ledger: WorkspaceLedger) -> dict[str, Any]:
    """Return the guardrails of a workspace, and the entry that set them."""
    with ledger.store.read() as snapshot:
        versions = ledger.policies.versions(snapshot, ledger.workspace)
        return guardrails_view(read_guardrails(snapshot, versions), versions)


def set_guardrails(ledger: WorkspaceLedger, properties: Properties, reason: str) -> dict[str, Any]:
    """Set the guardrails of every later proposal; an empty list removes them.

    They are checked against the vocabulary of the active version, before the transaction. Raises
    InvalidDocumentError if they are not properties of such a document.
    """
    with ledger.store.read() as snapshot:
        active = ledger.policies.active_version(snapshot, ledger.workspace)
        document = load_document(snapshot, active.digest)
    check_guardrails(document, properties)
    versions = ledger.transact(
        lambda transaction: enter_guardrails(transaction, properties, reason)
    )
    return guardrails_view(properties, versions)
