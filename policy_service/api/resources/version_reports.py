"""Reports on versions, and differences between them, over all facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DIGEST
from policy_service.api.resources.versions import VERSION
from policy_service.api.responses import Content, Reply
from policy_service.api.route import Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import QuerySchema
from policy_service.api.schemas.reports import DiffSchema, ReportSchema
from policy_service.policies.activation import apply_due_in_workspace, require_version
from policy_service.policies.directory import read_directory
from policy_service.policies.guardrails import judge_guardrails, read_guardrails
from policy_service.policies.policy_cache import load_document
from policy_service.policies.region_counts import count_newest_decisions
from policy_service.policies.reports import (
    compare_versions,
    guardrail_results_view,
    list_regions,
    report_version,
    report_view,
    semantic_changes_view,
)
from policy_service.policies.version_views import difference_view
from rules.analysis.text_diff import compare_texts

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.policies.region_counts import RegionCounts
    from policy_service.services import Services
    from rules.analysis.report import DocumentReport
    from rules.analysis.semantic_diff import SemanticDiff


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


def diff_version(
    services: Services, _: Key, *, workspace: str, number: int, query: DiffParameters
) -> Reply:
    """Compare two versions.

    The comparison covers rules, settings, texts and decisions. The other version is `against`, or
    the active version.
    """
    apply_due_in_workspace(services.store, services.policies, workspace)
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
    """Report on a version.

    The report has findings, proved properties, untested rules and results of guardrails. It covers
    all facts, and each finding has an example. The guardrails are the current ones.
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


ROUTES = (
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
)
