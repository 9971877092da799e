"""The answers of the service as the client types them; the tests compare them with the schemas."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class ErrorView(TypedDict):
    """One thing that is wrong with a request."""

    pointer: str
    message: str
    code: str
    line: NotRequired[int]


class ProblemView(TypedDict):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: NotRequired[list[ErrorView]]


class DecidingVersionView(TypedDict):
    """The version that decided."""

    version: int
    digest: str


class LedgerPositionView(TypedDict):
    """The position of an entry in the ledger."""

    log: str
    index: int
    leaf_hash: str


class RulingView(TypedDict):
    """The members that a decision and a dry run have in common."""

    id: str
    event: str
    workspace: str
    conversation: str
    outcome: str
    reason: str
    rule: str
    stage: str
    actions: list[dict[str, Any]]


class DecisionView(RulingView):
    """The decision on one event."""

    policy: DecidingVersionView
    decided_at: str
    ledger: LedgerPositionView


class UnmetTestView(TypedDict):
    """The first test of a rule that did not hold."""

    fact: str
    expected: Any
    actual: Any


class TriedRuleView(TypedDict):
    """One rule that was tried."""

    rule: str
    held: bool
    failed: UnmetTestView | None


class ReasonsView(TypedDict):
    """The members that every explanation has."""

    facts: dict[str, str | bool | float]
    tried: list[TriedRuleView]


class ErasureEntryView(TypedDict):
    """The entry of an erasure."""

    index: int
    at: str


class ExplanationView(ReasonsView):
    """A decision, its facts, and every rule up to the rule that held."""

    decision: DecisionView
    erased: NotRequired[ErasureEntryView]


class DryRunVersionView(TypedDict):
    """The version or document that would decide."""

    version: int | None
    digest: str


class DryRunDecisionView(RulingView):
    """A decision that was not made."""

    policy: DryRunVersionView
    decided_at: None
    ledger: None


class DryRunExplanationView(ReasonsView):
    """A decision that was not made, its facts, and the rules that were tried."""

    decision: DryRunDecisionView


class DryRunView(TypedDict):
    """The decision that would be made, and its explanation."""

    decision: DryRunDecisionView
    explanation: DryRunExplanationView


class PersonalPartView(TypedDict):
    """The personal part of an entry."""

    salt: str
    part: dict[str, Any]


class KeyNameView(TypedDict):
    """The id and the name of a key; `system` has no name."""

    key: str
    name: str | None


class ApproverView(KeyNameView):
    """A key that approved a version, and the time."""

    at: str


class StoryEventView(TypedDict):
    """One event of a conversation, its decision and the version that decided."""

    index: int
    event: str
    type: str
    occurred_at: str
    decided_at: str
    decision: str
    outcome: str
    reason: str
    rule: str
    stage: str
    version: int
    digest: str
    author: KeyNameView
    approvers: list[ApproverView]
    actions: list[dict[str, Any]]
    personal: NotRequired[PersonalPartView | None]
    erased: NotRequired[ErasureEntryView]


class ActionStateView(TypedDict):
    """An action with its decision and its status."""

    id: str
    type: str
    text: NotRequired[str]
    choices: NotRequired[list[dict[str, str]]]
    fields: NotRequired[list[str]]
    team: NotRequired[str]
    teammate: NotRequired[str]
    tag: NotRequired[str]
    expires_at: NotRequired[str]
    decision: str
    event: str
    conversation: str
    index: int
    status: str
    status_at: str | None
    status_by: str | None
    detail: str | None


class PolicyView(TypedDict):
    """The rules that decide now."""

    version: int
    digest: str
    document: dict[str, Any]


class StepView(TypedDict):
    """One step of a version."""

    by: str
    at: str
    index: int
    reason: NotRequired[str]
    percent: NotRequired[int]
    shadow: NotRequired[bool]
    apply_to_running: NotRequired[bool]


class ReasonedStepView(TypedDict):
    """A step with its reason."""

    by: str
    at: str
    index: int
    reason: str


class ScheduledActivationView(StepView):
    """An activation in the future."""

    due: str


class VersionView(TypedDict):
    """One immutable, numbered version."""

    version: int
    digest: str
    status: str
    title: str | None
    note: str | None
    proposed_by: str
    proposed_at: str | None
    approvals: list[StepView]
    activations: list[StepView]
    scheduled: list[ScheduledActivationView]
    rejected: ReasonedStepView | None


class VersionWithDocumentView(VersionView):
    """A version with its document."""

    document: dict[str, Any]


class ChangeView(TypedDict):
    """One part of a document that differs."""

    name: str
    before: Any
    after: Any


class ExaminedDecisionsView(TypedDict):
    """The recorded decisions that were examined."""

    decisions: int
    complete: bool


class DiffView(TypedDict):
    """The differences between two versions."""

    version: int
    against: int
    settings: list[ChangeView]
    rules: list[ChangeView]
    moved_rules: list[str]
    texts: list[ChangeView]
    facts: list[ChangeView]
    properties: list[ChangeView]
    semantic_changes: list[dict[str, Any]]
    semantic_changes_complete: bool
    recorded: ExaminedDecisionsView


class ApprovalsView(TypedDict):
    """The number of keys that must approve a version."""

    count: int
    since: ReasonedStepView | None


class GuardrailsView(TypedDict):
    """The properties that a document must have to be proposed."""

    properties: list[dict[str, Any]]
    digest: str | None
    since: ReasonedStepView | None


class DirectoryUpdateView(TypedDict):
    """The key that sent the directory, the time, and the index of the entry."""

    by: str
    at: str
    index: int


class DirectoryView(TypedDict):
    """The names of the workspace."""

    teams: list[str] | None
    teammates: list[str] | None
    tags: list[str] | None
    digest: str | None
    since: DirectoryUpdateView | None


class LedgerEntryView(TypedDict):
    """One entry of a log."""

    index: int
    kind: str
    at: str
    leaf_hash: str
    entry: dict[str, Any]
    personal: PersonalPartView | None
