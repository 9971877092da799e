"""Decisions: asked for, and looked up again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from policy_service.api.answers import answer
from policy_service.api.requests import event_json, query
from policy_service.api.route import Parameter
from policy_service.decide import decide_event, decision_view
from policy_service.problems import Problem
from rules.event import checked_event

if TYPE_CHECKING:
    from flask import Response

    from policy_service.keys import Key
    from policy_service.service import Service

REPLAYED = {
    "Idempotency-Replayed": Parameter(
        Literal["true"],
        "There where the event was decided before, and nothing was written.",
        "true",
    )
}


def decide(service: Service, caller: Key) -> Response:
    """One event, one decision; the same event again, the same bytes."""
    query()
    event = checked_event(event_json())
    if not caller.reaches(event["workspace"]["id"]):
        raise Problem("not_found", "There is no such workspace for this key")
    decided = service.store.transact(partial(decide_event, event, service.policies))
    answered = answer(decision_view(decided.entry))
    if decided.replayed:
        answered.headers["Idempotency-Replayed"] = "true"
    return answered


def show(service: Service, _: Key, workspace: str, event: str) -> Response:
    """The decision on an event of the workspace."""
    query()
    with service.store.read() as snapshot:
        entry = snapshot.decision(workspace, event)
    if entry is None:
        raise Problem("not_found", "No event of this id was decided in this workspace")
    return answer(decision_view(entry))
