"""Holds over HTTP: set by one key, released by another, listed for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import PAGE, json_as, page, query
from policy_service.api.responses import answer, listing
from policy_service.api.schemas.common import STRICT, ContactId, Cursor, Reason, Time
from policy_service.privacy.holds import HoldSteps, fold_holds, hold_view
from rules.formats.strict_json import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from flask import Response

    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.services import Services


class NewHold(TypedDict):
    """What must not be erased for now, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    contact: NotRequired[ContactId | None]
    """Absent: nobody of the workspace may be erased."""
    reason: Reason
    """Kept in the ledger for good, and so not for personal data."""


class AskedRelease(TypedDict):
    """Why a hold ends."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    reason: Reason
    """Kept in the ledger for good, and so not for personal data."""


class Release(TypedDict):
    """That a hold ended: by whom, when, the index of the entry, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    by: str
    at: Time
    index: int
    reason: str


class Hold(TypedDict):
    """What keeps one contact, or everyone of a workspace, from being erased."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: str
    scope: Literal["contact", "workspace"]
    contact: str | None
    """Null for a whole workspace, and where the contact was erased after the hold's end."""
    status: Literal["active", "released"]
    reason: str
    set_by: str
    set_at: Time
    index: int
    """Of the entry that set it."""
    released: Release | None


class HoldPage(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[Hold]
    next: Cursor


NEW_HOLD = TypeAdapter(NewHold)
RELEASE = TypeAdapter(AskedRelease)


def create(service: Services, caller: Key, workspace: str) -> Response:
    """A new hold, of a contact or of the whole workspace: until it is released by another key."""
    query()
    asked = json_as(NEW_HOLD)

    def work(tx: Transaction) -> dict[str, object]:
        hold = HoldSteps(tx, workspace, caller.id).set(asked.get("contact"), asked["reason"])
        return hold_view(tx, workspace, hold)

    return answer(service.store.transact(work), 201)


def catalogue(service: Services, _: Key, workspace: str) -> Response:
    """Every hold there was, in the order they were set."""
    after, limit = page(query(*PAGE), MAX_SAFE_INTEGER)
    behind = -1 if after is None else after
    with service.store.read() as snapshot:
        holds = fold_holds(snapshot.entries_of_family(workspace, "hold.")).values()
        left = [hold for hold in holds if hold.set.index > behind]
        shown = [hold_view(snapshot, workspace, hold) for hold in left[:limit]]
    return listing(shown, shown[-1]["index"] if len(left) > limit else None)


def release(service: Services, caller: Key, workspace: str, hold: str) -> Response:
    """The hold, released for good. The key that set it may not."""
    query()
    reason = json_as(RELEASE)["reason"]

    def work(tx: Transaction) -> dict[str, object]:
        return hold_view(tx, workspace, HoldSteps(tx, workspace, caller.id).release(hold, reason))

    return answer(service.store.transact(work))
