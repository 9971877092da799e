"""The versions of a workspace's policy: a pure fold of its log's `version.*` entries.

There is no table of versions: the entries decide which version is active, approved or retired. One
version decides for all conversations. Another may be on trial for a share of the conversations, and
one may be a shadow, which decides nothing. Each schedule ends once: it is activated or suspended.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from audit.errors import BrokenHistoryError
from audit.log.entries import (
    ApprovalsRequired,
    GuardrailsSet,
    VersionActivated,
    VersionApproved,
    VersionContent,
    VersionDocumentContent,
    VersionProposed,
    VersionRejected,
    VersionRetired,
    VersionScheduled,
    VersionSuperseded,
    VersionSuspended,
    VersionUnscheduled,
    parse_leaf,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from audit.log.entries import EntryContent

BUCKETS_OF_A_PERCENT = 100


class VersionStatus(StrEnum):
    """The status of one version."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class VersionStep:
    """One step of a version: the entry's index, its time as in the leaf, and its author."""

    index: int
    at: str
    by: str
    reason: str | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False


@dataclass(frozen=True, slots=True)
class ScheduledActivation:
    """A future activation: its entry, its due time, and the version that was active then.

    Due times have the format of leaves, so that they sort.
    """

    step: VersionStep
    number: int
    due: str
    against: int | None


@dataclass(frozen=True, slots=True)
class VersionTrial:
    """A version that decides for the conversations in the first `percent` of 100 shares."""

    number: int
    percent: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """All steps of one version, in the order of the log."""

    number: int
    digest: str
    status: VersionStatus
    title: str | None
    note: str | None
    proposed_by: str
    proposed_at: str
    approvals: tuple[VersionStep, ...] = ()
    activations: tuple[VersionStep, ...] = ()
    suspensions: tuple[VersionStep, ...] = ()
    retirements: tuple[VersionStep, ...] = ()
    rejection: VersionStep | None = None
    supersession: VersionStep | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one log at one of its sizes.

    `active` decides; it is None if no version does. `last_move_index` is the last entry that moved
    running conversations. `schedules` has the order of the log. A version needs the approval of
    `required_approvals` keys, set by `approvals_step`. `guardrails` is the digest of the properties
    that every proposal must have, set by `guardrails_step`.
    """

    active: int | None = None
    trial: VersionTrial | None = None
    shadow: int | None = None
    last_move_index: int = -1
    schedules: tuple[ScheduledActivation, ...] = ()
    required_approvals: int = 1
    approvals_step: VersionStep | None = None
    guardrails: str | None = None
    guardrails_step: VersionStep | None = None
    records: Mapping[int, VersionRecord] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def next_number(self) -> int:
        """The number of the next proposal."""
        return len(self.records) + 1

    def get(self, number: int) -> VersionRecord | None:
        """Return the record of a version; None if it was never proposed."""
        return self.records.get(number)

    def choose_version(self, pinned: tuple[int, int] | None, bucket: int) -> int | None:
        """Return the version that decides next in a conversation of this bucket, of 10,000.

        `pinned` is the version that the conversation's last decision pinned to it, and the index of
        that decision.
        """
        if pinned is not None and pinned[1] > self.last_move_index:
            return pinned[0]
        if self.trial and bucket < self.trial.percent * BUCKETS_OF_A_PERCENT:
            return self.trial.number
        return self.active

    def due_schedules(self, now: str) -> list[ScheduledActivation]:
        """Return the schedules that are due at this time, in the order of activation."""
        return sorted(
            (schedule for schedule in self.schedules if schedule.due <= now),
            key=attrgetter("due", "step.index"),
        )

    def with_entry(self, index: int, content: EntryContent) -> Versions:
        """Return the versions after one more entry; other kinds of entries change nothing.

        Raises BrokenHistoryError if the entry cannot follow: its number is not the next, its
        version was never proposed, or was proposed with another digest. The rules for a permitted
        step, such as the number of approvals, are not checked here.
        """
        match content:
            case VersionProposed():
                return self._with_proposal(content)
            case ApprovalsRequired():
                return self._with_required_approvals(index, content)
            case GuardrailsSet():
                step = VersionStep(index, content.at, content.by, content.reason)
                return replace(self, guardrails=content.digest, guardrails_step=step)
            case VersionContent():
                return self._with_step(content, _make_step(index, content))
        return self

    def _with_step(self, content: VersionContent, step: VersionStep) -> Versions:
        """Return the versions after a step of a proposed version."""
        updated = _STEPS[type(content)](self._require_record(content), step)
        updated = _update_approval_status(updated, self.required_approvals)
        records = MappingProxyType({**self.records, updated.number: updated})
        return replace(self._with_decider(content, step), records=records)

    def _with_decider(self, content: VersionContent, step: VersionStep) -> Versions:
        """Return the deciding versions and schedules after a step; the records stay the same."""
        number = content.version
        match content:
            case VersionScheduled():
                schedule = ScheduledActivation(step, number, content.due, content.against)
                return replace(self, schedules=(*self.schedules, schedule))
            case VersionSuspended() | VersionUnscheduled():
                return self._without_schedule(content.schedule)
            case VersionActivated():
                return self._with_activation(number, step, self._without_schedule(content.schedule))
            case VersionRetired():
                return self.without_version(number)
        return self

    @staticmethod
    def _with_activation(number: int, step: VersionStep, versions: Versions) -> Versions:
        last_move_index = step.index if step.apply_to_running else versions.last_move_index
        if step.shadow:
            return replace(versions, shadow=number)
        remaining_versions = versions.without_version(number)
        if step.percent is not None:
            return replace(
                remaining_versions,
                trial=VersionTrial(number, step.percent),
                last_move_index=last_move_index,
            )
        return replace(remaining_versions, active=number, last_move_index=last_move_index)

    def without_version(self, number: int) -> Versions:
        """Return the versions in which this version decides nothing any more."""
        return replace(
            self,
            active=None if self.active == number else self.active,
            trial=None if self.trial and self.trial.number == number else self.trial,
            shadow=None if self.shadow == number else self.shadow,
        )

    def _without_schedule(self, schedule: int | None) -> Versions:
        schedules = tuple(
            scheduled_activation
            for scheduled_activation in self.schedules
            if scheduled_activation.step.index != schedule
        )
        return replace(self, schedules=schedules)

    def _with_proposal(self, content: VersionProposed) -> Versions:
        if content.version != self.next_number:
            raise BrokenHistoryError(
                f"version {content.version} was proposed, but the next is {self.next_number}"
            )
        record = VersionRecord(
            number=content.version,
            digest=content.digest,
            status=VersionStatus.PROPOSED,
            title=content.title,
            note=content.note,
            proposed_by=content.by,
            proposed_at=content.at,
        )
        return replace(self, records=MappingProxyType({**self.records, record.number: record}))

    def _with_required_approvals(self, index: int, content: ApprovalsRequired) -> Versions:
        """Return the versions after a change of the required approvals.

        The status of versions that are not active yet follows the new number.
        """
        required = max(content.count, 0)
        records = {n: _update_approval_status(of, required) for n, of in self.records.items()}
        return replace(
            self,
            required_approvals=required,
            approvals_step=VersionStep(index, content.at, content.by, content.reason),
            records=MappingProxyType(records),
        )

    def _require_record(self, content: VersionContent) -> VersionRecord:
        record = self.get(content.version)
        if record is None:
            raise BrokenHistoryError(f"version {content.version} was never proposed")
        if isinstance(content, VersionDocumentContent) and content.digest != record.digest:
            raise BrokenHistoryError(f"version {record.number} was proposed with another digest")
        return record


class IndexedLeaf(Protocol):
    """An entry, reduced to the members that folds need."""

    @property
    def index(self) -> int:
        """The entry's index in its log."""

    @property
    def value(self) -> Mapping[str, Any]:
        """The leaf as JSON. Raises BadLeafError if it cannot be read."""


