"""Versions, and what a workspace requires of them, as they are answered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.projections.versions import VersionRecord, Versions, VersionStep
    from policy_service.policies.guardrails import Properties
    from rules.analysis.text_diff import TextDiff


def version_view(record: VersionRecord, versions: Versions) -> dict[str, Any]:
    """Return the version, with its steps in order.

    Before the first write to a workspace, `proposed_at` is null and `activations` is empty.
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
    """Return the required approvals, and the entry that set them; null if none did."""
    since = versions.approvals_step
    return {"count": versions.required_approvals, "since": _step_view(since) if since else None}


def guardrails_view(properties: Properties, versions: Versions) -> dict[str, Any]:
    """Return the guardrails, and the entry that set them; null if none did."""
    since = versions.guardrails_step
    step = _step_view(since) if since else None
    return {"properties": properties, "digest": versions.guardrails, "since": step}


def difference_view(difference: TextDiff) -> dict[str, Any]:
    """Return the differences of two documents; an absent part is null."""
    return asdict(difference)


def _step_view(step: VersionStep) -> dict[str, Any]:
    """Return the key, the time and the index of a step, and its other members if it has them."""
    optional = {
        "reason": step.reason,
        "percent": step.percent,
        "shadow": step.shadow or None,
        "apply_to_running": step.apply_to_running or None,
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return {"by": step.by, "at": step.at, "index": step.index, **present}
