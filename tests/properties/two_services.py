"""A ledger that two services have open, as two server processes do."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from hypothesis.stateful import RuleBasedStateMachine

from audit.stores.sqlite.store import SqliteStore
from policy_service.decisions.decide import decide_event, event_key
from policy_service.decisions.record import decision_view
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemError
from policy_service.services import Services
from rules.check import read_document
from rules.formats.document_text import read_value
from rules.model import builtin
from rules.model.event import parse_event
from tests.properties.ledger_model import STARTED, VARIANTS, LogModel, VersionModel, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.projections.versions import VersionRecord
    from policy_service.decisions.precompute import PrecomputedDecision
    from rules.model.document import Document

T = TypeVar("T")

LOGS = ("acme", "zeta")
NOBODY = "nobody"


def document(number: int, changed: dict[str, Any]) -> dict[str, Any]:
    tree = builtin.load_tree()
    return {**tree, "title": f"Number {number}", "settings": {**tree["settings"], **changed}}


def code_of(error: ProblemError | None) -> str | None:
    return error.code if error else None


def refused(act: Callable[[], object]) -> ProblemError | None:
    try:
        act()
    except ProblemError as error:
        return error
    return None


@cache
def checked(number: int, variant: int) -> Document:
    """Return the document, checked only once because checking takes long."""
    return read_document(read_value(document(number, VARIANTS[variant][0])))


class TwoServicesMachine(RuleBasedStateMachine):
    """A state machine with a ledger, a model of it, and two services that change it."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.folder = Path(self.open.enter_context(TemporaryDirectory())) / "data"
        self.told = 0
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        SqliteStore.create(self.folder, clock=self.clock).close()
        self.sides = [self.opened(), self.opened()]
        tree = builtin.load_tree()
        self.model = {
            log: LogModel(VersionModel(digest_of(tree), STARTED, "system", "active"))
            for log in LOGS
        }

    def clock(self) -> datetime:
        return self.now

    def opened(self) -> Services:
        return Services(SqliteStore.open(self.folder, clock=self.clock))

    def event(self, log: str, conversation: str, happening: dict[str, Any]) -> dict[str, Any]:
        self.told += 1
        return {
            "id": f"ev-{self.told}",
            "occurred_at": "2026-11-22T10:00:00Z",
            "workspace": {"id": log, "plan": "pro"},
            "conversation": {"id": conversation, "direction": "inbound"},
            "contact": {"id": "ct-1", "kind": "lead", "language": "en"},
            **happening,
        }

    def decision(
        self, side: int, event: dict[str, Any], precomputed: PrecomputedDecision | None = None
    ) -> tuple[dict[str, Any], bytes, bool]:
        service = self.sides[side]
        parsed = parse_event(event)
        key = event_key(service.store, parsed)
        work = partial(decide_event, parsed, key, service.policies, precomputed=precomputed)
        answer = service.store.transact(work)
        service.precomputer.remember(answer.entry)
        view = decision_view(answer.entry)
        return view, orjson.dumps(view), answer.replayed

    def step(
        self, log: str, side: int, by: str, take: Callable[[WorkspaceTransaction], VersionRecord]
    ) -> VersionRecord:
        return self.work(log, side, by, take)

    def work(self, log: str, side: int, by: str, work: Callable[[WorkspaceTransaction], T]) -> T:
        """Run work for a key in one transaction of a side."""
        service = self.sides[side]
        return service.store.transact(
            lambda tx: work(WorkspaceTransaction(tx, service.policies, log, by))
        )

    def action(self, log: str, pick: int) -> tuple[str, str | None]:
        """An action and its status; now and then one that nobody asked for."""
        known = [*self.model[log].actions.items(), (f"{NOBODY}.0", None)]
        return known[pick % len(known)]

    def received(
        self, log: str, side: int, enter: Callable[[WorkspaceTransaction], object]
    ) -> ProblemError | None:
        return refused(lambda: self.work(log, side, "key", enter))
