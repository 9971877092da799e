"""The shapes of answers, as they are described to clients.

Views build their answers as mappings; the tests hold every answer they see to these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from audit import entry as audit_entry
from audit.projections import action_status as audit_receipts
from audit.projections import versions as audit_versions
from rules.model import event, vocabulary

STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
Hash = Annotated[str, Field(pattern="^[A-Za-z0-9+/]{43}=$")]
DecisionId = Annotated[str, Field(pattern="^dec-[a-z2-7]{26}$")]
ActionId = Annotated[str, Field(pattern=r"^dec-[a-z2-7]{26}\.(0|[1-9][0-9]*)$")]
ContactId = event.ShortText
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Outcome = vocabulary.Outcome
Stage = vocabulary.Stage
Kind = audit_entry.EntryKind
Status = audit_versions.VersionStatus
ActionStatus = audit_receipts.ActionStatus
RuleDocument = Annotated[
    dict[str, Any], Field(description="A rule document, format 1, as it was proposed.")
]
Cursor = Annotated[
    str | None, Field(description="Send it as `after` for the next page; null on the last one.")
]


class Choice(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    value: Literal["customer", "not_customer"]
    label: str


class _Action(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: ActionId


class Ask(_Action):
    """Ask whether the visitor is a customer."""

    type: Literal["ask"]
    text: str
    choices: list[Choice]
    expires_at: Time


class CollectContact(_Action):
    """Ask for contact details."""

    type: Literal["collect_contact"]
    fields: list[str]
    text: str
    expires_at: Time


class Qualify(_Action):
    """Ask a lead for these fields."""

    type: Literal["qualify"]
    fields: list[str]
    expires_at: Time


class AssignToTeam(_Action):
    type: Literal["assign"]
    team: str


class AssignToTeammate(_Action):
    type: Literal["assign"]
    teammate: str


class SendMessage(_Action):
    type: Literal["send_message"]
    text: str


class AddTag(_Action):
    type: Literal["add_tag"]
    tag: str


class SalesforceLead(_Action):
    """Make a lead of these fields, of which the values are the platform's."""

    type: Literal["salesforce_lead"]
    fields: list[str]


class Note(_Action):
    """A note for teammates alone."""

    type: Literal["note"]
    text: str


class CloseConversation(_Action):
    type: Literal["close_conversation"]


Action = (
    Ask
    | CollectContact
    | Qualify
    | AssignToTeam
    | AssignToTeammate
    | SendMessage
    | AddTag
    | SalesforceLead
    | Note
    | CloseConversation
)


class PolicyOfDecision(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int
    digest: Digest


class LedgerPosition(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    log: str
    index: int
    leaf_hash: Hash


class Ruled(TypedDict):
    """What is decided of one event, wherever."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: DecisionId
    event: str
    workspace: str
    conversation: str
    outcome: Outcome
    reason: str
    """A stable word of the rule that held."""
    rule: str
    """The id of the rule that held, `otherwise` where none did."""
    stage: Stage
    """How far the routing of the conversation has come with this decision."""
    actions: list[Action]
    """What is to be carried out, in this order."""


class Decision(Ruled):
    """What the service answers to one event."""

    policy: PolicyOfDecision
    """The version that decided."""
    decided_at: Time
    ledger: LedgerPosition
    """Where the decision stands in the ledger."""


class Policy(TypedDict):
    """The rules that decide now."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int
    digest: Digest
    document: RuleDocument


class Step(TypedDict):
    """One step of a version: whose it was, when, and the index of its entry."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    by: str
    at: Time
    index: int
    reason: NotRequired[str]
    percent: NotRequired[int]
    """Of an activation for a share of the conversations."""
    shadow: NotRequired[bool]
    apply_to_running: NotRequired[bool]


class Scheduled(Step):
    """An activation that is to come."""

    due: Time


class Version(TypedDict):
    """One immutable, numbered policy, known by its digest."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int
    digest: Digest
    status: Status
    title: str | None
    note: str | None
    proposed_by: str
    """The id of a key, or `system`."""
    proposed_at: Time | None
    """Null before a workspace's first write."""
    approvals: list[Step]
    activations: list[Step]
    scheduled: list[Scheduled]
    rejected: Step | None


class VersionWithDocument(Version):
    """A version with its document."""

    document: RuleDocument


class VersionPage(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[Version]
    next: Cursor


class Leaf(TypedDict):
    """A leaf of the tree as it was hashed; its further members depend on `kind`."""

    __pydantic_config__ = ConfigDict(extra="allow", use_attribute_docstrings=True)  # type: ignore[misc]
    format: Literal[1]
    kind: Kind
    at: Time
    workspace: str


class PersonalPart(TypedDict):
    """What the leaf commits to: `commitment` is SHA-256 over the salt and the canonical part."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    salt: Hash
    part: dict[str, Any]


class LedgerEntry(TypedDict):
    """One line of a log."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    index: int
    kind: Kind
    at: Time
    leaf_hash: Hash
    """SHA-256 over byte 0 and the leaf's canonical JSON."""
    entry: Leaf
    personal: PersonalPart | None
    """Null where the entry rests on no personal data, or where it was erased."""


class LedgerPage(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[LedgerEntry]
    next: Cursor


class AskedAction(TypedDict):
    """An action with the decision that asks for it, and what became of it.

    Beside `id` and `type` it has the members of an action of its type.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: ActionId
    type: vocabulary.ActionType
    text: NotRequired[str]
    choices: NotRequired[list[Choice]]
    fields: NotRequired[list[str]]
    team: NotRequired[str]
    teammate: NotRequired[str]
    tag: NotRequired[str]
    expires_at: NotRequired[Time]
    decision: DecisionId
    event: str
    conversation: str
    index: int
    """Of the decision, in the log."""
    status: ActionStatus
    status_at: Time | None
    """When it was entered; null where nothing was."""
    status_by: str | None
    """The key that entered it."""
    detail: str | None


class ActionPage(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[AskedAction]
    next: Cursor


class Alive(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    status: Literal["ok"]


class Ready(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    status: Literal["ready"]


class Error(TypedDict):
    """One thing wrong with what was sent."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    pointer: str
    """A JSON pointer (RFC 6901) to where."""
    message: str
    code: str
    line: NotRequired[int]
    """In a document that was sent as YAML."""


class Problem(TypedDict):
    """Problem details (RFC 9457)."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    """Stable; what programs should look at."""
    detail: str
    errors: NotRequired[list[Error]]
