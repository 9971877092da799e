"""The versions of a workspace's policy: a pure fold of its log's `version.*` entries.

There is no table of versions: what is active, approved or retired is what the entries say.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from audit.errors import BrokenHistory
from audit.leaf import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
    retirements: tuple[Step, ...] = ()
    rejected: Step | None = None
    superseded: Step | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one log at one of its sizes; `active` decides, None where none does."""

    active: int | None = None
    records: Mapping[int, VersionRecord] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def next_number(self) -> int:
        return len(self.records) + 1

    def get(self, number: int) -> VersionRecord | None:
        return self.records.get(number)

    def after(self, index: int, leaf: Mapping[str, Any]) -> Versions:
        """The versions with the entry of this leaf; those of other kinds change nothing.

        BrokenHistory where the entry cannot follow: a number that is not the next, a version that
        was never proposed, another digest than was proposed. Whether a step was permitted is not
        judged here.
        """
        if leaf["kind"] == Kind.VERSION_PROPOSED:
            return self._proposed(leaf)
        if leaf["kind"] not in _STEPS:
            return self
        record = self._named(leaf)
        step = Step(index, leaf["at"], leaf["by"], leaf.get("reason"))
        return self._with(_STEPS[leaf["kind"]](record, step), leaf["kind"])

    def _proposed(self, leaf: Mapping[str, Any]) -> Versions:
        if leaf.get("version") != self.next_number:
            raise BrokenHistory(
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
        return self._with(record, Kind.VERSION_PROPOSED)

    def _named(self, leaf: Mapping[str, Any]) -> VersionRecord:
        record = self.get(leaf["version"])
        if record is None:
            raise BrokenHistory(f"version {leaf['version']} was never proposed")
        if leaf.get("digest", record.digest) != record.digest:
            raise BrokenHistory(f"version {record.number} was proposed with another digest")
        return record

    def _with(self, record: VersionRecord, kind: str) -> Versions:
        active = self.active
        if kind == Kind.VERSION_ACTIVATED:
            active = record.number
        elif kind == Kind.VERSION_RETIRED and active == record.number:
            active = None
        return Versions(active, MappingProxyType({**self.records, record.number: record}))


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
    status = Status.APPROVED if record.status is Status.PROPOSED else record.status
    return replace(record, status=status, approvals=(*record.approvals, step))


def _activate(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.ACTIVE, activations=(*record.activations, step))


def _retire(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.RETIRED, retirements=(*record.retirements, step))


def _reject(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.REJECTED, rejected=step)


def _supersede(record: VersionRecord, step: Step) -> VersionRecord:
    return replace(record, status=Status.SUPERSEDED, superseded=step)


_STEPS = MappingProxyType(
    {
        Kind.VERSION_APPROVED: _approve,
        Kind.VERSION_ACTIVATED: _activate,
        Kind.VERSION_RETIRED: _retire,
        Kind.VERSION_REJECTED: _reject,
        Kind.VERSION_SUPERSEDED: _supersede,
    }
)
