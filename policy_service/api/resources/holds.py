"""Holds: set by one key, released by another, listed for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema, PageQuery
from policy_service.api.schemas.common import ReasonedStepSchema
from policy_service.privacy import holds as use_cases
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.schemas.base import PageParameters
    from policy_service.services import Services


@dataclass(frozen=True, slots=True)
class NewHold:
    """A request for a hold of a contact, or of a whole workspace."""

    reason: str
    contact: str | None = None


class NewHoldSchema(BodySchema):
    """The contact that must not be erased, and the reason."""

    value = NewHold
    contact = fields.word(
        "If it is absent, no contact of the workspace may be erased.", optional=True, nullable=True
    )
    reason = fields.reason()


@dataclass(frozen=True, slots=True)
class HoldRelease:
    """A request to end a hold."""

    reason: str


class HoldReleaseSchema(BodySchema):
    """The reason why a hold ends."""

    value = HoldRelease
    reason = fields.reason()


class HoldSchema(AnswerSchema):
    """A protection of one contact, or of a whole workspace, from erasure."""

    id = fields.text()
    scope = fields.one_of(["contact", "workspace"])
    contact = fields.text(
        "Null for a workspace, and if the contact was erased after the hold ended.", nullable=True
    )
    status = fields.one_of(["active", "released"])
    reason = fields.text()
    set_by = fields.text()
    set_at = fields.time()
    index = fields.number("The index of the entry that set the hold.")
    released = fields.nested(ReasonedStepSchema, nullable=True)


class HoldPageSchema(AnswerSchema):
    """A page of holds."""

    items = fields.list_of(HoldSchema)
    next = fields.cursor()


_NEW_HOLD: dict[str, Any] = {"contact": "ct-1", "reason": "Asked for by the court, case 12/34"}
_HOLD: dict[str, Any] = {
    "id": "hold-6f1d2c0b9a37",
    "scope": "contact",
    "contact": "ct-1",
    "status": "active",
    "reason": _NEW_HOLD["reason"],
    "set_by": "key-3c28b8f6b7fe",
    "set_at": "2026-11-23T08:00:00.000Z",
    "index": 7,
    "released": None,
}
_RELEASE: dict[str, Any] = {"reason": "The case is closed"}
_RELEASED_HOLD: dict[str, Any] = {
    **_HOLD,
    "status": "released",
    "released": {
        "by": "key-43993dbdf818",
        "at": "2026-11-29T08:00:00.000Z",
        "index": 8,
        "reason": _RELEASE["reason"],
    },
}


def set_hold(services: Services, caller: Key, *, workspace: str, body: NewHold) -> Reply:
    """Set a hold.

    The contact, or the whole workspace, is not erased until another key releases the hold.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.set_hold(ledger, body.contact, body.reason))


def list_holds(services: Services, _: Key, *, workspace: str, query: PageParameters) -> Reply:
    """List holds.

    They come in the order in which they were set.
    """
    after = -1 if query.after is None else query.after
    with services.store.read() as snapshot:
        holds = use_cases.fold_holds(snapshot.entries_of_family(workspace, "hold.")).values()
        rest = [hold for hold in holds if hold.set.index > after]
        views = [use_cases.hold_view(snapshot, workspace, hold) for hold in rest[: query.limit]]
    return page_reply(views, views[-1]["index"] if len(rest) > query.limit else None)


def release_hold(
    services: Services, caller: Key, *, workspace: str, hold: str, body: HoldRelease
) -> Reply:
    """Release a hold for good.

    The key that set the hold may not release it.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.release_hold(ledger, hold, body.reason))


ROUTES = (
    Route(
        "POST",
        f"{WORKSPACE}/holds",
        set_hold,
        Permission.MANAGE_HOLDS,
        Content(HoldSchema, _HOLD, status=201),
        body=json_body(NewHoldSchema, _NEW_HOLD),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/holds",
        list_holds,
        Permission.MANAGE_HOLDS,
        Content(HoldPageSchema, {"items": [_HOLD], "next": None}),
        query=PageQuery(),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/holds/<hold>/release",
        release_hold,
        Permission.MANAGE_HOLDS,
        Content(HoldSchema, _RELEASED_HOLD),
        body=json_body(HoldReleaseSchema, _RELEASE),
        problems=(ProblemCode.SETTER_MAY_NOT_RELEASE, ProblemCode.HOLD_RELEASED),
    ),
)
