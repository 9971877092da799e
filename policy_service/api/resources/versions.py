"""The rules of a workspace: the active ones, and every version there was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from policy_service.api.requests import (
    LARGEST_DOCUMENT_BODY,
    PAGE,
    Number,
    json_as,
    page,
    query,
    whole_number,
)
from policy_service.api.responses import answer, listing
from policy_service.api.route import Parameter
from policy_service.policies.activation import (
    ALL_PERCENT,
    Activation,
    apply_due_activations,
    has_due_activation,
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
from policy_service.policies.reports import (
    compare_versions,
    guardrail_results_view,
    list_regions,
    report_version,
    report_view,
    semantic_changes_view,
)
from policy_service.policies.versions import VersionSteps, difference_view, version_view
from policy_service.problems import ProblemCode, ProblemError
from rules.analysis.text_diff import compare_texts
from rules.check import read_document
from rules.errors import Complaint
from rules.formats.document_text import read_value, read_yaml
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.formats.timestamps import parse_timestamp
from rules.model.event import Timestamp  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from audit.projections.versions import VersionRecord
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.policies.decision_counts import RegionCounts
    from policy_service.services import Services
    from rules.analysis.report import DocumentReport
    from rules.analysis.semantic_diff import SemanticDiff
    from rules.model.document import Document

_STRICT = ConfigDict(extra="forbid", strict=True)
FreeText = Annotated[str, StringConstraints(max_length=500)]
"""By admins; kept in the ledger for good, and so not for personal data."""
AGAINST = {"against": Parameter(Number, "The version to compare with; else the active one.", 1)}


def _object_or_text(written: object) -> object:
    if not isinstance(written, dict | str):
        raise PydanticCustomError("wrong_type", "Send an object, or YAML in a text")
    return written


Written = Annotated[
    Any,
    AfterValidator(_object_or_text),
    WithJsonSchema(
        {
            "description": "A rule document, format 1: as JSON, or as YAML in a text.",
            "anyOf": [{"type": "object"}, {"type": "string"}],
        }
    ),
]


class Proposal(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    document: Written
    note: NotRequired[FreeText | None]


class Approval(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    digest: str


class Rejection(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    reason: FreeText


_NOTHING_BESIDE_A_SHADOW: dict[str, Any] = {
    "if": {"properties": {"shadow": {"const": True}}, "required": ["shadow"]},
    "then": {
        "properties": {"percent": {"type": "null"}, "apply_to_running": {"enum": [False, None]}}
    },
}


class ActivationRequest(TypedDict):
    """How to activate: as it stands, now, for all conversations that begin from here on."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        **_STRICT, json_schema_extra=_NOTHING_BESIDE_A_SHADOW
    )
    at: NotRequired[Timestamp | None]
    """From this time on; one that is past is now."""
    percent: NotRequired[Annotated[int, Field(ge=1, le=ALL_PERCENT)] | None]
    """For so many of 100 conversations, always the same ones; the share only grows."""
    shadow: NotRequired[bool | None]
    """Decide nothing: what it would decide is recorded with each decision."""
    apply_to_running: NotRequired[bool | None]
    """Also for conversations that have begun and wait for something."""


PROPOSAL = TypeAdapter(Proposal)
APPROVAL = TypeAdapter(Approval)
REJECTION = TypeAdapter(Rejection)
ACTIVATION = TypeAdapter(ActivationRequest)


def policy(service: Services, _: Key, workspace: str) -> Response:
    """The active version's document."""
    query()
    _up_to_date(service, workspace)
    with service.store.read() as snapshot:
        active = service.policies.active_version(snapshot, workspace)
        document = load_document(snapshot, active.digest)
    return answer({"version": active.number, "digest": active.digest, "document": document.tree})


def propose(service: Services, caller: Key, workspace: str) -> Response:
    """A new version, proposed; 422 with every complaint where the document is not accepted."""
    query()
    proposal = json_as(PROPOSAL, LARGEST_DOCUMENT_BODY)
    document = document_from(proposal["document"])
    note = proposal.get("note")
    prove_before_transaction(service.store, service.policies, workspace, document)
    entered = _enter(service, caller, workspace, lambda steps: steps.propose(document, note))
    return answer(entered, 201)


def catalogue(service: Services, _: Key, workspace: str) -> Response:
    """The versions in the order of their numbers."""
    after, limit = page(query(*PAGE), MAX_SAFE_INTEGER)
    _up_to_date(service, workspace)
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
    numbers = sorted(number for number in versions.records if number > (after or 0))
    shown = numbers[:limit]
    more = shown[-1] if len(numbers) > limit else None
    return listing([version_view(versions.records[number], versions) for number in shown], more)


