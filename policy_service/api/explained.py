"""The shapes of what explains decisions, as they are described to clients."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from policy_service.api.shapes import STRICT, Decision, Digest, Ruled

Fact = str | bool | int | float


class Failed(TypedDict):
    """The first test of a rule that did not hold."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    fact: str
    """Its name; `any` where none of the alternatives held."""
    expected: Any
    """The test as the document writes it, settings in place of their names."""
    actual: Any
    """Null for an unknown fact."""


class Tried(TypedDict):
    """One rule that was asked."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rule: str
    held: bool
    failed: Failed | None
    """Null where it held."""


class _Reasons(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    facts: dict[str, Fact]
    """What was known of the event; an unknown fact is absent."""
    tried: list[Tried]
    """Every rule up to the one that held, in order."""


class Explanation(_Reasons):
    """A decision, the facts it rests on, and every rule up to the one that held."""

    decision: Decision


class PolicyOfTrial(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int | None
    """Null for a document that is no version."""
    digest: Digest


class TrialDecision(Ruled):
    """A decision that was not made: it stands in no ledger, and has no time."""

    policy: PolicyOfTrial
    decided_at: None
    ledger: None


class TrialExplanation(_Reasons):
    decision: TrialDecision


class DryRun(TypedDict):
    """What would be decided, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    decision: TrialDecision
    explanation: TrialExplanation
