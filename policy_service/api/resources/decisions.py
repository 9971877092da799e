"""Decisions: asked for one by one or many at once, looked up again, and explained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from flask import Response

from policy_service.access.keys import unauthorized_problem
from policy_service.api.requests import event_json, ndjson, query
from policy_service.api.responses import answer
from policy_service.api.route import NDJSON, Parameter
from policy_service.decisions.batch import decide_lines
from policy_service.decisions.decide import RecordedDecision, decide_event, lookup_keys
from policy_service.decisions.explanation import recorded_explanation
from policy_service.decisions.record import decision_view
from policy_service.problems import ProblemCode, ProblemError
from rules.model.event import parse_event

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.decisions.precompute import PrecomputedDecision
    from policy_service.services import Services
    from rules.model.event import Event

EXPLANATION = "/explanation"
REPLAYED = {
    "Idempotency-Replayed": Parameter(
        Literal["true"],
        "There where the event was decided before, and nothing was written.",
        "true",
    )
}


def decide(service: Services, caller: Key) -> Response:
    """One event, one decision; the same event again, the same bytes.

    Once an event was erased its id alone is asked about: with any other body it gets its decision.
    """
    query()
    event = parse_event(event_json())
    admit(caller, event)
    precomputed = service.precomputer.precompute(event)
    work = partial(_decide, service, caller, event, precomputed)
    decided = service.store.transact(work, lookup_keys(service.store, event))
    service.precomputer.remember(decided.entry)
    decision = decision_view(decided.entry)
    service.metrics.count_decision(decision["outcome"], replayed=decided.replayed)
    answered = answer(decision)
    if decided.replayed:
        answered.headers["Idempotency-Replayed"] = "true"
    return answered


def _decide(
    service: Services,
    caller: Key,
    event: Event,
    precomputed: PrecomputedDecision | None,
    tx: Transaction,
) -> RecordedDecision:
    """Decide for a key that was presumed to be valid, and is asked about here."""
    if not service.keyring.is_current(tx, caller, tx.now):
        raise unauthorized_problem()
    decided = decide_event(event, service.policies, tx, precomputed)
    service.key_usage.record_in(tx, caller.id)
    return decided


def batch(service: Services, caller: Key) -> Response:
    """Many events, one a line: for each its decision, or its problem, in the order they came.

    At most 5,000 lines and 16 MiB, else nothing is decided; a line has at most 64 KiB. Blank lines
    are ignored. A line that is refused stops nothing; where the ledger does not take one (503), it
    takes none behind it either. A batch may be sent again: what was decided stays the same.
    """
    query()
    decided = decide_lines(
        service.store, service.policies, service.metrics, ndjson(), partial(admit, caller)
    )
    return Response(b"".join(line.text for line in decided), content_type=NDJSON)


def show(service: Services, _: Key, workspace: str, event: str) -> Response:
    """The decision on an event of the workspace."""
    query()
    with service.store.read() as snapshot:
        entry = snapshot.decision(workspace, event)
    if entry is None:
        raise _undecided()
    return answer(decision_view(entry))


def explanation(service: Services, _: Key, workspace: str, event: str) -> Response:
    """A decision with its facts, and every rule that was tried, by the version that decided.

    Where no event of this id was decided, but one whose id is this and `/explanation`, it is the
    decision on that one: their addresses are the same.
    """
    query()
    with service.store.read() as snapshot:
        if entry := snapshot.decision(workspace, event):
            return answer(recorded_explanation(snapshot, entry))
        whole: Entry | None = snapshot.decision(workspace, f"{event}{EXPLANATION}")
    if whole is None:
        raise _undecided()
    return answer(decision_view(whole))


def admit(caller: Key, event: Event) -> None:
    """Problem `not_found` where the event is of a workspace that the key is not for."""
    if not caller.reaches(event["workspace"]["id"]):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such workspace for this key")


def _undecided() -> ProblemError:
    return ProblemError(ProblemCode.NOT_FOUND, "No event of this id was decided in this workspace")