def show(service: Services, _: Key, workspace: str, number: int) -> Response:
    """One version with its document."""
    query()
    _up_to_date(service, workspace)
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
        record = require_version(versions, number)
        document = load_document(snapshot, record.digest)
    return answer({**version_view(record, versions), "document": document.tree})


def diff(service: Services, _: Key, workspace: str, number: int) -> Response:
    """What the version says otherwise, rule by rule, setting by setting: after, and before.

    What was before is said by the version `against`, or by the active one.
    """
    given = query(*AGAINST)
    _up_to_date(service, workspace)
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
        later = require_version(versions, number)
        if "against" in given:
            earlier = require_version(
                versions, whole_number("against", given["against"], MAX_SAFE_INTEGER)
            )
        else:
            earlier = service.policies.active_version(snapshot, workspace)
        before, after = (load_document(snapshot, record.digest) for record in (earlier, later))
    meant = compare_versions(before, after)
    counts = _counted(service, workspace, meant)
    told = {**difference_view(compare_texts(before, after)), **semantic_changes_view(meant, counts)}
    return answer({"version": number, "against": earlier.number, **told})


def report(service: Services, _: Key, workspace: str, number: int) -> Response:
    """What a check has to say of the version: findings, proved properties, rules without a test.

    It is said over all facts, each finding with an example. Guardrails are those that are set now.
    """
    query()
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
        record = require_version(versions, number)
        document = load_document(snapshot, record.digest)
        told = read_directory(snapshot, workspace)
        asked = read_guardrails(snapshot, versions)
    report = report_version(document, told.directory)
    said = report_view(report, _counted(service, workspace, report))
    held = {"guardrails": guardrail_results_view(judge_guardrails(document, asked))}
    return answer({"version": number, "digest": record.digest, **said, **held})


def _counted(
    service: Services, workspace: str, told: DocumentReport | SemanticDiff
) -> RegionCounts:
    with service.store.read() as snapshot:  # another one: none is kept open while it is searched
        return count_newest_decisions(snapshot, workspace, list_regions(told))


def approve(service: Services, caller: Key, workspace: str, number: int) -> Response:
    """Agree to a proposed version; the digest says to what."""
    query()
    digest = json_as(APPROVAL)["digest"]
    return answer(_enter(service, caller, workspace, lambda steps: steps.approve(number, digest)))


def reject(service: Services, caller: Key, workspace: str, number: int) -> Response:
    """Refuse a proposed version for good."""
    query()
    reason = json_as(REJECTION)["reason"]
    return answer(_enter(service, caller, workspace, lambda steps: steps.reject(number, reason)))


def activate(service: Services, caller: Key, workspace: str, number: int) -> Response:
    """Let the version decide: now, or at a time; for all, for a share, or in the shadow.

    When this is answered no conversation begins on what was replaced. One that has begun keeps its
    version, unless `apply_to_running` says otherwise. What is scheduled is suspended, where another
    version is active by then. Activating an older version is rolling back.
    """
    query()
    how = activation_from(json_as(ACTIVATION))
    return answer(_enter(service, caller, workspace, lambda steps: steps.activate(number, how)))


def activation_from(asked: ActivationRequest) -> Activation:
    """How to activate, as it was asked for; Problem `invalid_request` where that contradicts."""
    if asked.get("shadow") and (asked.get("percent") or asked.get("apply_to_running")):
        both = Complaint("/shadow", "not_allowed", "In the shadow it decides for no conversation")
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, "A version in the shadow decides nothing", [both]
        )
    at = asked.get("at")
    return Activation(
        at=parse_timestamp(at) if at else None,
        percent=asked.get("percent"),
        shadow=bool(asked.get("shadow")),
        apply_to_running=bool(asked.get("apply_to_running")),
    )


def _enter(
    service: Services, caller: Key, workspace: str, step: Callable[[VersionSteps], VersionRecord]
) -> dict[str, Any]:
    """Take the step; the version as it is after it."""

    def work(tx: Transaction) -> dict[str, Any]:
        record = step(VersionSteps(tx, service.policies, workspace, caller))
        return version_view(record, service.policies.versions(tx, workspace))

    return service.store.transact(work)


def _up_to_date(service: Services, workspace: str) -> None:
    """Do what is due first, so that nobody is told what no longer holds."""
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
    if has_due_activation(versions, service.store.now()):
        service.store.transact(lambda tx: apply_due_activations(tx, service.policies, workspace))


def document_from(written: dict[str, Any] | str) -> Document:
    """The document that was sent; InvalidDocumentError with every complaint."""
    return read_document(read_yaml(written) if isinstance(written, str) else read_value(written))
