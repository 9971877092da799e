"""Erasing a person over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import json_as, query
from policy_service.api.responses import answer
from policy_service.api.schemas.common import STRICT, ContactId, LedgerPosition, Reason, Time
from policy_service.privacy.erasures import erase_contact, erasure_view

if TYPE_CHECKING:
    from flask import Response

    from policy_service.access.keys import Key
    from policy_service.services import Services


class AskedErasure(TypedDict):
    """Whom to erase from the workspace, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    contact: ContactId
    reason: Reason
    """Kept in the ledger for good, and so not for personal data."""


class Erasure(TypedDict):
    """That a person was erased; whom, nothing says any more."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    entries: list[int]
    """The entries beside which something of theirs stood; none where nothing was kept."""
    reason: str
    by: str
    """The id of a key; `system` where it was done at the command line."""
    at: Time
    ledger: LedgerPosition
    """The entry that says so."""


ASKED = TypeAdapter(AskedErasure)


def create(service: Services, caller: Key, workspace: str) -> Response:
    """A person, erased from the workspace: what is personal is destroyed, every decision stays.

    Also where nothing of theirs was kept; that it was asked and done is an entry in any case. Under
    a hold nothing is erased, and an entry says that it was refused.
    """
    query()
    asked = json_as(ASKED)
    work = partial(
        erase_contact,
        workspace=workspace,
        contact=asked["contact"],
        by=caller.id,
        reason=asked["reason"],
    )
    return answer(erasure_view(service.store.transact(work)), 201)
