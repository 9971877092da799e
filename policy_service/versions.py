"""Versions: proposed by one key, approved by another, activated; every step an entry.

No step changes a version: what it is, its number and digest say forever.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, Kind, format_time
from audit.versions import Status
from policy_service.policies import enter_workspace
from policy_service.problems import Problem

if TYPE_CHECKING:
    from audit.store import Transaction
    from audit.versions import Step, VersionRecord, Versions
    from policy_service.keys import Key
    from policy_service.policies import Policies
    from rules.diff import Difference
    from rules.document import Document

ACTIVATABLE = frozenset({Status.APPROVED, Status.RETIRED})


@dataclass(frozen=True, slots=True)
class VersionSteps:
    """The steps that a key takes in a workspace, within one transaction."""

    tx: Transaction
    policies: Policies
    workspace: str
    by: Key

    def propose(self, document: Document, note: str | None) -> VersionRecord:
        """Enter the document as the next version, proposed."""
        number = self._versions().next_number
        digest = self.tx.add_document(document.canonical)
        optional = {"title": document.title, "note": note}
        given = {name: text for name, text in optional.items() if text is not None}
        return self._enter(Kind.VERSION_PROPOSED, number, digest=digest, **given)

    def approve(self, number: int, digest: str) -> VersionRecord:
        """Enter that this key agrees to the version with this digest."""
        record = existing(self._versions(), number)
        if digest != record.digest:
            raise Problem("digest_mismatch", f"Version {number} has the digest {record.digest}")
        if self.by.id == record.proposed_by:
            raise Problem("proposer_may_not_approve", "The key that proposed may not approve")
        if record.status is not Status.PROPOSED:
            raise _wrong_status(record, "approved")
        return self._enter(Kind.VERSION_APPROVED, number, digest=digest)

    def reject(self, number: int, reason: str) -> VersionRecord:
        """Enter that the version will not be used, and why."""
        record = existing(self._versions(), number)
        if record.status is not Status.PROPOSED:
            raise _wrong_status(record, "rejected")
        return self._enter(Kind.VERSION_REJECTED, number, reason=reason)

    def activate(self, number: int) -> VersionRecord:
        """Let the version decide from here on; the one that did so far is retired.

        A retired version may be activated again: that is rolling back.
        """
        versions = self._versions()
        record = existing(versions, number)
        if record.status not in ACTIVATABLE:
            raise _wrong_status(record, "activated")
        activated = self._enter(Kind.VERSION_ACTIVATED, number, digest=record.digest)
        if versions.active is not None:
            self._enter(Kind.VERSION_RETIRED, versions.active)
        return activated

    def _versions(self) -> Versions:
        enter_workspace(self.tx, self.workspace, format_time(self.tx.now))
        return self.policies.versions(self.tx, self.workspace)

    def _enter(self, kind: Kind, number: int, **members: str) -> VersionRecord:
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {"workspace": self.workspace, "version": number, "by": self.by.id}
        self.tx.append(self.workspace, {**head, **whose, **members})
        return existing(self.policies.versions(self.tx, self.workspace), number)


def existing(versions: Versions, number: int) -> VersionRecord:
    """The version of this number; Problem `not_found`."""
    record = versions.get(number)
    if record is None:
        raise Problem("not_found", f"There is no version {number}")
    return record


def version_view(record: VersionRecord) -> dict[str, Any]:
    """The version as it is answered, steps in order.

    Before a workspace's first write, `proposed_at` is null and nothing was activated.
    """
    return {
        "version": record.number,
        "digest": record.digest,
        "status": record.status.value,
        "title": record.title,
        "note": record.note,
        "proposed_by": record.proposed_by,
        "proposed_at": record.proposed_at or None,
        "approvals": [_step_view(step) for step in record.approvals],
        "activations": [_step_view(step) for step in record.activations if step.at],
        "rejected": _step_view(record.rejected) if record.rejected else None,
    }


def difference_view(difference: Difference) -> dict[str, Any]:
    """What two documents say otherwise; `before` and `after` are null where it is not there."""
    return asdict(difference)


def _step_view(step: Step) -> dict[str, Any]:
    shown = {"by": step.by, "at": step.at, "index": step.index}
    return shown if step.reason is None else {**shown, "reason": step.reason}


def _wrong_status(record: VersionRecord, step: str) -> Problem:
    status = record.status.value
    return Problem("wrong_status", f"Version {record.number} is {status} and cannot be {step}")
