"""The versions of a workspace's policy: proposed, approved, activated, compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from audit.projections.versions import VersionStatus
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DIGEST, DOCUMENT, DOCUMENT_DIGEST, STEP
from policy_service.api.requests import MAX_DOCUMENT_BODY
from policy_service.api.responses import Reply, page_reply
from policy_service.api.route import WORKSPACE, Content, Route, json_body
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema, PageQuery, QuerySchema
from policy_service.api.schemas.common import ReasonedStepSchema, StepSchema
from policy_service.api.schemas.reports import DiffSchema, ReportSchema
from policy_service.policies.activation import (
    ALL_PERCENT,
    Activation,
    apply_due_activations,
    has_due_activation,
    requested_activation,
    require_version,
)
from policy_service.policies.decision_counts import count_newest_decisions
from policy_service.policies.directory import read_directory
from policy_service.policies.guardrails import (
    judge_guardrails,
    prove_before_transaction,
    read_guardrails,
)
from policy_service.policies.policy_cache import load_document
from policy_service.policies.proposals import document_from
from policy_service.policies.reports import (
    compare_versions,
    guardrail_results_view,
    list_regions,
    report_version,
    report_view,
    semantic_changes_view,
)
from policy_service.policies.versions import VersionSteps, difference_view, version_view
from policy_service.problems import ProblemCode
from rules.analysis.text_diff import compare_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.projections.versions import VersionRecord
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.api.schemas.base import PageParameters
    from policy_service.policies.decision_counts import RegionCounts
    from policy_service.services import Services
    from rules.analysis.report import DocumentReport
    from rules.analysis.semantic_diff import SemanticDiff

VERSION = f"{WORKSPACE}/versions/<number:number>"
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document that an author proposes."""

    document: dict[str, Any] | str
    note: str | None = None


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


class ActivationSchema(BodySchema):
    """The way to activate a version: by default now, for all conversations that start later."""

    json_schema: ClassVar = {
        "if": {"properties": {"shadow": {"const": True}}, "required": ["shadow"]},
        "then": {
            "properties": {
                "percent": {"type": "null"},
                "apply_to_running": {"enum": [False, None]},
            }
        },
    }
    value = staticmethod(requested_activation)
    at = fields.received_time(
        "The time from which the version decides; a past time is now.",
        optional=True,
        nullable=True,
    )
    percent = fields.number(
        """The version decides for this many of 100 conversations, always the same ones. The
        percentage of a version cannot be reduced.""",
        least=1,
        most=ALL_PERCENT,
        optional=True,
        nullable=True,
    )
    shadow = fields.flag(
        "The version decides nothing; its decision is recorded with each decision.",
        optional=True,
        nullable=True,
    )
    apply_to_running = fields.flag(
        "The version also decides for conversations that have started and wait for something.",
        optional=True,
        nullable=True,
    )


@dataclass(frozen=True, slots=True)
class DiffParameters:
    """The version that another version is compared with."""

    against: int | None = None


class DiffQuery(QuerySchema):
    """The version to compare with."""

    value = DiffParameters
    against = fields.number_text(
        "The version to compare with; the active version if absent.", optional=True, example=1
    )


