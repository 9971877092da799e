"""The versions of a workspace's policy: proposed, approved or rejected, and listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.projections.versions import VersionStatus
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DOCUMENT, DOCUMENT_DIGEST, STEP
from policy_service.api.requests import MAX_DOCUMENT_BODY, json_body
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema, PageQuery
from policy_service.api.schemas.common import ReasonedStepSchema, StepSchema
from policy_service.policies import versions as use_cases
from policy_service.policies.activation import (
    apply_due_in_workspace,
    require_version,
)
from policy_service.policies.policy_cache import load_document
from policy_service.policies.proposals import document_from
from policy_service.policies.version_views import version_view
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.schemas.base import PageParameters
    from policy_service.services import Services

VERSION = f"{WORKSPACE}/versions/<number:number>"
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document that an author proposes."""

    document: dict[str, Any] | str
    note: str | None = None
    supersede: bool | None = None


class ProposalSchema(BodySchema):
    """A document that becomes the next version, and a note."""

    value = Proposal
    document = fields.received_document()
    note = fields.text(
        "Kept in the ledger for good: write no personal data.",
        max_length=MAX_TEXT,
        optional=True,
        nullable=True,
    )
    supersede = fields.flag(
        "Replace another proposal that is still open.", optional=True, nullable=True
    )


@dataclass(frozen=True, slots=True)
class Approval:
    """An agreement to the version with a digest."""

    digest: str


class ApprovalSchema(BodySchema):
    """The digest of the version that is approved."""

    value = Approval
    digest = fields.text()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal of a version."""

    reason: str


class RejectionSchema(BodySchema):
    """The reason why a version is rejected."""

    value = Rejection
    reason = fields.text(
        "Kept in the ledger for good: write no personal data.", max_length=MAX_TEXT
    )


class ScheduledActivationSchema(StepSchema):
    """An activation in the future."""

    due = fields.time()


class VersionSchema(AnswerSchema):
    """One immutable, numbered version; its digest identifies its document."""

    version = fields.number()
    digest = fields.digest()
    status = fields.choice(VersionStatus)
    title = fields.text(nullable=True)
    note = fields.text(nullable=True)
    proposed_by = fields.text("The id of a key, or `system`.")
    proposed_at = fields.time("Null before the first write to the workspace.", nullable=True)
    approvals = fields.list_of(StepSchema)
    activations = fields.list_of(StepSchema)
    scheduled = fields.list_of(ScheduledActivationSchema)
    rejected = fields.nested(ReasonedStepSchema, nullable=True)


class VersionWithDocumentSchema(VersionSchema):
    """A version with its document."""

    document = fields.document()


class VersionPageSchema(AnswerSchema):
    """A page of versions."""

    items = fields.list_of(VersionSchema)
    next = fields.cursor()


_PROPOSAL: dict[str, Any] = {
    "document": DOCUMENT,
    "note": "Support answers in French from December on",
}
_PROPOSED: dict[str, Any] = {
    "version": 2,
    "digest": DOCUMENT_DIGEST,
    "status": "proposed",
    "title": DOCUMENT["title"],
    "note": _PROPOSAL["note"],
    "proposed_by": "key-3c28b8f6b7fe",
    "proposed_at": "2026-11-22T12:00:00.000Z",
    "approvals": [],
    "activations": [],
    "scheduled": [],
    "rejected": None,
}
APPROVED_VERSION: dict[str, Any] = {**_PROPOSED, "status": "approved", "approvals": [STEP]}
_REJECTION: dict[str, Any] = {"reason": "The French texts are still missing"}
_REJECTED: dict[str, Any] = {
    **_PROPOSED,
    "status": "rejected",
    "rejected": {**STEP, "reason": _REJECTION["reason"]},
}
ACTIVE_VERSION: dict[str, Any] = {
    **APPROVED_VERSION,
    "status": "active",
    "activations": [
        {
            "by": "key-43993dbdf818",
            "at": "2026-11-22T13:00:00.000Z",
            "index": 5,
            "apply_to_running": True,
        }
    ],
}


def propose_version(services: Services, caller: Key, *, workspace: str, body: Proposal) -> Reply:
    """Propose a document as a new version.

    If the document is not accepted, the answer is 422 with every complaint. If the newest proposed
    or approved version has this document, the answer is 200 with that version, and nothing is
    written. If another proposal is open, `supersede` replaces it.
    """
    proposed = use_cases.propose_version(
        services.workspace_ledger(caller, workspace),
        document_from(body.document),
        body.note,
        supersede=bool(body.supersede),
    )
    return Reply(proposed.version, status=None if proposed.is_new else 200)


def list_versions(services: Services, _: Key, *, workspace: str, query: PageParameters) -> Reply:
    """List versions.

    They come in the order of their numbers.
    """
    apply_due_in_workspace(services.store, services.policies, workspace)
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
    numbers = sorted(number for number in versions.records if number > (query.after or 0))
    page = numbers[: query.limit]
    views = [version_view(versions.records[number], versions) for number in page]
    return page_reply(views, page[-1] if len(numbers) > query.limit else None)


def get_version(services: Services, _: Key, *, workspace: str, number: int) -> Reply:
    """Get a version with its document."""
    apply_due_in_workspace(services.store, services.policies, workspace)
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
        record = require_version(versions, number)
        document = load_document(snapshot, record.digest)
    return Reply({**version_view(record, versions), "document": document.tree})


def approve_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Approval
) -> Reply:
    """Approve a proposed version.

    The digest names the document that is approved.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.approve_version(ledger, number, body.digest))


def reject_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Rejection
) -> Reply:
    """Reject a version for good.

    The version is proposed, or it is approved and its activation is scheduled; the schedule ends.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.reject_version(ledger, number, body.reason))


ROUTES = (
    Route(
        "POST",
        f"{WORKSPACE}/versions",
        propose_version,
        Permission.PROPOSE_VERSIONS,
        Content(VersionSchema, _PROPOSED, status=201, other_statuses=(200,)),
        body=json_body(ProposalSchema, _PROPOSAL, MAX_DOCUMENT_BODY),
        problems=(
            ProblemCode.INVALID_DOCUMENT,
            ProblemCode.ALREADY_ACTIVE,
            ProblemCode.PROPOSAL_OPEN,
        ),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions",
        list_versions,
        Permission.READ_POLICIES,
        Content(VersionPageSchema, {"items": [ACTIVE_VERSION], "next": None}),
        query=PageQuery(),
    ),
    Route(
        "GET",
        VERSION,
        get_version,
        Permission.READ_POLICIES,
        Content(VersionWithDocumentSchema, {**ACTIVE_VERSION, "document": DOCUMENT}),
    ),
    Route(
        "POST",
        f"{VERSION}/approve",
        approve_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, APPROVED_VERSION),
        body=json_body(ApprovalSchema, {"digest": DOCUMENT_DIGEST}),
        problems=(
            ProblemCode.PROPOSER_MAY_NOT_APPROVE,
            ProblemCode.ALREADY_APPROVED,
            ProblemCode.DIGEST_MISMATCH,
            ProblemCode.WRONG_STATUS,
        ),
    ),
    Route(
        "POST",
        f"{VERSION}/reject",
        reject_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, _REJECTED),
        body=json_body(RejectionSchema, _REJECTION),
        problems=(ProblemCode.WRONG_STATUS,),
    ),
)
