"""The story of a conversation: what happened in it, what was decided, by whose rules, and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import EntryKind
from audit.projections.action_status import PENDING_STATE, fold_action_states
from audit.stores.contract import EntryFilter
from policy_service.decisions.record import action_view
from policy_service.privacy.erasures import find_erasures
from policy_service.privacy.personal_data import personal_view, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.entry import Entry
    from audit.projections.action_status import ActionState
    from audit.projections.versions import Versions
    from audit.stores.contract import Snapshot
    from policy_service.access.keys import Key


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells stories of one workspace from one snapshot, with the versions and keys of then."""

    snapshot: Snapshot
    workspace: str
    versions: Versions
    keys: Mapping[str, Key]
    personal: bool
    """Whether it may tell what is personal."""

    def page(
        self, conversation: str, after: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """The events behind index `after`, in order, and where the next page begins.

        Problem `not_found` where nothing of the conversation was ever decided.
        """
        if self.snapshot.latest_decision(self.workspace, conversation) is None:
            raise ProblemError(ProblemCode.NOT_FOUND, "Nothing was decided in such a conversation")
        query = EntryFilter(kind=EntryKind.DECISION.value, conversation=conversation)
        entries = self.snapshot.search(self.workspace, query, after, limit + 1)
        states_by_action = fold_action_states(
            (each.index, each.value)
            for each in self.snapshot.receipts(self.workspace, conversation)
        )
        events = [self._event_view(entry, states_by_action) for entry in entries[:limit]]
        erased = find_erasures(self.snapshot, self.workspace, [each["index"] for each in events])
        for each in events:
            if each["index"] in erased:
                each["erased"] = erased[each["index"]]
        return events, events[-1]["index"] if len(entries) > limit else None

    def _event_view(
        self, entry: Entry, states_by_action: Mapping[str, ActionState]
    ) -> dict[str, Any]:
        leaf = entry.value
        view = {
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
            **self._version_view(leaf["policy"]["version"]),
            "actions": [
                {
                    **action_view(action),
                    "status": states_by_action.get(action["id"], PENDING_STATE).status.value,
                }
                for action in leaf["actions"]
            ],
        }
        if self.personal:
            view["personal"] = personal_view(read_personal(self.snapshot, entry.log, entry.index))
        return view

    def _version_view(self, number: int) -> dict[str, Any]:
        """The version that decided, and who stands for it."""
        record = self.versions.records[number]
        approvers = [{**self._key_name_view(step.by), "at": step.at} for step in record.approvals]
        return {
            "version": number,
            "digest": record.digest,
            "author": self._key_name_view(record.proposed_by),
            "approvers": approvers,
        }

    def _key_name_view(self, key_id: str) -> dict[str, Any]:
        """The key, by its id and name; `system` has none."""
        key = self.keys.get(key_id)
        return {"key": key_id, "name": key.name if key else None}
