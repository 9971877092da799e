"""The activation of versions: now or later, for all conversations, for a percentage, as a shadow.

A schedule is an entry of the log and is stored nowhere else. When it is due, the next write to the
workspace applies it first, so that no decision precedes an activation that it should follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from audit.entry import format_time
from audit.errors import AuditError
from audit.log.entries import (
    VersionActivated,
    VersionRetired,
    VersionScheduled,
    VersionSuspended,
    VersionUnscheduled,
)
from audit.projections.versions import VersionStatus
from policy_service.policies.policy_cache import BUILTIN_VERSIONS, enter_workspace
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from datetime import datetime

    from audit.projections.versions import ScheduledActivation, VersionRecord, Versions
    from audit.stores.contract import Store, Transaction
    from policy_service.policies.policy_cache import PolicyCache

ONCE_ACTIVE_STATUSES = frozenset({VersionStatus.ACTIVE, VersionStatus.RETIRED})
"""The statuses of versions that were activated before; they had their approvals then."""
ALL_PERCENT = 100
"""The percentage of all conversations."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A request to activate a version; the defaults: now, for all conversations that begin then."""

    at: datetime | None = None
    percent: int | None = None
    shadow: bool = False
    apply_to_running: bool = False

    @property
    def recorded_percent(self) -> int | None:
        """The percentage as leaves have it: None for all conversations."""
        return None if self.percent == ALL_PERCENT else self.percent


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


def apply_due_activations(transaction: WorkspaceTransaction) -> Versions:
    """Apply the activations that are due, in the order of their times; return the versions then.

    A workspace without entries gets its first version, the built-in document, before that.

    An activation is suspended if another version is active than when it was scheduled, because its
    approvers agreed to replace that one. It is also suspended if the version lacks approvals by
    now, or if its percentage has reached as much or more.
    """
    versions = transaction.versions()
    now = transaction.tx.now
    if versions is BUILTIN_VERSIONS:
        enter_workspace(transaction.tx, transaction.workspace)
        versions = transaction.versions()
    if not has_due_activation(versions, now):
        return versions
    for schedule in versions.due_schedules(format_time(now)):
        step, versions = schedule.step, transaction.versions()
        if schedule not in versions.schedules:  # an activation before it ended it
            continue
        digest = versions.records[schedule.number].digest
        reason = _find_suspension_reason(versions, schedule)
        if reason is None:
            activation = Activation(
                percent=step.percent, shadow=step.shadow, apply_to_running=step.apply_to_running
            )
            _enter_activated(
                replace(transaction, by=step.by), schedule.number, digest, activation, step.index
            )
        else:
            replace(transaction, by=SYSTEM_LOG).enter(
                VersionSuspended,
                version=schedule.number,
                digest=digest,
                schedule=step.index,
                reason=reason,
            )
    return transaction.versions()


def apply_due_in_workspace(store: Store, policies: PolicyCache, workspace: str) -> None:
    """Apply the due activations of a workspace in a transaction, if it has any."""
    with store.read() as snapshot:
        versions = policies.versions(snapshot, workspace)
    if has_due_activation(versions, store.now()):
        store.transact(partial(_apply_due, policies, workspace))


def _find_suspension_reason(versions: Versions, schedule: ScheduledActivation) -> str | None:
    """Return the reason to suspend a due activation; None if it may be done."""
    record = versions.records[schedule.number]
    if record.status not in ONCE_ACTIVE_STATUSES and not has_approvals(versions, record):
        return f"version {record.number} is {record.status.value} and lacks approvals"
    if versions.active != schedule.against:
        return f"version {versions.active} is active in the place of {schedule.against}"
    if percent := _find_larger_percent(versions, record, schedule.step.percent):
        return f"version {record.number} decides for {percent} percent; that only grows"
    return None


