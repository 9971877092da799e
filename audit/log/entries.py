"""The contents of a log's entries: one class per kind, with a codec in both directions.

`to_leaf` gives the leaf of format 1, `parse_leaf` reads one. A member that is None, or a flag that
is False, is absent from the leaf. docs/architecture.md lists the members of each kind.

A decision has no class: it is written for every event, so its leaf is made in one step and typed by
`DecisionLeaf`.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NotRequired, Self, TypedDict

from audit.errors import BadLeafError
from audit.log.leaf import FORMAT, EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
    shadow: NotRequired[ShadowedDecision]
    commitment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryContent:
    """The content of an entry: its time, as `format_time` writes it, and its log."""

    kind: ClassVar[EntryKind]
    at: str
    workspace: str

    def to_leaf(self) -> dict[str, Any]:
        """Return the leaf of this content."""
        leaf: dict[str, Any] = {"format": FORMAT, "kind": self.kind.value}
        for member in fields(self):
            value = getattr(self, member.name)
            if value is not None and value is not False:
                leaf[_name_in_leaf(member)] = _to_json(value)
        return leaf

    @classmethod
    def from_leaf(cls, leaf: Mapping[str, Any]) -> Self:
        """Return the content of a leaf of this kind; members that it does not have are ignored.

        Raises BadLeafError naming the first member that is missing or of another type.
        """
        return cls(**_read(cls, leaf))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOffContent(EntryContent):
    """The content of an entry that a key, or `system`, is responsible for."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReceipt(SignedOffContent):
    """A report on one action of a decision."""

    action: str
    event: str
    conversation: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDelivered(ActionReceipt):
    """The report that an action was carried out."""

    kind = EntryKind.ACTION_DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFailed(ActionReceipt):
    """The report that an action was not carried out."""

    kind = EntryKind.ACTION_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionWithdrawn(ActionReceipt):
    """The report that an action will not be carried out any more."""

    kind = EntryKind.ACTION_WITHDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRetried(ActionReceipt):
    """The request to carry out a failed action again."""

    kind = EntryKind.ACTION_RETRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionContent(SignedOffContent):
    """A step of one version."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProposed(VersionContent):
    """A document proposed as the next version."""

    kind = EntryKind.VERSION_PROPOSED
    digest: str
    title: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionApproved(VersionContent):
    """The approval of a version by one key."""

    kind = EntryKind.VERSION_APPROVED
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRejected(VersionContent):
    """The rejection of a proposed version."""

    kind = EntryKind.VERSION_REJECTED
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSuperseded(VersionContent):
    """The end of a proposed version, because a newer one was proposed."""

    kind = EntryKind.VERSION_SUPERSEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionActivated(VersionContent):
    """The activation of a version: for all, for a percentage, or as a shadow.

    `schedule` is the index of the entry that scheduled it.
    """

    kind = EntryKind.VERSION_ACTIVATED
    digest: str
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False
    schedule: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionScheduled(VersionContent):
    """An activation at a later time, `due`; `against` is the version that was active then."""

    kind = EntryKind.VERSION_SCHEDULED
    digest: str
    due: str
    against: int | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSuspended(VersionContent):
    """A scheduled activation that was not done when it was due, and why."""

    kind = EntryKind.VERSION_SUSPENDED
    digest: str
    schedule: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRetired(VersionContent):
    """The end of a version that decided."""

    kind = EntryKind.VERSION_RETIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsRequired(SignedOffContent):
    """The number of approvals that a version needs from this entry on."""

    kind = EntryKind.VERSION_APPROVALS
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailsSet(SignedOffContent):
    """The guardrails of a workspace; `digest` is that of their document."""

    kind = EntryKind.VERSION_GUARDRAILS
    digest: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryReplaced(SignedOffContent):
    """The directory of a workspace; `digest` is that of its document."""

    kind = EntryKind.DIRECTORY_REPLACED
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactErased(SignedOffContent):
    """An erasure; `entries` are the indices, ascending, whose personal data was destroyed."""

    kind = EntryKind.CONTACT_ERASED
    reason: str
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRefused(SignedOffContent):
    """An erasure that the named holds prevented; its personal data is the contact."""

    kind = EntryKind.ERASURE_REFUSED
    reason: str
    holds: tuple[str, ...]
    commitment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSet(SignedOffContent):
    """A hold of a contact, which is its personal data; without one, of the whole workspace."""

    kind = EntryKind.HOLD_SET
    hold: str
    reason: str
    commitment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased(SignedOffContent):
    """The end of a hold."""

    kind = EntryKind.HOLD_RELEASED
    hold: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCreated(EntryContent):
    """A new API key; `reach` is a workspace or `*`, and `for` in the leaf."""

    kind = EntryKind.KEY_CREATED
    key: str
    role: str
    reach: str = field(metadata={"name": "for"})
    name: str
    secret_sha256: str
    expires_at: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(EntryContent):
    """The end of an API key."""

    kind = EntryKind.KEY_REVOKED
    key: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSigned(EntryContent):
    """A signed checkpoint of another log; `root` is in base64, `note` the whole signed note."""

    kind = EntryKind.CHECKPOINT
    log: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True)
class LostEntries:
    """A checkpoint that a restored log does not reach; `there` is the size that the log had."""

    log: str
    size: int
    root: str
    there: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRestored(SignedOffContent):
    """The acceptance of a loss by an owner's key, `by`, and an approver's."""

    kind = EntryKind.LEDGER_RESTORED
    approved_by: str
    lost: tuple[LostEntries, ...]


CONTENT_BY_KIND: Mapping[EntryKind, type[EntryContent]] = MappingProxyType(
    {
        content.kind: content
        for content in (
            *(ActionDelivered, ActionFailed, ActionWithdrawn, ActionRetried),
            *(VersionProposed, VersionApproved, VersionRejected, VersionSuperseded),
            *(VersionActivated, VersionScheduled, VersionSuspended, VersionRetired),
            *(ApprovalsRequired, GuardrailsSet, DirectoryReplaced),
            *(ContactErased, ErasureRefused, HoldSet, HoldReleased),
            *(KeyCreated, KeyRevoked, CheckpointSigned, LedgerRestored),
        )
    }
)
"""The class of each kind but `decision`."""


def parse_leaf(leaf: Mapping[str, Any]) -> EntryContent | None:
    """Return the content of a leaf; None for a decision.

    Raises BadLeafError for an unknown kind, or if a member is missing or of another type.
    """
    try:
        kind = EntryKind(leaf.get("kind", ""))
    except ValueError as error:
        raise BadLeafError(f"the leaf's kind {leaf.get('kind')!r} is unknown") from error
    content = CONTENT_BY_KIND.get(kind)
    return content.from_leaf(leaf) if content else None


def _read(content: type[Any], leaf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a class, read from JSON by the types of its fields."""
    return {member.name: _read_member(member, leaf) for member in fields(content)}


