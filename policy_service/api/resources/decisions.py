"""Decisions: on one event, on many events, looked up again, and explained."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from policy_service.access.keys import unauthorized_problem
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DECISION, EVENT, EVENTS, EXPLANATION
from policy_service.api.media import NDJSON, TEXT_SCHEMA
from policy_service.api.requests import MAX_BATCH, Body, parse_batch_body, parse_event_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import EVENT_SCHEMA, WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.common import DecisionSchema
from policy_service.api.schemas.explanations import ExplanationSchema
from policy_service.decisions.batch import decide_lines
from policy_service.decisions.decide import RecordedDecision, event_key
from policy_service.decisions.decide import decide_event as decide_in_transaction
from policy_service.decisions.explanation import recorded_explanation
from policy_service.decisions.record import decision_view
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.services import Services
    from rules.model.event import Event

EXPLANATION_PATH = "/explanation"
REPLAYED = "Idempotency-Replayed"
_REPLAYED_HEADER = fields.one_of(
    ["true"],
    "Present if the event was decided before; nothing was written.",
    example="true",
)
_REFUSED: dict[str, Any] = {
    "type": "about:blank",
    "title": "The body is not I-JSON",
    "status": 400,
    "code": "invalid_json",
    "detail": "The body is not JSON: Expecting value at line 1, column 1",
}
BATCH = f"{json.dumps(EVENT)}\nev-2\n"
DECIDED_BATCH = f"{json.dumps(DECISION)}\n{json.dumps(_REFUSED)}\n"


def decide_event(services: Services, caller: Key, *, body: Event) -> Reply:
    """Decide an event.

    The same event again gets the same decision, byte for byte. If the event was erased, its id
    alone identifies it: any body with this id gets the decision. If a teammate took over or the
    conversation was closed, the open actions of earlier decisions are withdrawn.
    """
    require_reach(caller, body)
    key = event_key(services.store, body)
    precomputed = services.precomputer.precompute(services.store, services.policies, body, key)

    def work(tx: Transaction) -> RecordedDecision:
        if not services.keyring.is_current(tx, caller, tx.now):
            raise unauthorized_problem()
        decided = decide_in_transaction(body, key, services.policies, tx, precomputed)
        services.key_usage.record_in(tx, caller.id)
        return decided

    decided = services.store.transact(work, key)
    services.precomputer.remember(decided.entry)
    decision = decision_view(decided.entry)
    services.metrics.count_decision(decision["outcome"], replayed=decided.replayed)
    return Reply(decision, {REPLAYED: "true"}) if decided.replayed else Reply(decision)


def decide_batch(services: Services, caller: Key, *, body: list[bytes]) -> Reply:
    """Decide many events.

    Send one event on each line; the answer has a decision or a problem for each line. A batch has
    up to 5,000 lines and 16 MiB, and a line has up to 64 KiB; a larger batch is refused as a whole.
    Blank lines are ignored. A refused line stops nothing. But if the ledger cannot take a line
    (503), the lines after it are refused too. A batch may be sent again: decided events keep their
    decisions.
    """
    require = partial(require_reach, caller)
    decided = decide_lines(services.store, services.policies, services.metrics, body, require)
    return Reply(b"".join(line.text for line in decided))


def get_decision(services: Services, _: Key, *, workspace: str, event: str) -> Reply:
    """Get the decision on an event."""
    with services.store.read() as snapshot:
        entry = snapshot.decision(workspace, event)
    if entry is None:
        raise _undecided()
    return Reply(decision_view(entry))


def explain_decision(services: Services, _: Key, *, workspace: str, event: str) -> Reply:
    """Explain a decision.

    The explanation has the facts of the event and every rule that the deciding version tried. If no
    event has this id, but an event has this id followed by `/explanation`, the answer is the
    decision on that event: both have the same address.
    """
    with services.store.read() as snapshot:
        if entry := snapshot.decision(workspace, event):
            return Reply(recorded_explanation(snapshot, entry))
        whole: Entry | None = snapshot.decision(workspace, f"{event}{EXPLANATION_PATH}")
    if whole is None:
        raise _undecided()
    return Reply(decision_view(whole))


def require_reach(caller: Key, event: Event) -> None:
    """Raise ProblemError `not_found` if the key is not for the workspace of the event."""
    if not caller.reaches(event["workspace"]["id"]):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such workspace for this key")


def _undecided() -> ProblemError:
    return ProblemError(ProblemCode.NOT_FOUND, "No event of this id was decided in this workspace")


ROUTES = (
    Route(
        "POST",
        "/v1/decisions",
        decide_event,
        Permission.DECIDE_EVENTS,
        Content(DecisionSchema, DECISION, headers={REPLAYED: _REPLAYED_HEADER}),
        body=Body(EVENT_SCHEMA, EVENTS, parse_event_body),
        problems=(
            ProblemCode.NOT_FOUND,
            ProblemCode.INVALID_EVENT,
            ProblemCode.EVENT_ID_REUSED,
        ),
        checks_key=True,
    ),
    Route(
        "POST",
        "/v1/decisions/batch",
        decide_batch,
        Permission.DECIDE_EVENTS,
        Content(TEXT_SCHEMA, DECIDED_BATCH, content_type=NDJSON),
        body=Body(TEXT_SCHEMA, {"example": BATCH}, parse_batch_body, NDJSON, MAX_BATCH),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/decisions/<id:event>",
        get_decision,
        Permission.READ_DECISIONS,
        Content(DecisionSchema, DECISION),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/decisions/<id:event>{EXPLANATION_PATH}",
        explain_decision,
        Permission.READ_DECISIONS,
        Content((ExplanationSchema, DecisionSchema), EXPLANATION),
    ),
)
