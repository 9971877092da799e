"""The versions of a workspace's policy: a pure fold of its log's `version.*` entries.

There is no table of versions: what is active, approved or retired is what the entries say. One
version decides for all; beside it one may be on trial, for a share of the conversations, and one in
the shadow, which decides nothing. What is scheduled becomes an activation, or is suspended, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from audit.errors import BrokenHistoryError
from audit.log.leaf import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


BUCKETS_OF_A_PERCENT = 100


class VersionStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class VersionStep:
    """One step of a version: the entry's index, its time as in the leaf, and whose it was."""

    index: int
    at: str
    by: str
    reason: str | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False


@dataclass(frozen=True, slots=True)
class ScheduledActivation:
    """An activation that is to come: its entry, when it is due, and what was active then.

    Due times are as in leaves, so that they sort.
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
    """All that its log says of one version, steps in the order of the log."""

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
    """The versions of one log at one of its sizes; `active` decides, None where none does.

    `last_move_index` is the last entry that moved running conversations; `schedules` stands in the
    order of the log. `required_approvals` is how many keys must approve, since `approvals_step`;
    `guardrails` the digest of the properties that are asked of every proposal, since
    `guardrails_step`.
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
        return len(self.records) + 1

    def get(self, number: int) -> VersionRecord | None:
        return self.records.get(number)

    def choose_version(self, pinned: tuple[int, int] | None, bucket: int) -> int | None:
        """The version that decides next in a conversation of this bucket, of 10,000.

        `pinned` is the version that its last decision pinned to it, and that decision's index.
        """
        if pinned is not None and pinned[1] > self.last_move_index:
            return pinned[0]
        if self.trial and bucket < self.trial.percent * BUCKETS_OF_A_PERCENT:
            return self.trial.number
        return self.active

    def due_schedules(self, now: str) -> list[ScheduledActivation]:
        """What is scheduled up to this time, in the order in which it is to be done."""
        return sorted(
            (schedule for schedule in self.schedules if schedule.due <= now), key=_due_sort_key
        )

    def with_entry(self, index: int, leaf: Mapping[str, Any]) -> Versions:
        """The versions with the entry of this leaf; those of other kinds change nothing.

        BrokenHistoryError where the entry cannot follow: a number that is not the next, a version
        that was never proposed, another digest than was proposed. Whether a step was permitted is
        not judged here.
        """
        if leaf["kind"] == EntryKind.VERSION_PROPOSED:
            return self._with_proposal(leaf)
        if leaf["kind"] == EntryKind.VERSION_APPROVALS:
            return self._with_required_approvals(index, leaf)
        if leaf["kind"] == EntryKind.VERSION_GUARDRAILS:
            step = VersionStep(index, leaf["at"], leaf["by"], leaf["reason"])
            return replace(self, guardrails=leaf["digest"], guardrails_step=step)
        if leaf["kind"] not in _STEPS:
            return self
        record = self._require_record(leaf)
        step = VersionStep(
            index,
            *(leaf["at"], leaf["by"], leaf.get("reason"), leaf.get("percent")),
            shadow=leaf.get("shadow", False),
            apply_to_running=leaf.get("apply_to_running", False),
        )
        updated = _update_approval_status(
            _STEPS[leaf["kind"]](record, step), self.required_approvals
        )
        records = MappingProxyType({**self.records, record.number: updated})
        return replace(self._with_decider(leaf, step), records=records)

    def _with_decider(self, leaf: Mapping[str, Any], step: VersionStep) -> Versions:
        """What decides from this step on, records left as they are."""
        number = leaf["version"]
        match leaf["kind"]:
            case EntryKind.VERSION_SCHEDULED:
                schedule = ScheduledActivation(step, number, leaf["due"], leaf.get("against"))
                return replace(self, schedules=(*self.schedules, schedule))
            case EntryKind.VERSION_SUSPENDED:
                return self._without_schedule(leaf.get("schedule"))
            case EntryKind.VERSION_ACTIVATED:
                return self._with_activation(
                    number, step, self._without_schedule(leaf.get("schedule"))
                )
            case EntryKind.VERSION_RETIRED:
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
        """The same where this version decides nothing any more."""
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

    def _with_proposal(self, leaf: Mapping[str, Any]) -> Versions:
        if leaf.get("version") != self.next_number:
            raise BrokenHistoryError(
                f"version {leaf.get('version')} is proposed where {self.next_number} is the next"
            )
        record = VersionRecord(
            number=leaf["version"],
            digest=leaf["digest"],
            status=VersionStatus.PROPOSED,
            title=leaf.get("title"),
            note=leaf.get("note"),
            proposed_by=leaf["by"],
            proposed_at=leaf["at"],
        )
        return replace(self, records=MappingProxyType({**self.records, record.number: record}))

    def _with_required_approvals(self, index: int, leaf: Mapping[str, Any]) -> Versions:
        """More or fewer approvals from here on, also for what is not active yet."""
        required = max(leaf["count"], 0)
        step = VersionStep(index, leaf["at"], leaf["by"], leaf["reason"])
        records = {
            number: _update_approval_status(record, required)
            for number, record in self.records.items()
        }
        frozen_records = MappingProxyType(records)
        return replace(
            self, required_approvals=required, approvals_step=step, records=frozen_records
        )

    def _require_record(self, leaf: Mapping[str, Any]) -> VersionRecord:
        record = self.get(leaf["version"])
        if record is None:
            raise BrokenHistoryError(f"version {leaf['version']} was never proposed")
        if leaf.get("digest", record.digest) != record.digest:
            raise BrokenHistoryError(f"version {record.number} was proposed with another digest")
        return record


class IndexedLeaf(Protocol):
    """An entry, as far as its versions are concerned."""

    @property
    def index(self) -> int: ...

    @property
    def value(self) -> Mapping[str, Any]: ...


def fold_versions(entries: Iterable[IndexedLeaf]) -> Versions:
    """The versions that a log's entries make, given in the order of the log."""
    versions = Versions()
    for entry in entries:
        versions = versions.with_entry(entry.index, entry.value)
    return versions


def _add_approval(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, approvals=(*record.approvals, step))


def _update_approval_status(record: VersionRecord, required: int) -> VersionRecord:
    """Approved or only proposed, by how many keys approved; one at least, also where none must."""
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


def _keep_record(record: VersionRecord, _: VersionStep) -> VersionRecord:
    return record


def _due_sort_key(schedule: ScheduledActivation) -> tuple[str, int]:
    return schedule.due, schedule.step.index


def _set_rejection(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.REJECTED, rejection=step)


def _set_supersession(record: VersionRecord, step: VersionStep) -> VersionRecord:
    return replace(record, status=VersionStatus.SUPERSEDED, supersession=step)


_STEPS = MappingProxyType(
    {
        EntryKind.VERSION_APPROVED: _add_approval,
        EntryKind.VERSION_ACTIVATED: _add_activation,
        EntryKind.VERSION_RETIRED: _add_retirement,
        EntryKind.VERSION_REJECTED: _set_rejection,
        EntryKind.VERSION_SUPERSEDED: _set_supersession,
        EntryKind.VERSION_SCHEDULED: _keep_record,
        EntryKind.VERSION_SUSPENDED: _add_suspension,
    }
)
