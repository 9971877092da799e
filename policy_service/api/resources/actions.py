"""Actions over HTTP: what is to be carried out, and receipts for what was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

from pydantic import StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from audit.projections.action_status import ActionStatus
from policy_service.api.requests import PAGE, json_as, page, query
from policy_service.api.responses import answer, listing
from policy_service.api.route import Parameter
from policy_service.api.schemas.common import STRICT
from policy_service.deliveries import actions
from policy_service.deliveries.actions import ActionPosition, Receipts
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint

if TYPE_CHECKING:
    from flask import Response

    from policy_service.access.keys import Key
    from policy_service.services import Services

_STATUS = f"({'|'.join(ActionStatus)})"
_PLACE = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,8})")


class Receipt(TypedDict):
    """What became of an action; `detail` is kept for good, and so not for personal data."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    status: Literal["delivered", "failed"]
    detail: NotRequired[Annotated[str, StringConstraints(max_length=500)] | None]


RECEIPT = TypeAdapter(Receipt)

STATUSES = {
    "status": Parameter(
        Annotated[str, StringConstraints(pattern=f"^{_STATUS}(,{_STATUS})*$")],
        "Statuses separated by commas: pending, delivered, failed, withdrawn.",
        "pending",
    ),
    **PAGE,
    "after": Parameter(
        Annotated[str, StringConstraints(pattern=f"^{_PLACE.pattern}$")],
        "Go on behind this one: the `next` of the page before.",
        "4.0",
    ),
}


def asked(service: Services, _: Key, workspace: str) -> Response:
    """The actions of the workspace's decisions in their order, and what became of each.

    A page may hold fewer than `limit`, even none, and have a next one.
    """
    given = query(*STATUSES)
    after = _place(given.pop("after")) if "after" in given else None
    limit = page(given, 0)[1]
    wanted = _wanted(given["status"]) if "status" in given else set(ActionStatus)
    with service.store.read() as snapshot:
        found, last = actions.list_actions(snapshot, workspace, wanted, after, limit)
        return listing([each.view() for each in found], last)


def receive(service: Services, caller: Key, workspace: str, action: str) -> Response:
    """Say that an action was delivered, or that it failed. A receipt twice is one entry."""
    query()
    receipt = json_as(RECEIPT)
    status, detail = ActionStatus(receipt["status"]), receipt.get("detail")
    received = service.store.transact(
        lambda tx: Receipts(tx, workspace, caller.id).receive(action, status, detail)
    )
    return answer(received.view())


def retry(service: Services, caller: Key, workspace: str, action: str) -> Response:
    """Have a failed action tried again: it is pending once more."""
    query()
    retried = service.store.transact(lambda tx: Receipts(tx, workspace, caller.id).retry(action))
    return answer(retried.view())


def _place(text: str) -> ActionPosition:
    if not (found := _PLACE.fullmatch(text)):
        raise _refused("after", "Give the `next` of the page before")
    return ActionPosition(int(found[1]), int(found[2]))


def _wanted(text: str) -> set[ActionStatus]:
    words = text.split(",")
    if unknown := set(words) - set(ActionStatus):
        there_are = ", ".join(ActionStatus)
        raise _refused("status", f"{len(unknown)} of these are no status; there are {there_are}")
    return {ActionStatus(word) for word in words}


def _refused(name: str, message: str) -> ProblemError:
    complaint = Complaint(f"/{name}", "not_allowed", message)
    return ProblemError(ProblemCode.INVALID_REQUEST, "The query was refused", [complaint])
