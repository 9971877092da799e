"""Versions: proposed by one key, approved by another, activated; every step an entry.

No step changes a version: what it is, its number and digest say forever.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.projections.versions import VersionStatus
from policy_service.policies.activation import (
    ACTIVATE_NOW,
    Activation,
    Steps,
    activate_version,
    apply_due_activations,
    check_activation,
    require_version,
    wrong_status_problem,
)
from policy_service.policies.guardrails import check_proposal, read_guardrails
from policy_service.problems import ProblemCode, ProblemError
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.projections.versions import VersionRecord, Versions, VersionStep
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.policies.guardrails import Properties
    from policy_service.policies.policy_cache import PolicyCache
    from rules.analysis.text_diff import TextDiff
    from rules.model.document import Document

MAX_APPROVALS = 10


@dataclass(frozen=True, slots=True)
class VersionSteps:
    """The steps that a key takes in a workspace, within one transaction."""

    tx: Transaction
    policies: PolicyCache
    workspace: str
    by: Key

    def propose(self, document: Document, note: str | None) -> VersionRecord:
        """Enter the document as the next version; it supersedes those that are still proposed.

        InvalidDocumentError where a guardrail of the workspace does not hold for it.
        """
        check_proposal(document, read_guardrails(self.tx, self.steps.versions()))
        number = self._versions().next_number
        digest = self.tx.add_document(document.canonical_bytes)
        optional = {"title": document.title, "note": note}
        texts = {name: text for name, text in optional.items() if text is not None}
        waiting = [
            record.number
            for record in self._versions().records.values()
            if record.status is VersionStatus.PROPOSED
        ]
        proposed = self._enter(EntryKind.VERSION_PROPOSED, number, digest=digest, **texts)
        for earlier in waiting:
            self._enter(EntryKind.VERSION_SUPERSEDED, earlier)
        return proposed

    def approve(self, number: int, digest: str) -> VersionRecord:
        """Enter that this key agrees to the version with this digest."""
        record = require_version(self._versions(), number)
        if digest != record.digest:
            raise ProblemError(
                ProblemCode.DIGEST_MISMATCH, f"Version {number} has the digest {record.digest}"
            )
        if self.by.id == record.proposed_by:
            raise ProblemError(
                ProblemCode.PROPOSER_MAY_NOT_APPROVE, "The key that proposed may not approve"
            )
        if record.status is not VersionStatus.PROPOSED:
            raise wrong_status_problem(record, "approved")
        if any(step.by == self.by.id for step in record.approvals):
            raise ProblemError(
                ProblemCode.ALREADY_APPROVED, "The key has approved this version before"
            )
        return self._enter(EntryKind.VERSION_APPROVED, number, digest=digest)

    def reject(self, number: int, reason: str) -> VersionRecord:
        """Enter that the version will not be used, and why."""
        record = require_version(self._versions(), number)
        if record.status is not VersionStatus.PROPOSED:
            raise wrong_status_problem(record, "rejected")
        return self._enter(EntryKind.VERSION_REJECTED, number, reason=reason)

    def activate(self, number: int, activation: Activation = ACTIVATE_NOW) -> VersionRecord:
        """Let the version decide from here on, or from a time on; whatever it replaces is retired.

        For all, for a share of the conversations, or in the shadow. A retired version may be
        activated again: that is rolling back. Problem `wrong_status`, `percent_shrinks`.
        """
        versions = self._versions()
        record = require_version(versions, number)
        check_activation(versions, record, activation)
        members = {"digest": record.digest, **activation.to_members()}
        if activation.at is not None and activation.at > self.tx.now:
            against = {} if versions.active is None else {"against": versions.active}
            due = format_time(activation.at)
            return self._enter(EntryKind.VERSION_SCHEDULED, number, due=due, **against, **members)
        return activate_version(self.steps, number, {"by": self.by.id, **members})

    def require(self, count: int, reason: str) -> Versions:
        """Enter how many keys must approve a version from here on; nothing where it is so many."""
        if self.steps.versions().required_approvals != count:
            self._say(EntryKind.VERSION_APPROVALS, {"count": count, "reason": reason})
        return self.steps.versions()

    def guard(self, properties: Properties, reason: str) -> Versions:
        """Enter what is asked of every proposal from here on; nothing where it is that already."""
        body = encode_canonical(properties)
        if encode_canonical(read_guardrails(self.tx, self.steps.versions())) != body:
            digest = self.tx.add_document(body)
            self._say(EntryKind.VERSION_GUARDRAILS, {"digest": digest, "reason": reason})
        return self.steps.versions()

    def _say(self, kind: EntryKind, members: Mapping[str, Any]) -> None:
        """Enter what holds for all versions from here on."""
        self._versions()
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {"workspace": self.workspace, "by": self.by.id}
        self.tx.append(self.workspace, {**head, **whose, **members})

    def _versions(self) -> Versions:
        return apply_due_activations(self.tx, self.policies, self.workspace)

    def _enter(self, kind: EntryKind, number: int, **members: str | int | bool) -> VersionRecord:
        return self.steps.enter(kind, number, {"by": self.by.id, **members})

    @property
    def steps(self) -> Steps:
        return Steps(self.tx, self.policies, self.workspace)


def version_view(record: VersionRecord, versions: Versions) -> dict[str, Any]:
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
        "scheduled": [
            {**_step_view(each.step), "due": each.due}
            for each in versions.schedules
            if each.number == record.number
        ],
        "rejected": _step_view(record.rejection) if record.rejection else None,
    }


def approvals_view(versions: Versions) -> dict[str, Any]:
    """How many keys must approve a version, and who said so and why; null where nobody did."""
    since = versions.approvals_step
    return {"count": versions.required_approvals, "since": _step_view(since) if since else None}


def guardrails_view(properties: Properties, versions: Versions) -> dict[str, Any]:
    """What is asked of every proposal, and who said so and why; null where nobody did."""
    since = versions.guardrails_step
    said = _step_view(since) if since else None
    return {"properties": properties, "digest": versions.guardrails, "since": said}


def difference_view(difference: TextDiff) -> dict[str, Any]:
    """What two documents say otherwise; `before` and `after` are null where it is not there."""
    return asdict(difference)


def _step_view(step: VersionStep) -> dict[str, Any]:
    """Whose it was, when and where; what else it has only where it has it."""
    optional = {
        "reason": step.reason,
        "percent": step.percent,
        "shadow": step.shadow or None,
        "apply_to_running": step.apply_to_running or None,
    }
    said = {name: value for name, value in optional.items() if value is not None}
    return {"by": step.by, "at": step.at, "index": step.index, **said}
