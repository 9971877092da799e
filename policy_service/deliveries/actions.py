"""Actions: what the platform is asked to carry out, and what it says became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from audit.projections.action_status import PENDING, ActionState, ActionStatus, states
from audit.stores.contract import Filter
from policy_service.decisions.record import action_view
from policy_service.problems import Problem, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction

LOOKED_AT = 20_000
"""Decisions that one page looks at; a page may hold fewer actions than it may, even none."""
_AT_ONCE = 200

KINDS = {
    ActionStatus.DELIVERED: EntryKind.ACTION_DELIVERED,
    ActionStatus.FAILED: EntryKind.ACTION_FAILED,
}
"""What a receipt may say, and the kind of its entry."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an action stands: the index of its decision, and its number in it, from 0."""

    index: int
    number: int

    def __str__(self) -> str:
        return f"{self.index}.{self.number}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One action with the decision that asks for it and what became of it."""

    decision: Entry
    number: int
    state: ActionState

    @property
    def place(self) -> Place:
        return Place(self.decision.index, self.number)

    def view(self) -> dict[str, Any]:
        """The action as it is answered, with its decision and what became of it."""
        leaf = self.decision.value
        return {
            **action_view(leaf["actions"][self.number]),
            "decision": leaf["id"],
            "event": leaf["event"],
            "conversation": leaf["conversation"],
            "index": self.decision.index,
            "status": self.state.status.value,
            "status_at": self.state.at,
            "status_by": self.state.by,
            "detail": self.state.detail,
        }


def page(
    snapshot: Snapshot,
    workspace: str,
    wanted: Collection[ActionStatus],
    after: Place | None,
    limit: int,
) -> tuple[list[Asked], Place | None]:
    """The actions with these statuses behind a place, and where the next page begins, if any."""
    found: list[Asked] = []
    for looked_at, decision in enumerate(_acting(snapshot, workspace, after), start=1):
        asked = None
        for asked in _asked(snapshot, decision):
            if (after and asked.place <= after) or asked.state.status not in wanted:
                continue
            if len(found) == limit:
                return found, found[-1].place
            found.append(asked)
        if asked and looked_at == LOOKED_AT:
            return found, asked.place
    return found, None


def find(snapshot: Snapshot, workspace: str, action: str) -> Asked:
    """The action with this id; Problem `not_found`."""
    decision = snapshot.acting(workspace, action.rpartition(".")[0])
    for asked in _asked(snapshot, decision) if decision else ():
        if asked.decision.value["actions"][asked.number]["id"] == action:
            return asked
    raise Problem(ProblemCode.NOT_FOUND, "No decision of this workspace asks for such an action")


@dataclass(frozen=True, slots=True)
class Receipts:
    """What a key says of a workspace's actions, within one transaction."""

    tx: Transaction
    workspace: str
    by: str

    def receive(self, action: str, status: ActionStatus, detail: str | None) -> Asked:
        """Enter that the action was delivered, or failed. The same receipt twice is one entry.

        A delivery after a failure is believed; nothing is believed of an action that was delivered
        or withdrawn (Problem `action_settled`).
        """
        asked = find(self.tx, self.workspace, action)
        if asked.state.status is status:
            return asked
        if asked.state.status not in (ActionStatus.PENDING, ActionStatus.FAILED):
            raise _settled(asked)
        more = {} if detail is None else {"detail": detail}
        return self._enter(asked, KINDS[status], {"action": action, **more})

    def retry(self, action: str) -> Asked:
        """Enter that a failed action is to be tried again: it is pending once more."""
        asked = find(self.tx, self.workspace, action)
        if asked.state.status is ActionStatus.PENDING:
            return asked
        if asked.state.status is not ActionStatus.FAILED:
            raise _settled(asked)
        return self._enter(asked, EntryKind.ACTION_RETRIED, {"action": action})

    def _enter(self, asked: Asked, kind: EntryKind, members: dict[str, str]) -> Asked:
        leaf = asked.decision.value
        head = {"format": FORMAT, "kind": kind.value, "at": format_time(self.tx.now)}
        whose = {name: leaf[name] for name in ("workspace", "event", "conversation")}
        self.tx.append(self.workspace, {**head, **whose, "by": self.by, **members})
        return find(self.tx, self.workspace, members["action"])


def _settled(asked: Asked) -> Problem:
    return Problem(ProblemCode.ACTION_SETTLED, f"The action is {asked.state.status.value} for good")


def _acting(snapshot: Snapshot, workspace: str, after: Place | None) -> Iterator[Entry]:
    """The decisions that ask for actions, from the one at `after`, in order."""
    behind = after.index - 1 if after else None
    while found := snapshot.search(workspace, Filter(acting=True), behind, _AT_ONCE):
        yield from found
        behind = found[-1].index


def _asked(snapshot: Snapshot, decision: Entry) -> Iterator[Asked]:
    leaf = decision.value
    known = states(
        (each.index, each.value) for each in snapshot.receipts(decision.log, leaf["conversation"])
    )
    for number, action in enumerate(leaf["actions"]):
        yield Asked(decision, number, known.get(action["id"], PENDING))