class PolicySchema(AnswerSchema):
    """The rules that decide now."""

    version = fields.number()
    digest = fields.digest()
    document = fields.document()


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
_APPROVED: dict[str, Any] = {**_PROPOSED, "status": "approved", "approvals": [STEP]}
_REJECTION: dict[str, Any] = {"reason": "The French texts are still missing"}
_REJECTED: dict[str, Any] = {
    **_PROPOSED,
    "status": "rejected",
    "rejected": {**STEP, "reason": _REJECTION["reason"]},
}
_ACTIVE: dict[str, Any] = {
    **_APPROVED,
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
_POLICY: dict[str, Any] = {"version": 2, "digest": DOCUMENT_DIGEST, "document": DOCUMENT}
_CONVERSATION: list[dict[str, Any]] = [
    {
        "id": "ev-aa2a30b80197-1",
        "type": "conversation.started",
        "occurred_at": "2026-01-05T10:01:00Z",
        "workspace": {"id": "example", "plan": "pro"},
        "conversation": {"id": "c-aa2a30b80197", "direction": "inbound"},
        "contact": {"id": "ct-1", "kind": "lead"},
        "message": {"text": "Hello", "language": "de"},
    }
]
_GIVEN: dict[str, Any] = {"message.language": "de"}
_EXAMINED: dict[str, Any] = {"decisions": 9317, "complete": False}
_NOT_SUPPORTED: dict[str, Any] = {
    "rule": "language-not-supported",
    "outcome": "not_triggered",
    "reason": "language_not_supported",
    "stage": "not_routed",
    "actions": [],
}
_DIFF: dict[str, Any] = {
    "version": 3,
    "against": 2,
    "settings": [{"name": "languages", "before": ["en", "fr"], "after": ["en", "fr", "de"]}],
    "rules": [],
    "moved_rules": [],
    "texts": [{"name": "messages/de/ask", "before": None, "after": "Sind Sie schon Kunde?"}],
    "facts": [],
    "properties": [],
    "semantic_changes": [
        {
            "texts_only": False,
            "before": _NOT_SUPPORTED,
            "after": {
                "rule": "ask-if-customer",
                "outcome": "ask",
                "reason": "anonymous_contact",
                "stage": "awaiting_answer",
                "actions": [{"type": "ask", "text": "Are you an existing customer?"}],
            },
            "fact_values": {"conversation.stage": ["new"], "message.language": ["such as de"]},
            "example": _GIVEN,
            "conversation": _CONVERSATION,
            "decisions": 412,
        }
    ],
    "semantic_changes_complete": True,
    "recorded": _EXAMINED,
}
_REPORT: dict[str, Any] = {
    "version": 2,
    "digest": DIGEST,
    "findings": [
        {
            "pointer": "/rules/3",
            "code": "rule_unreachable",
            "message": "german is never reached: language-not-supported before it decides all "
            "it asks for",
            "example": {
                "given": _GIVEN,
                "decision": _NOT_SUPPORTED,
                "conversation": _CONVERSATION,
            },
        }
    ],
    "undecided": [],
    "properties": ["outbound-is-never-asked"],
    "coverage": {
        "rules": 34,
        "untested": ["german"],
        "suggested_tests": [],
        "unreachable": ["german"],
        "yaml": "",
    },
    "recorded": _EXAMINED,
    "guardrails": [
        {"id": "outbound-is-never-asked", "state": "holds", "message": None, "example": None}
    ],
}


def get_policy(services: Services, _: Key, *, workspace: str) -> Reply:
    """Get the document of the active version."""
    _apply_due_activations(services, workspace)
    with services.store.read() as snapshot:
        active = services.policies.active_version(snapshot, workspace)
        document = load_document(snapshot, active.digest)
    return Reply({"version": active.number, "digest": active.digest, "document": document.tree})


def propose_version(services: Services, caller: Key, *, workspace: str, body: Proposal) -> Reply:
    """Propose a document as a new version.

    If the document is not accepted, the answer is 422 with every complaint.
    """
    document = document_from(body.document)
    prove_before_transaction(services.store, services.policies, workspace, document)
    return _step(services, caller, workspace, lambda steps: steps.propose(document, body.note))


def list_versions(services: Services, _: Key, *, workspace: str, query: PageParameters) -> Reply:
    """List the versions in the order of their numbers."""
    _apply_due_activations(services, workspace)
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
    numbers = sorted(number for number in versions.records if number > (query.after or 0))
    page = numbers[: query.limit]
    views = [version_view(versions.records[number], versions) for number in page]
    return page_reply(views, page[-1] if len(numbers) > query.limit else None)


def get_version(services: Services, _: Key, *, workspace: str, number: int) -> Reply:
    """Get one version with its document."""
    _apply_due_activations(services, workspace)
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
        record = require_version(versions, number)
        document = load_document(snapshot, record.digest)
    return Reply({**version_view(record, versions), "document": document.tree})


def diff_version(
    services: Services, _: Key, *, workspace: str, number: int, query: DiffParameters
) -> Reply:
    """Compare a version with another version: rules, settings, texts, and decisions.

    The other version is `against`, or the active version.
    """
    _apply_due_activations(services, workspace)
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
        later = require_version(versions, number)
        if query.against is None:
            earlier = services.policies.active_version(snapshot, workspace)
        else:
            earlier = require_version(versions, query.against)
        before, after = (load_document(snapshot, record.digest) for record in (earlier, later))
    changes = compare_versions(before, after)
    counts = _count_decisions(services, workspace, changes)
    texts = difference_view(compare_texts(before, after))
    numbers = {"version": number, "against": earlier.number}
    return Reply({**numbers, **texts, **semantic_changes_view(changes, counts)})


def report_on_version(services: Services, _: Key, *, workspace: str, number: int) -> Reply:
    """Report on a version: findings, proved properties, untested rules, and guardrails.

    The report covers all facts, and each finding has an example. The guardrails are the current
    ones.
    """
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
        record = require_version(versions, number)
        document = load_document(snapshot, record.digest)
        recorded = read_directory(snapshot, workspace)
        guardrails = read_guardrails(snapshot, versions)
    report = report_version(document, recorded.directory)
    view = report_view(report, _count_decisions(services, workspace, report))
    results = {"guardrails": guardrail_results_view(judge_guardrails(document, guardrails))}
    return Reply({"version": number, "digest": record.digest, **view, **results})


def _count_decisions(
    services: Services, workspace: str, found: DocumentReport | SemanticDiff
) -> RegionCounts:
    # A snapshot of its own, so that none stays open during the search.
    with services.store.read() as snapshot:
        return count_newest_decisions(snapshot, workspace, list_regions(found))


def approve_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Approval
) -> Reply:
    """Approve a proposed version; the digest names the document that is approved."""
    return _step(services, caller, workspace, lambda steps: steps.approve(number, body.digest))


