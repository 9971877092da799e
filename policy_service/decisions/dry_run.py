"""Dry runs: a decision without an entry; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from policy_service.decisions.explanation import explanation_view
from policy_service.decisions.record import (
    conversation_of,
    decision_id,
    decision_members,
    decision_of,
)
from policy_service.policies.activation import require_version
from policy_service.policies.choose_version import ChosenPolicies, choose_version
from rules.engine.compiler import compile_document
from rules.engine.evaluator import explain_ruling
from rules.model.vocabulary import WAITING_STAGES

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.policies.policy_cache import PolicyCache
    from rules.engine.facts import Conversation
    from rules.model.document import Document
    from rules.model.event import Event


@dataclass(frozen=True, slots=True)
class DryRunRequest:
    """An event, and assumptions that replace the recorded state.

    `stage` and `asks` describe the conversation; `version` or `document` decides. An event that was
    decided before is treated as a new event.
    """

    event: Event
    stage: str | None = None
    asks: int | None = None
    version: int | None = None
    document: Document | None = None


def decide_dry_run(
    trial: DryRunRequest, policies: PolicyCache, snapshot: Snapshot
) -> dict[str, Any]:
    """Return the decision, without its time and position in the ledger, and its explanation."""
    workspace = trial.event["workspace"]["id"]
    before = snapshot.latest_decision(workspace, trial.event["conversation"]["id"])
    last = before.value if before else None
    conversation = _assumed_conversation(trial, conversation_of(last))
    pinned = before if conversation.stage in WAITING_STAGES else None
    chosen = _chosen(trial, policies, snapshot, pinned)
    policy = chosen.policy
    identity = decision_id(workspace, trial.event["id"])
    decision, _ = chosen.decide(trial.event, conversation, identity)
    members = decision_of(decision_members(trial.event, decision, chosen.version, policy))
    explained = explanation_view(
        explain_ruling(policy.bound_document, decision.facts), decision.facts
    )
    view = {**members, "decided_at": None, "ledger": None}
    return {"decision": view, "explanation": {"decision": view, **explained}}


def _assumed_conversation(trial: DryRunRequest, recorded: Conversation) -> Conversation:
    stage = recorded.stage if trial.stage is None else trial.stage
    asks = recorded.asks if trial.asks is None else trial.asks
    return replace(recorded, stage=stage, asks=asks)


def _chosen(
    trial: DryRunRequest, policies: PolicyCache, snapshot: Snapshot, before: Entry | None
) -> ChosenPolicies:
    if trial.document is not None:
        return ChosenPolicies(None, compile_document(trial.document))
    workspace = trial.event["workspace"]["id"]
    versions = policies.versions(snapshot, workspace)
    if trial.version is not None:
        record = require_version(versions, trial.version)
    else:
        record = choose_version(versions, workspace, trial.event["conversation"]["id"], before)
    return ChosenPolicies(record.number, policies.compiled(snapshot, record.digest))