def _read_member(member: Field[Any], leaf: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as its field
    name = _name_in_leaf(member)
    value = leaf.get(name)
    if value is None and member.default is not MISSING:
        return member.default
    is_right, convert = _TYPES[str(member.type).removesuffix(" | None")]
    if not is_right(value):
        raise BadLeafError(f"the {leaf.get('kind', 'entry')} has no `{name}` of the right type")
    return convert(value) if convert else value


def _name_in_leaf(member: Field[Any]) -> str:
    return str(member.metadata.get("name", member.name))


def _to_json(value: object) -> object:
    if isinstance(value, tuple):
        return [_to_json(each) for each in value]
    return asdict(value) if isinstance(value, LostEntries) else value


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list_of(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _read_lost(items: list[Mapping[str, Any]]) -> tuple[LostEntries, ...]:
    return tuple(LostEntries(**_read(LostEntries, item)) for item in items)


_TYPES: Mapping[str, tuple[Callable[[object], bool], Callable[[Any], Any] | None]] = {
    "str": (_is_text, None),
    "int": (_is_integer, None),
    "bool": (lambda value: isinstance(value, bool), None),
    "tuple[int, ...]": (_is_list_of(_is_integer), tuple),
    "tuple[str, ...]": (_is_list_of(_is_text), tuple),
    "tuple[LostEntries, ...]": (_is_list_of(lambda item: isinstance(item, dict)), _read_lost),
}
"""For each type of a field: a test of the JSON value, and its conversion if it needs one."""
