"""Activating a version: now or at a time, for all or for a share, in earnest or in the shadow.

What is scheduled is an entry, and nothing else remembers it: whoever writes to the workspace next
after it is due does it first, so no decision is made that should have come after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.errors import AuditError
from audit.projections.versions import VersionStatus
from policy_service.policies.policy_cache import BUILTIN_VERSIONS, enter_workspace
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from audit.projections.versions import ScheduledActivation, VersionRecord, Versions
    from audit.stores.contract import Store, Transaction
    from policy_service.policies.policy_cache import PolicyCache

ONCE_ACTIVE_STATUSES = frozenset({VersionStatus.ACTIVE, VersionStatus.RETIRED})
"""The statuses of versions that were activated before; they had their approvals then."""
ALL_PERCENT = 100
"""Percent of the conversations."""


@dataclass(frozen=True, slots=True)
class Activation:
    """How a version is to be activated; as it stands: now, for all that begins from here on."""

    at: datetime | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False

    def to_members(self) -> dict[str, Any]:
        """What of it stands in a leaf."""
        return _activation_members(
            self.percent, shadow=self.shadow, apply_to_running=self.apply_to_running
        )


ACTIVATE_NOW = Activation()


def requested_activation(
    at: datetime | None = None,
    percent: int | None = None,
    *,
    shadow: bool | None = None,
    apply_to_running: bool | None = None,
) -> Activation:
    """Return the activation that a caller asks for.

    Raises ProblemError `invalid_request` if a shadow has a share of the conversations.
    """
    if shadow and (percent or apply_to_running):
        message = "A shadow decides for no conversation: leave out percent and apply_to_running"
        complaint = Complaint("/shadow", "not_allowed", message)
        raise ProblemError(ProblemCode.INVALID_REQUEST, message, [complaint])
    return Activation(at, percent, bool(shadow), bool(apply_to_running))


@dataclass(frozen=True, slots=True)
class Steps:
    """Enters steps of a workspace's versions, within one transaction."""

    tx: Transaction
    policies: PolicyCache
    workspace: str

    def versions(self) -> Versions:
        return self.policies.versions(self.tx, self.workspace)

    def enter(self, kind: EntryKind, number: int, members: Mapping[str, Any]) -> VersionRecord:
        """Enter one step; the version as it is after it. `members` say whose it is."""
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {"workspace": self.workspace, "version": number}
        self.tx.append(self.workspace, {**head, **whose, **members})
        return require_version(self.versions(), number)


def apply_due_activations(tx: Transaction, policies: PolicyCache, workspace: str) -> Versions:
    """Return the versions of a workspace after everything that is due was done, in its order.

    A workspace without entries is entered first, on the built-in document.

    Where another version is active than when it was scheduled, it is suspended: what was agreed to
    was agreed to in the place of that one. So it is where the version lacks approvals by now, or
    where its share has grown to as much or more meanwhile.
    """
    steps = Steps(tx, policies, workspace)
    versions = steps.versions()
    if versions is BUILTIN_VERSIONS:
        enter_workspace(tx, workspace, format_time(tx.now))
        versions = steps.versions()
    if not has_due_activation(versions, tx.now):
        return versions
    for schedule in versions.due_schedules(format_time(tx.now)):
        step, versions = schedule.step, steps.versions()
        digest = versions.records[schedule.number].digest
        asked = {"digest": digest, "schedule": step.index}
        reason = _find_suspension_reason(versions, schedule)
        if reason is None:
            how = _activation_members(
                step.percent, shadow=step.shadow, apply_to_running=step.apply_to_running
            )
            activate_version(steps, schedule.number, {"by": step.by, **asked, **how})
        else:
            notice = {"by": SYSTEM_LOG, "reason": reason, **asked}
            steps.enter(EntryKind.VERSION_SUSPENDED, schedule.number, notice)
    return steps.versions()


def _find_suspension_reason(versions: Versions, schedule: ScheduledActivation) -> str | None:
    """Why what is due must not be done any more; None where it may."""
    record = versions.records[schedule.number]
    if record.status not in ONCE_ACTIVE_STATUSES and not has_approvals(versions, record):
        return f"version {record.number} is {record.status.value} and lacks approvals"
    if versions.active != schedule.against:
        return f"version {versions.active} is active in the place of {schedule.against}"
    if grown := _find_larger_share(versions, record, schedule.step.percent):
        return f"version {record.number} decides for {grown} percent; that only grows"
    return None


