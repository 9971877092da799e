"""Holds: while one is active, its contact, or nobody of its workspace, can be erased.

One key sets a hold and another releases it, so that nobody alone lifts it in order to erase.
There is no table of holds: they are what the `hold.*` entries say.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.stores.contract import EntryFilter
from policy_service.policies.policy_cache import enter_workspace
from policy_service.privacy.personal_data import append_with_contact, read_personal
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction


@dataclass(frozen=True, slots=True)
class HoldStep:
    """Setting or releasing: the entry's index, its time, whose it was, and why."""

    index: int
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One hold as its entries leave it; whom it is of stands beside the entry that set it."""

    id: str
    is_of_contact: bool
    """Of one contact; else of the whole workspace."""
    set: HoldStep
    released: HoldStep | None = None


def fold_holds(entries: Iterable[Entry]) -> dict[str, HoldRecord]:
    """Every hold there was, by id, in the order they were set; `entries` are in that of the log."""
    holds: dict[str, HoldRecord] = {}
    for entry in entries:
        leaf = entry.value
        step = HoldStep(entry.index, leaf["at"], leaf["by"], leaf["reason"])
        identity = leaf["hold"]
        if leaf["kind"] == EntryKind.HOLD_SET:
            holds[identity] = HoldRecord(identity, is_of_contact="commitment" in leaf, set=step)
        else:
            holds[identity] = replace(holds[identity], released=step)
    return holds


def find_active_holds(snapshot: Snapshot, workspace: str, contact: str) -> list[str]:
    """The ids of the holds under which the contact cannot be erased, in the order they were set."""
    holds = fold_holds(snapshot.entries_of_family(workspace, "hold.")).values()
    if all(hold.released for hold in holds):
        return []
    naming = EntryFilter(kind=EntryKind.HOLD_SET.value, contact=contact)
    of_them = {entry.index for entry in snapshot.search(workspace, naming, None, len(holds))}
    return [
        hold.id
        for hold in holds
        if hold.released is None and (not hold.is_of_contact or hold.set.index in of_them)
    ]


@dataclass(frozen=True, slots=True)
class HoldSteps:
    """What a key does with the holds of a workspace, within one transaction."""

    tx: Transaction
    workspace: str
    by: str

    def set(self, contact: str | None, reason: str) -> HoldRecord:
        """Enter a hold of the contact, or without one of the whole workspace.

        A contact may be held of whom nothing is kept yet, and may be held more than once.
        """
        enter_workspace(self.tx, self.workspace, format_time(self.tx.now))
        leaf = self._leaf(EntryKind.HOLD_SET, f"hold-{secrets.token_hex(6)}", reason)
        if contact is None:
            entry = self.tx.append(self.workspace, leaf)
        else:
            entry = append_with_contact(self.tx, self.workspace, leaf, contact)
        return fold_holds([entry])[leaf["hold"]]

    def release(self, hold_id: str, reason: str) -> HoldRecord:
        """Enter that a hold ends.

        Problem `not_found`; `setter_may_not_release` for the key that set it; `hold_released` where
        it ended before.
        """
        hold = fold_holds(self.tx.entries_of_family(self.workspace, "hold.")).get(hold_id)
        if hold is None:
            raise ProblemError(ProblemCode.NOT_FOUND, "There is no such hold in this workspace")
        if hold.set.by == self.by:
            raise ProblemError(
                ProblemCode.SETTER_MAY_NOT_RELEASE, "The key that set a hold may not release it"
            )
        if hold.released:
            raise ProblemError(
                ProblemCode.HOLD_RELEASED, f"The hold was released at {hold.released.at}"
            )
        self.tx.append(self.workspace, self._leaf(EntryKind.HOLD_RELEASED, hold_id, reason))
        return fold_holds(self.tx.entries_of_family(self.workspace, "hold."))[hold_id]

    def _leaf(self, kind: EntryKind, hold_id: str, reason: str) -> dict[str, Any]:
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {"workspace": self.workspace, "hold": hold_id, "by": self.by}
        return {**head, **whose, "reason": reason}


def hold_view(snapshot: Snapshot, workspace: str, hold: HoldRecord) -> dict[str, Any]:
    """The hold as it is answered; `contact` is null where it is of all, or was erased since."""
    named = read_personal(snapshot, workspace, hold.set.index) if hold.is_of_contact else None
    return {
        "id": hold.id,
        "scope": "contact" if hold.is_of_contact else "workspace",
        "contact": named.contact if named else None,
        "status": "released" if hold.released else "active",
        "reason": hold.set.reason,
        "set_by": hold.set.by,
        "set_at": hold.set.at,
        "index": hold.set.index,
        "released": _step_view(hold.released) if hold.released else None,
    }


def _step_view(step: HoldStep) -> dict[str, Any]:
    return {"by": step.by, "at": step.at, "index": step.index, "reason": step.reason}
