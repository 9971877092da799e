"""Actions that the platform carries out, and its receipts for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import post_load

from audit.projections.action_status import ActionStatus
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import ASK, DECISION_ID
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import (
    DEFAULT_ITEMS,
    AnswerSchema,
    BodySchema,
    QuerySchema,
    page_limit,
)
from policy_service.api.schemas.common import ActionStateSchema
from policy_service.deliveries import actions as use_cases
from policy_service.deliveries.actions import ActionPosition
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from policy_service.access.keys import Key
    from policy_service.services import Services

_STATUS = f"({'|'.join(ActionStatus)})"
_PLACE = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class ActionParameters:
    """The actions that a caller asks for."""

    statuses: AbstractSet[ActionStatus] = frozenset(ActionStatus)
    after: ActionPosition | None = None
    limit: int = DEFAULT_ITEMS


class ActionQuery(QuerySchema):
    """The parameters of the list of actions."""

    value = ActionParameters
    status = fields.text(
        f"Statuses separated by commas: {', '.join(ActionStatus)}.",
        pattern=f"^{_STATUS}(,{_STATUS})*$",
        optional=True,
        example="pending",
    )
    after = fields.text(
        "Continue after this position: the `next` of the previous page.",
        pattern=f"^{_PLACE.pattern}$",
        optional=True,
        example="4.0",
    )
    limit = page_limit()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> ActionParameters:  # noqa: ANN401 - marshmallow's
        """Return the parameters with the statuses as a set and the position as numbers."""
        if status := data.pop("status", None):
            data["statuses"] = {ActionStatus(each) for each in status.split(",")}
        if after := data.pop("after", None):
            index, number = after.split(".")
            data["after"] = ActionPosition(int(index), int(number))
        return ActionParameters(**data)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A report of the platform about an action."""

    status: str
    detail: str | None = None


class ReceiptSchema(BodySchema):
    """The result of an action."""

    value = Receipt
    status = fields.one_of(["delivered", "failed"])
    detail = fields.text(
        "Kept in the ledger for good: write no personal data.",
        max_length=500,
        optional=True,
        nullable=True,
    )


class ActionPageSchema(AnswerSchema):
    """A page of actions."""

    items = fields.list_of(ActionStateSchema)
    next = fields.cursor()


_PENDING: dict[str, Any] = {
    **ASK,
    "decision": DECISION_ID,
    "event": "ev-1",
    "conversation": "c-1",
    "index": 2,
    "status": "pending",
    "status_at": None,
    "status_by": None,
    "detail": None,
}
_DELIVERED: dict[str, Any] = {
    **_PENDING,
    "status": "delivered",
    "status_at": "2026-11-22T10:00:02.118Z",
    "status_by": "key-43993dbdf818",
}


def list_actions(services: Services, _: Key, *, workspace: str, query: ActionParameters) -> Reply:
    """List actions.

    The actions of a workspace come with their statuses, in the order of their decisions. A page may
    hold fewer actions than `limit`, even none, and still have a next page.
    """
    with services.store.read() as snapshot:
        actions, last = use_cases.list_actions(
            snapshot, workspace, query.statuses, query.after, query.limit
        )
        return page_reply([each.view() for each in actions], last)


def report_action(
    services: Services, caller: Key, *, workspace: str, action: str, body: Receipt
) -> Reply:
    """Report that an action was delivered or failed.

    The same receipt twice is one entry. A withdrawn action takes no receipt: do not carry it out.
    """
    ledger = services.workspace_ledger(caller, workspace)
    status = ActionStatus(body.status)
    return Reply(use_cases.record_receipt(ledger, action, status, body.detail))


def retry_action(services: Services, caller: Key, *, workspace: str, action: str) -> Reply:
    """Retry a failed action.

    Its status is `pending` again.
    """
    return Reply(use_cases.retry_action(services.workspace_ledger(caller, workspace), action))


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/actions",
        list_actions,
        Permission.CARRY_OUT_ACTIONS,
        Content(ActionPageSchema, {"items": [_PENDING], "next": "2.0"}),
        query=ActionQuery(),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/actions/<action>/receipt",
        report_action,
        Permission.CARRY_OUT_ACTIONS,
        Content(ActionStateSchema, _DELIVERED),
        body=json_body(ReceiptSchema, {"status": "delivered"}),
        problems=(ProblemCode.ACTION_SETTLED,),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/actions/<action>/retry",
        retry_action,
        Permission.CARRY_OUT_ACTIONS,
        Content(ActionStateSchema, _PENDING),
        problems=(ProblemCode.ACTION_SETTLED, ProblemCode.BUSY),
    ),
)
