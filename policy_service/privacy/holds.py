"""Holds: while one is active, its contact, or nobody of its workspace, can be erased.

One key sets a hold and another releases it, so that nobody alone lifts it in order to erase.
There is no table of holds: they are what the `hold.*` entries say.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.stores.contract import Filter
from policy_service.policies.policy_cache import enter_workspace
from policy_service.privacy.personal_data import append_naming, personal_of
from policy_service.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class Step:
    """Setting or releasing: the entry's index, its time, whose it was, and why."""

    index: int
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold as its entries leave it; whom it is of stands beside the entry that set it."""

    id: str
    of_one: bool
    """Of one contact; else of the whole workspace."""
    set: Step
    released: Step | None = None


def holds_of(entries: Iterable[Entry]) -> dict[str, Hold]:
    """Every hold there was, by id, in the order they were set; `entries` are in that of the log."""
    holds: dict[str, Hold] = {}
    for entry in entries:
        leaf = entry.value
        step = Step(entry.index, leaf["at"], leaf["by"], leaf["reason"])
        identity = leaf["hold"]
        if leaf["kind"] == EntryKind.HOLD_SET:
            holds[identity] = Hold(identity, of_one="commitment" in leaf, set=step)
        else:
            holds[identity] = replace(holds[identity], released=step)
    return holds


def keeping(snapshot: Snapshot, workspace: str, contact: str) -> list[str]:
    """The ids of the holds under which the contact cannot be erased, in the order they were set."""
    holds = holds_of(snapshot.entries_of(workspace, "hold.")).values()
    if all(hold.released for hold in holds):
        return []
    naming = Filter(kind=EntryKind.HOLD_SET.value, contact=contact)
    of_them = {entry.index for entry in snapshot.search(workspace, naming, None, len(holds))}
    return [
        hold.id
        for hold in holds
        if hold.released is None and (not hold.of_one or hold.set.index in of_them)
    ]


@dataclass(frozen=True, slots=True)
class HoldSteps:
    """What a key does with the holds of a workspace, within one transaction."""

    tx: Transaction
    workspace: str
    by: str

    def set(self, contact: str | None, reason: str) -> Hold:
        """Enter a hold of the contact, or without one of the whole workspace.

        A contact may be held of whom nothing is kept yet, and may be held more than once.
        """
        enter_workspace(self.tx, self.workspace, format_time(self.tx.now))
        leaf = self._leaf(EntryKind.HOLD_SET, f"hold-{secrets.token_hex(6)}", reason)
        if contact is None:
            entry = self.tx.append(self.workspace, leaf)
        else:
            entry = append_naming(self.tx, self.workspace, leaf, contact)
        return holds_of([entry])[leaf["hold"]]

    def release(self, hold_id: str, reason: str) -> Hold:
        """Enter that a hold ends.

        Problem `not_found`; `setter_may_not_release` for the key that set it; `hold_released` where
        it ended before.
        """
        hold = holds_of(self.tx.entries_of(self.workspace, "hold.")).get(hold_id)
        if hold is None:
            raise Problem(ProblemCode.NOT_FOUND, "There is no such hold in this workspace")
        if hold.set.by == self.by:
            raise Problem(
                ProblemCode.SETTER_MAY_NOT_RELEASE, "The key that set a hold may not release it"
            )
        if hold.released:
            raise Problem(ProblemCode.HOLD_RELEASED, f"The hold was released at {hold.released.at}")
        self.tx.append(self.workspace, self._leaf(EntryKind.HOLD_RELEASED, hold_id, reason))
        return holds_of(self.tx.entries_of(self.workspace, "hold."))[hold_id]

    def _leaf(self, kind: EntryKind, hold_id: str, reason: str) -> dict[str, Any]:
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {"workspace": self.workspace, "hold": hold_id, "by": self.by}
        return {**head, **whose, "reason": reason}


def hold_view(snapshot: Snapshot, workspace: str, hold: Hold) -> dict[str, Any]:
    """The hold as it is answered; `contact` is null where it is of all, or was erased since."""
    named = personal_of(snapshot, workspace, hold.set.index) if hold.of_one else None
    return {
        "id": hold.id,
        "scope": "contact" if hold.of_one else "workspace",
        "contact": named.contact if named else None,
        "status": "released" if hold.released else "active",
        "reason": hold.set.reason,
        "set_by": hold.set.by,
        "set_at": hold.set.at,
        "index": hold.set.index,
        "released": _step_view(hold.released) if hold.released else None,
    }


def _step_view(step: Step) -> dict[str, Any]:
    return {"by": step.by, "at": step.at, "index": step.index, "reason": step.reason}
