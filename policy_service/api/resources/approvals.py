"""How many keys must approve a version of a workspace: one, unless an owner says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import json_as, query
from policy_service.api.responses import answer
from policy_service.api.schemas.common import STRICT, Reason, Time
from policy_service.policies.versions import VersionSteps, approvals_view

if TYPE_CHECKING:
    from flask import Response

    from audit.projections.versions import Versions
    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.services import Services

MOST_APPROVALS = 10

Count = Annotated[int, Field(ge=0, le=MOST_APPROVALS)]


class Requirement(TypedDict):
    """How many keys must approve, and why that many."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    count: Count
    """Other keys than the one that proposed; with 0 a version is activated as it is proposed."""
    reason: Reason
    """Kept in the ledger for good, and so not for personal data."""


class Said(TypedDict):
    """Who said so, when, the index of the entry, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    by: str
    at: Time
    index: int
    reason: str


class Required(TypedDict):
    """How many keys must approve a version before it is activated the first time."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    count: Count
    since: Said | None
    """Null where nobody ever said how many."""


REQUIREMENT = TypeAdapter(Requirement)


def show(service: Services, _: Key, workspace: str) -> Response:
    """How many keys must approve a version."""
    query()
    with service.store.read() as snapshot:
        return answer(approvals_view(service.policies.versions(snapshot, workspace)))


def require(service: Services, caller: Key, workspace: str) -> Response:
    """Say how many keys must approve a version from here on, also one that is proposed already.

    What was activated before may be activated again. Saying what is so already changes nothing.
    """
    query()
    asked = json_as(REQUIREMENT)

    def work(tx: Transaction) -> Versions:
        steps = VersionSteps(tx, service.policies, workspace, caller)
        return steps.require(asked["count"], asked["reason"])

    return answer(approvals_view(service.store.transact(work)))
