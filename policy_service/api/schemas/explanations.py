"""The shapes of what explains decisions and versions, as they are described to clients."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict
from typing_extensions import TypedDict

from policy_service.api.schemas.common import (
    STRICT,
    ActionId,
    Cursor,
    Decision,
    DecisionId,
    Digest,
    Outcome,
    PersonalPart,
    Ruled,
    Stage,
    Time,
)
from rules.model import vocabulary

ActionType = vocabulary.ActionType
Fact = str | bool | int | float


class Failed(TypedDict):
    """The first test of a rule that did not hold."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
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


class Erased(TypedDict):
    """The entry that says that a person was erased."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    index: int
    at: Time


class Explanation(_Reasons):
    """A decision, the facts it rests on, and every rule up to the one that held."""

    decision: Decision
    erased: NotRequired[Erased]
    """There where the event itself was erased; the facts stay."""


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


class Who(TypedDict):
    """A key, by its id and its name; `system` has no name."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    key: str
    name: str | None


class Approver(Who):
    at: Time


class ToldAction(TypedDict):
    """An action as its decision has it, and what became of it."""

    __pydantic_config__ = ConfigDict(extra="allow", use_attribute_docstrings=True)  # type: ignore[misc]
    id: ActionId
    type: ActionType
    status: Literal["pending", "delivered", "failed", "withdrawn"]


class Told(TypedDict):
    """One event of a conversation."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    index: int
    event: str
    type: str
    occurred_at: str
    decided_at: Time
    decision: DecisionId
    outcome: Outcome
    reason: str
    rule: str
    stage: Stage
    version: int
    digest: Digest
    author: Who
    """Who proposed the version."""
    approvers: list[Approver]
    actions: list[ToldAction]
    personal: NotRequired[PersonalPart | None]
    """For auditors alone; null where it was erased."""
    erased: NotRequired[Erased]
    """There where what is personal was erased."""


class Story(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[Told]
    next: Cursor


class Change(TypedDict):
    """One thing that is written otherwise."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    name: str
    before: Any
    """Null where it was not there."""
    after: Any
    """Null where it is there no longer."""