def reject_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Rejection
) -> Reply:
    """Reject a proposed version for good."""
    return _step(services, caller, workspace, lambda steps: steps.reject(number, body.reason))


def activate_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Activation
) -> Reply:
    """Activate a version: now or later, for all conversations, for a percentage, or as a shadow.

    After the answer no conversation starts on the replaced version. A conversation that has started
    keeps its version, unless `apply_to_running` is true. A scheduled activation is suspended if
    another version is active when it is due. To roll back, activate an older version.
    """
    return _step(services, caller, workspace, lambda steps: steps.activate(number, body))


def _step(
    services: Services, caller: Key, workspace: str, step: Callable[[VersionSteps], VersionRecord]
) -> Reply:
    """Take a step in a transaction, and return the version after it."""

    def work(tx: Transaction) -> dict[str, Any]:
        record = step(VersionSteps(tx, services.policies, workspace, caller))
        return version_view(record, services.policies.versions(tx, workspace))

    return Reply(services.store.transact(work))


def _apply_due_activations(services: Services, workspace: str) -> None:
    """Apply due activations, so that the answer is current."""
    with services.store.read() as snapshot:
        versions = services.policies.versions(snapshot, workspace)
    if has_due_activation(versions, services.store.now()):
        services.store.transact(lambda tx: apply_due_activations(tx, services.policies, workspace))


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/policy",
        get_policy,
        Permission.READ_POLICIES,
        Content(PolicySchema, _POLICY),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions",
        propose_version,
        Permission.PROPOSE_VERSIONS,
        Content(VersionSchema, _PROPOSED, status=201),
        body=json_body(ProposalSchema, _PROPOSAL, MAX_DOCUMENT_BODY),
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions",
        list_versions,
        Permission.READ_POLICIES,
        Content(VersionPageSchema, {"items": [_ACTIVE], "next": None}),
        query=PageQuery(),
    ),
    Route(
        "GET",
        VERSION,
        get_version,
        Permission.READ_POLICIES,
        Content(VersionWithDocumentSchema, {**_ACTIVE, "document": DOCUMENT}),
    ),
    Route(
        "GET",
        f"{VERSION}/diff",
        diff_version,
        Permission.READ_POLICIES,
        Content(DiffSchema, _DIFF),
        query=DiffQuery(),
    ),
    Route(
        "GET",
        f"{VERSION}/report",
        report_on_version,
        Permission.READ_POLICIES,
        Content(ReportSchema, _REPORT),
    ),
    Route(
        "POST",
        f"{VERSION}/approve",
        approve_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, _APPROVED),
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
    Route(
        "POST",
        f"{VERSION}/activate",
        activate_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, _ACTIVE),
        body=json_body(ActivationSchema, {"apply_to_running": True}),
        problems=(ProblemCode.WRONG_STATUS, ProblemCode.PERCENT_SHRINKS),
    ),
)
