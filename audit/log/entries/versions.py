"""Entries about the versions of a workspace's rule document, and what it asks of them."""

from __future__ import annotations

from dataclasses import dataclass

from audit.log.entries.content import SignedOffContent
from audit.log.leaf import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionContent(SignedOffContent):
    """A step of one version."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDocumentContent(VersionContent):
    """A step of one version that names the digest of its document."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProposed(VersionDocumentContent):
    """A document proposed as the next version."""

    kind = EntryKind.VERSION_PROPOSED
    title: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionApproved(VersionDocumentContent):
    """The approval of a version by one key."""

    kind = EntryKind.VERSION_APPROVED


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
class VersionActivated(VersionDocumentContent):
    """The activation of a version: for all, for a percentage, or as a shadow.

    `schedule` is the index of the entry that scheduled it.
    """

    kind = EntryKind.VERSION_ACTIVATED
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False
    schedule: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionScheduled(VersionDocumentContent):
    """An activation at a later time, `due`; `against` is the version that was active then."""

    kind = EntryKind.VERSION_SCHEDULED
    due: str
    against: int | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUnscheduled(VersionContent):
    """The end of a scheduled activation before its time.

    `schedule` is the index of the entry that scheduled it. `UNSCHEDULED_REASONS` lists the reasons.
    """

    kind = EntryKind.VERSION_UNSCHEDULED
    schedule: int
    reason: str


UNSCHEDULED_REASONS = ("replaced", "cancelled", "activated", "rolled_back")
"""The reasons for which a schedule ends before its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSuspended(VersionDocumentContent):
    """A scheduled activation that was not done when it was due, and why."""

    kind = EntryKind.VERSION_SUSPENDED
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