def activate_due_in_all(store: Store, policies: PolicyCache) -> None:
    """Apply what is due in every workspace, also if nobody writes to it.

    A workspace that fails does not stop the others; the last AuditError is raised in the end.
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
            store.transact(partial(_apply_due, policies, workspace))
        except AuditError as error:
            failed = error
    if failed:
        raise failed


def _apply_due(policies: PolicyCache, workspace: str, tx: Transaction) -> None:
    apply_due_activations(WorkspaceTransaction(tx, policies, workspace, SYSTEM_LOG))


def has_due_activation(versions: Versions, now: datetime) -> bool:
    """Return True if a scheduled activation is due and not done yet."""
    return bool(versions.schedules) and bool(versions.due_schedules(format_time(now)))


def enter_activation(
    transaction: WorkspaceTransaction, number: int, activation: Activation = ACTIVATE_NOW
) -> VersionRecord:
    """Enter the activation of a version, or its schedule if its time is in the future.

    An activation also retires the versions that decide nothing after it. A retired version may be
    activated again, to roll back. The version's pending schedule ends: a new time replaces it, and
    an activation by hand makes it pointless.

    Raises ProblemError `invalid_request` if the time is in the past, `wrong_status` or
    `percent_shrinks`.
    """
    versions = apply_due_activations(transaction)
    if activation.at is not None and activation.at < transaction.tx.now:
        raise _past_time_problem()
    record = require_version(versions, number)
    check_activation(versions, record, activation)
    if activation.at is None or activation.at == transaction.tx.now:
        end_schedules(transaction, {number}, "activated")
        _enter_activated(transaction, number, record.digest, activation)
    else:
        end_schedules(transaction, {number}, "replaced")
        transaction.enter(
            VersionScheduled,
            version=number,
            digest=record.digest,
            due=format_time(activation.at),
            against=versions.active,
            percent=activation.recorded_percent,
            shadow=activation.shadow,
            apply_to_running=activation.apply_to_running,
        )
    return require_version(transaction.versions(), number)


def enter_unscheduling(transaction: WorkspaceTransaction, number: int) -> VersionRecord:
    """Enter that the scheduled activation of a version is cancelled.

    Raises ProblemError `not_found` if the version has no pending schedule.
    """
    versions = apply_due_activations(transaction)
    require_version(versions, number)
    if all(each.number != number for each in versions.schedules):
        raise ProblemError(ProblemCode.NOT_FOUND, f"Version {number} has no pending schedule")
    end_schedules(transaction, {number}, "cancelled")
    return require_version(transaction.versions(), number)


def end_schedules(transaction: WorkspaceTransaction, numbers: set[int], reason: str) -> None:
    """Enter the end of every pending schedule of these versions."""
    for schedule in transaction.versions().schedules:
        if schedule.number in numbers:
            transaction.enter(
                VersionUnscheduled,
                version=schedule.number,
                schedule=schedule.step.index,
                reason=reason,
            )


def _past_time_problem() -> ProblemError:
    message = "The time is in the past: leave out `at` to activate now"
    complaint = Complaint("/at", "not_in_future", message)
    return ProblemError(ProblemCode.INVALID_REQUEST, message, [complaint])


def _enter_activated(
    transaction: WorkspaceTransaction,
    number: int,
    digest: str,
    activation: Activation,
    schedule: int | None = None,
) -> None:
    """Enter an activation, and the retirement of each version that decides nothing after it.

    The pending schedule of a retired version ends too. A version that was only a shadow keeps its
    schedule if another shadow replaces it.
    """
    before = transaction.versions()
    transaction.enter(
        VersionActivated,
        version=number,
        digest=digest,
        percent=activation.recorded_percent,
        shadow=activation.shadow,
        apply_to_running=activation.apply_to_running,
        schedule=schedule,
    )
    for replaced in sorted(_find_replaced(before, activation) - {number}):
        transaction.enter(VersionRetired, version=replaced)
        if not activation.shadow:
            reason = "rolled_back" if number < replaced else "cancelled"
            end_schedules(transaction, {replaced}, reason)


def check_activation(versions: Versions, record: VersionRecord, activation: Activation) -> None:
    """Raise ProblemError `wrong_status` or `percent_shrinks` if the version cannot be activated."""
    trial = versions.trial
    others = {versions.shadow, trial.number if trial else None} - {None}
    if record.number == versions.active:
        changes = bool(others) or activation.apply_to_running
        allowed = changes and not activation.shadow and activation.recorded_percent is None
    else:
        is_rollback = record.status is VersionStatus.RETIRED
        allowed = is_rollback or record.number in others or has_approvals(versions, record)
    if not allowed and record.status is VersionStatus.PROPOSED:
        raise ProblemError(ProblemCode.WRONG_STATUS, _describe_missing(versions, record))
    if not allowed:
        raise wrong_status_problem(record, "activated")
    if percent := _find_larger_percent(versions, record, activation.percent):
        detail = (
            f"Version {record.number} decides for {percent} percent; choose a larger percentage"
        )
        raise ProblemError(ProblemCode.PERCENT_SHRINKS, detail)


def _describe_missing(versions: Versions, record: VersionRecord) -> str:
    missing = versions.required_approvals - len(record.approvals)
    approvals = "approval" if missing == 1 else "approvals"
    return f"Version {record.number} is proposed; it needs {missing} more {approvals}"


def _find_larger_percent(
    versions: Versions, record: VersionRecord, percent: int | None
) -> int | None:
    """Return the version's percentage if the new one is not larger; None if it may be set."""
    trial = versions.trial
    if trial is None or trial.number != record.number or not percent or percent > trial.percent:
        return None
    return trial.percent


def has_approvals(versions: Versions, record: VersionRecord) -> bool:
    """Return True if a version that was never activated has the required approvals."""
    none_needed = versions.required_approvals == 0 and record.status is VersionStatus.PROPOSED
    return none_needed or record.status is VersionStatus.APPROVED


def require_version(versions: Versions, number: int) -> VersionRecord:
    """Return the version of this number; raise ProblemError `not_found` if there is none."""
    record = versions.get(number)
    if record is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"There is no version {number}")
    return record


def wrong_status_problem(record: VersionRecord, step: str) -> ProblemError:
    """Return the problem of a step that the version's status does not allow."""
    status = record.status.value
    return ProblemError(
        ProblemCode.WRONG_STATUS, f"Version {record.number} is {status} and cannot be {step}"
    )


def _find_replaced(before: Versions, activation: Activation) -> set[int]:
    """Return the versions that decide nothing any more after an activation."""
    trial = before.trial.number if before.trial else None
    if activation.shadow:
        replaced = {before.shadow} - {trial}  # the trial still decides for its percentage
    elif activation.recorded_percent is not None:
        replaced = {trial} - {before.shadow}
    else:
        replaced = {before.active, trial, before.shadow}
    return {each for each in replaced if each is not None}
