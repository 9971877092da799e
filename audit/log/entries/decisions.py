"""The type of a decision's leaf.

A decision has no class: one is written for every event, so its leaf is made in one step.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class PolicyReference(TypedDict):
    """The version that decided, and its document's digest."""

    version: int
    digest: str


class ShadowedDecision(TypedDict):
    """The decision of the version in the shadow."""

    policy: PolicyReference
    outcome: str
    reason: str
    rule: str
    stage: str


class DecisionLeaf(TypedDict):
    """The leaf of a decision."""

    format: int
    kind: str
    at: str
    workspace: str
    id: str
    event: str
    conversation: str
    occurred_at: str
    language: NotRequired[str]
    facts: dict[str, Any]
    policy: PolicyReference
    outcome: str
    reason: str
    rule: str
    stage: str
    actions: list[dict[str, Any]]
    question: NotRequired[str]
    question_expires_at: NotRequired[str]
    shadow: NotRequired[ShadowedDecision]
    commitment: str
