"""The story of a conversation: its events, their decisions, versions and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from audit.entry import EntryKind
from audit.projections.action_status import PENDING_STATE, fold_action_states
from audit.stores.contract import EntryFilter
from policy_service.access.keys import Role
from policy_service.decisions.record import action_view
from policy_service.privacy.erasures import find_erasures
from policy_service.privacy.personal_data import personal_view, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.entry import Entry
    from audit.log.entries import DecisionLeaf
    from audit.projections.action_status import ActionState
    from audit.projections.versions import VersionRecord
    from policy_service.access.keys import Key
    from policy_service.policies.workspace_transaction import WorkspaceLedger


@dataclass(frozen=True, slots=True)
class StoryPage:
    """Some events of a conversation, and the index to continue after; None on the last page."""

    events: list[dict[str, Any]]
    next: int | None


def tell_story(
    ledger: WorkspaceLedger, conversation: str, after: int | None, limit: int
) -> StoryPage:
    """Return the events of a conversation after an index, in the order of their decisions.

    Personal data is for auditors, and for a person at the command line. Raises ProblemError
    `not_found` if no event of the conversation was decided.
    """
    workspace, caller = ledger.workspace, ledger.access.key
    shows_personal = caller is None or caller.role is Role.AUDITOR
    with ledger.store.read() as snapshot:
        if snapshot.latest_decision(workspace, conversation) is None:
            raise ProblemError(ProblemCode.NOT_FOUND, "Nothing was decided in such a conversation")
        query = EntryFilter(kind=EntryKind.DECISION.value, conversation=conversation)
        entries = snapshot.search(workspace, query, after, limit + 1)
        page = entries[:limit]
        versions = ledger.policies.versions(snapshot, workspace)
        keys = ledger.access.keyring.keys(snapshot)
        states_by_action = fold_action_states(snapshot.receipts(workspace, conversation))
        erasures = find_erasures(snapshot, workspace, [each.index for each in page])
        events = []
        for entry in page:
            number = entry.value["policy"]["version"]
            event = {
                **_decision_view(entry),
                **_version_view(versions.records[number], keys),
                "actions": _actions_view(entry, states_by_action),
            }
            if shows_personal:
                event["personal"] = personal_view(read_personal(snapshot, workspace, entry.index))
            if entry.index in erasures:
                event["erased"] = erasures[entry.index]
            events.append(event)
    return StoryPage(events, page[-1].index if len(entries) > limit else None)


def _decision_view(entry: Entry) -> dict[str, Any]:
    leaf = cast("DecisionLeaf", entry.value)
    return {
        "index": entry.index,
        "event": leaf["event"],
        "type": leaf["facts"]["event.type"],
        "occurred_at": leaf["occurred_at"],
        "decided_at": leaf["at"],
        "decision": leaf["id"],
        "outcome": leaf["outcome"],
        "reason": leaf["reason"],
        "rule": leaf["rule"],
        "stage": leaf["stage"],
    }


def _version_view(record: VersionRecord, keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return the version that decided, with the keys of its author and its approvers."""
    return {
        "version": record.number,
        "digest": record.digest,
        "author": _key_view(record.proposed_by, keys),
        "approvers": [{**_key_view(step.by, keys), "at": step.at} for step in record.approvals],
    }


def _key_view(key_id: str, keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return the id and the name of a key; `system` has no name."""
    key = keys.get(key_id)
    return {"key": key_id, "name": key.name if key else None}


def _actions_view(
    entry: Entry, states_by_action: Mapping[str, ActionState]
) -> list[dict[str, Any]]:
    leaf = cast("DecisionLeaf", entry.value)
    return [
        {
            **action_view(action),
            "status": states_by_action.get(action["id"], PENDING_STATE).status.value,
        }
        for action in leaf["actions"]
    ]