def fold_versions(entries: Iterable[IndexedLeaf]) -> Versions:
    """Return the versions that result from a log's entries, given in the order of the log.

    Raises the errors of `with_entry`, and BadLeafError if an entry lacks a member.
    """
    versions = Versions()
    for entry in entries:
        if content := parse_leaf(entry.value):
            versions = versions.with_entry(entry.index, content)
    return versions


def _make_step(index: int, content: VersionContent) -> VersionStep:
    step = VersionStep(index, content.at, content.by)
    match content:
        case VersionRejected() | VersionSuspended():
            return replace(step, reason=content.reason)
        case VersionActivated() | VersionScheduled():
            return replace(
                step,
                percent=content.percent,
                shadow=content.shadow,
                apply_to_running=content.apply_to_running,
            )
    return step


def _add_approval(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, approvals=(*record.approvals, step))


def _update_approval_status(record: VersionRecord, required: int) -> VersionRecord:
    """Return the record, approved if enough different keys approved it, else proposed.

    Even if no approval is required, an approved version has at least one.
    """
    if record.status not in (VersionStatus.PROPOSED, VersionStatus.APPROVED):
        return record
    is_approved = len({step.by for step in record.approvals}) >= max(required, 1)
    return replace(record, status=VersionStatus.APPROVED if is_approved else VersionStatus.PROPOSED)


def _add_activation(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.ACTIVE, activations=(*record.activations, step))


def _add_retirement(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.RETIRED, retirements=(*record.retirements, step))


def _add_suspension(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, suspensions=(*record.suspensions, step))


def _set_rejection(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.REJECTED, rejection=step)


def _set_supersession(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.SUPERSEDED, supersession=step)


_STEPS: Mapping[type[VersionContent], Callable[[VersionRecord, VersionStep], VersionRecord]] = {
    VersionApproved: _add_approval,
    VersionActivated: _add_activation,
    VersionRetired: _add_retirement,
    VersionRejected: _set_rejection,
    VersionSuperseded: _set_supersession,
    VersionScheduled: lambda record, _: record,
    VersionUnscheduled: lambda record, _: record,
    VersionSuspended: _add_suspension,
}
"""For each step after the proposal, the change of the version's record."""
