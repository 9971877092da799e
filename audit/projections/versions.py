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


class Status(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a version: the entry's index, its time as in the leaf, and whose it was."""

    index: int
    at: str
    by: str
    reason: str | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """An activation that is to come: its entry, when it is due, and what was active then.

    Due times are as in leaves, so that they sort.
    """

    step: Step
    number: int
    due: str
    against: int | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that decides for the conversations in the first `percent` of 100 shares."""

    number: int
    percent: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """All that its log says of one version, steps in the order of the log."""

    number: int
    digest: str
    status: Status
    title: str | None
    note: str | None
    proposed_by: str
    proposed_at: str
    approvals: tuple[Step, ...] = ()
    activations: tuple[Step, ...] = ()
    suspensions: tuple[Step, ...] = ()
    retirements: tuple[Step, ...] = ()
    rejected: Step | None = None
    superseded: Step | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one log at one of its sizes; `active` decides, None where none does.

    `moved` is the entry that moved conversations which had begun, the last one; `scheduled` stands
    in the order of the log. `required` is how many keys must approve, since the step beside it;
    `guardrails` the digest of the properties that are asked of every proposal, likewise.
    """

    active: int | None = None
    trial: Trial | None = None
    shadow: int | None = None
    moved: int = -1
    scheduled: tuple[Schedule, ...] = ()
    required: int = 1
    required_since: Step | None = None
    guardrails: str | None = None
    guarded_since: Step | None = None
    records: Mapping[int, VersionRecord] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def next_number(self) -> int:
        return len(self.records) + 1

    def get(self, number: int) -> VersionRecord | None:
        return self.records.get(number)

    def deciding(self, pinned: tuple[int, int] | None, bucket: int) -> int | None:
        """The version that decides next in a conversation of this bucket, of 10,000.

        `pinned` is the version that its last decision pinned to it, and that decision's index.
        """
        if pinned is not None and pinned[1] > self.moved:
            return pinned[0]
        if self.trial and bucket < self.trial.percent * BUCKETS_OF_A_PERCENT:
            return self.trial.number
        return self.active

    def due(self, now: str) -> list[Schedule]:
        """What is scheduled up to this time, in the order in which it is to be done."""
        return sorted((each for each in self.scheduled if each.due <= now), key=_due)

    def after(self, index: int, leaf: Mapping[str, Any]) -> Versions:
        """The versions with the entry of this leaf; those of other kinds change nothing.

        BrokenHistoryError where the entry cannot follow: a number that is not the next, a version
        that was never proposed, another digest than was proposed. Whether a step was permitted is
        not judged here.
        """
        if leaf["kind"] == EntryKind.VERSION_PROPOSED:
            return self._proposed(leaf)
        if leaf["kind"] == EntryKind.VERSION_APPROVALS:
            return self._requiring(index, leaf)
        if leaf["kind"] == EntryKind.VERSION_GUARDRAILS:
            since = Step(index, leaf["at"], leaf["by"], leaf["reason"])
            return replace(self, guardrails=leaf["digest"], guarded_since=since)
        if leaf["kind"] not in _STEPS:
            return self
        record = self._named(leaf)
        step = Step(
            index,
            *(leaf["at"], leaf["by"], leaf.get("reason"), leaf.get("percent")),
            shadow=leaf.get("shadow", False),
            apply_to_running=leaf.get("apply_to_running", False),
        )
        changed = _settled(_STEPS[leaf["kind"]](record, step), self.required)
        records = MappingProxyType({**self.records, record.number: changed})
        return replace(self._deciders(leaf, step), records=records)

    def _deciders(self, leaf: Mapping[str, Any], step: Step) -> Versions:
        """What decides from this step on, records left as they are."""
        number = leaf["version"]
        match leaf["kind"]:
            case EntryKind.VERSION_SCHEDULED:
                schedule = Schedule(step, number, leaf["due"], leaf.get("against"))
                return replace(self, scheduled=(*self.scheduled, schedule))
            case EntryKind.VERSION_SUSPENDED:
                return self._without(leaf.get("schedule"))
            case EntryKind.VERSION_ACTIVATED:
                return self._activated(number, step, self._without(leaf.get("schedule")))
            case EntryKind.VERSION_RETIRED:
                return self.without_version(number)
        return self

    @staticmethod
    def _activated(number: int, step: Step, before: Versions) -> Versions:
        moved = step.index if step.apply_to_running else before.moved
        if step.shadow:
            return replace(before, shadow=number)
        cleared = before.without_version(number)
        if step.percent is not None:
            return replace(cleared, trial=Trial(number, step.percent), moved=moved)
        return replace(cleared, active=number, moved=moved)

    def without_version(self, number: int) -> Versions:
        """The same where this version decides nothing any more."""
        return replace(
            self,
            active=None if self.active == number else self.active,
            trial=None if self.trial and self.trial.number == number else self.trial,
            shadow=None if self.shadow == number else self.shadow,
        )

    def _without(self, schedule: int | None) -> Versions:
        kept = tuple(each for each in self.scheduled if each.step.index != schedule)
        return replace(self, scheduled=kept)

    def _proposed(self, leaf: Mapping[str, Any]) -> Versions:
        if leaf.get("version") != self.next_number:
            raise BrokenHistoryError(
                f"version {leaf.get('version')} is proposed where {self.next_number} is the next"
            )
        record = VersionRecord(
            number=leaf["version"],
            digest=leaf["digest"],
            status=Status.PROPOSED,
            title=leaf.get("title"),
            note=leaf.get("note"),
            proposed_by=leaf["by"],
            proposed_at=leaf["at"],
        )
        return replace(self, records=MappingProxyType({**self.records, record.number: record}))

    def _requiring(self, index: int, leaf: Mapping[str, Any]) -> Versions:
        """More or fewer approvals from here on, also for what is not active yet."""
        required = max(leaf["count"], 0)
        since = Step(index, leaf["at"], leaf["by"], leaf["reason"])
        records = {number: _settled(each, required) for number, each in self.records.items()}
        settled = MappingProxyType(records)
        return replace(self, required=required, required_since=since, records=settled)

    def _named(self, leaf: Mapping[str, Any]) -> VersionRecord:
        record = self.get(leaf["version"])
        if record is None:
            raise BrokenHistoryError(f"version {leaf['version']} was never proposed")
        if leaf.get("digest", record.digest) != record.digest:
            raise BrokenHistoryError(f"version {record.number} was proposed with another digest")
        return record


class Placed(Protocol):
    """An entry, as far as its versions are concerned."""

    @property
    def index(self) -> int: ...

    @property
    def value(self) -> Mapping[str, Any]: ...


def fold(entries: Iterable[Placed]) -> Versions:
    """The versions that a log's entries make, given in the order of the log."""
    versions = Versions()
    for entry in entries:
        versions = versions.after(entry.index, entry.value)
    return versions


def _approve(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, approvals=(*record.approvals, step))


def _settled(record: VersionRecord, required: int) -> VersionRecord:
    """Approved or only proposed, by how many keys approved; one at least, also where none must."""
    if record.status not in (Status.PROPOSED, Status.APPROVED):
        return record
    enough = len({step.by for step in record.approvals}) >= max(required, 1)
    return replace(record, status=Status.APPROVED if enough else Status.PROPOSED)


def _activate(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.ACTIVE, activations=(*record.activations, step))


def _retire(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.RETIRED, retirements=(*record.retirements, step))


def _suspend(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, suspensions=(*record.suspensions, step))


def _schedule(record: VersionRecord, _: Step) -> VersionRecord:
    return record


def _due(schedule: Schedule) -> tuple[str, int]:
    return schedule.due, schedule.step.index


def _reject(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.REJECTED, rejected=step)


def _supersede(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.SUPERSEDED, superseded=step)


_STEPS = MappingProxyType(
    {
        EntryKind.VERSION_APPROVED: _approve,
        EntryKind.VERSION_ACTIVATED: _activate,
        EntryKind.VERSION_RETIRED: _retire,
        EntryKind.VERSION_REJECTED: _reject,
        EntryKind.VERSION_SUPERSEDED: _supersede,
        EntryKind.VERSION_SCHEDULED: _schedule,
        EntryKind.VERSION_SUSPENDED: _suspend,
    }
)