def activate_due_in_all(store: Store, policies: PolicyCache) -> None:
    """Do what is due in every workspace, also where nobody writes.

    One that fails keeps no other from it: the AuditError is raised in the end, the last of several.
    """
    due: list[str] = []
    failed: AuditError | None = None
    with store.read() as snapshot:
        for log in snapshot.logs():
            try:
                if log != SYSTEM_LOG and has_due_activation(
                    policies.versions(snapshot, log), store.now()
                ):
                    due.append(log)
            except AuditError as error:
                failed = error
    for workspace in due:
        try:
            store.transact(partial(apply_due_activations, policies=policies, workspace=workspace))
        except AuditError as error:
            failed = error
    if failed:
        raise failed


def has_due_activation(versions: Versions, now: datetime) -> bool:
    """Whether something that was scheduled has yet to be done."""
    return bool(versions.schedules) and bool(versions.due_schedules(format_time(now)))


def apply_due_in_workspace(store: Store, policies: PolicyCache, workspace: str) -> None:
    """Apply the due activations of a workspace in a transaction, if it has any."""
    with store.read() as snapshot:
        versions = policies.versions(snapshot, workspace)
    if has_due_activation(versions, store.now()):
        store.transact(lambda tx: apply_due_activations(tx, policies, workspace))


def activate_version(steps: Steps, number: int, members: Mapping[str, Any]) -> VersionRecord:
    """Enter the activation, and the retirement of what decides nothing any more."""
    before = steps.versions()
    record = steps.enter(EntryKind.VERSION_ACTIVATED, number, members)
    for replaced in sorted(_list_replaced(before, members) - {number}):
        steps.enter(EntryKind.VERSION_RETIRED, replaced, {"by": members["by"]})
    return record


def check_activation(versions: Versions, record: VersionRecord, how: Activation) -> None:
    """Problem `wrong_status` or `percent_shrinks` where the version cannot be activated so."""
    trial = versions.trial
    beside = {versions.shadow, trial.number if trial else None} - {None}
    if record.number == versions.active:
        changes = bool(beside) or how.apply_to_running
        allowed = changes and not how.shadow and how.percent in (None, ALL_PERCENT)
    else:
        back = record.status is VersionStatus.RETIRED
        allowed = back or record.number in beside or has_approvals(versions, record)
    if not allowed and record.status is VersionStatus.PROPOSED:
        required = versions.required_approvals
        had = f"{len(record.approvals)} of the {required} approvals that are required"
        raise ProblemError(ProblemCode.WRONG_STATUS, f"Version {record.number} has {had}")
    if not allowed:
        raise wrong_status_problem(record, "activated")
    if grown := _find_larger_share(versions, record, how.percent):
        detail = f"Version {record.number} decides for {grown} percent; that only grows"
        raise ProblemError(ProblemCode.PERCENT_SHRINKS, detail)


def _find_larger_share(
    versions: Versions, record: VersionRecord, percent: int | None
) -> int | None:
    """The share that the version has, where this one is no larger; None where it may have it."""
    trial = versions.trial
    if trial is None or trial.number != record.number or not percent or percent > trial.percent:
        return None
    return trial.percent


def has_approvals(versions: Versions, record: VersionRecord) -> bool:
    """Whether a version that was never activated has the approvals that are required."""
    none_needed = versions.required_approvals == 0 and record.status is VersionStatus.PROPOSED
    return none_needed or record.status is VersionStatus.APPROVED


def require_version(versions: Versions, number: int) -> VersionRecord:
    """The version of this number; Problem `not_found`."""
    record = versions.get(number)
    if record is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"There is no version {number}")
    return record


def wrong_status_problem(record: VersionRecord, step: str) -> ProblemError:
    """What is said where a version's status does not allow the step."""
    status = record.status.value
    return ProblemError(
        ProblemCode.WRONG_STATUS, f"Version {record.number} is {status} and cannot be {step}"
    )


def _list_replaced(before: Versions, members: Mapping[str, Any]) -> set[int]:
    """The versions that decide nothing any more once one is activated so."""
    trial = before.trial.number if before.trial else None
    if members.get("shadow"):
        replaced = {before.shadow} - {trial}  # which goes on deciding for its share
    elif "percent" in members:
        replaced = {trial} - {before.shadow}
    else:
        replaced = {before.active, trial, before.shadow}
    return {each for each in replaced if each is not None}


def _activation_members(
    percent: int | None, *, shadow: bool, apply_to_running: bool
) -> dict[str, Any]:
    """How a version is activated, as leaves have it: only what is not the ordinary."""
    asked = {"shadow": shadow, "apply_to_running": apply_to_running}
    share = {} if percent in (None, ALL_PERCENT) else {"percent": percent}
    return share | {name: True for name, wanted in asked.items() if wanted}
