"""Guardrails over HTTP: properties asked of every proposal, set by who is no author of any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import json_as, query
from policy_service.api.resources.approvals import Said  # noqa: TC001 - pydantic reads it
from policy_service.api.responses import answer
from policy_service.api.schemas.common import STRICT, Digest, Reason
from policy_service.policies import guardrails
from policy_service.policies.policy_cache import load_document
from policy_service.policies.versions import VersionSteps, guardrails_view

if TYPE_CHECKING:
    from flask import Response

    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.services import Services

MOST_GUARDRAILS = 100

Asked = Annotated[list[dict[str, Any]], Field(max_length=MOST_GUARDRAILS)]
"""As `properties` of a document."""


class NewGuardrails(TypedDict):
    """What is asked of every proposal from here on, in the place of what was, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    properties: Asked
    reason: Reason
    """Kept in the ledger for good, and so not for personal data."""


class Guardrails(TypedDict):
    """The properties that a document must have to be proposed."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    properties: Asked
    digest: Digest | None
    """Of their canonical JSON; null where nobody ever set any."""
    since: Said | None


NEW_GUARDRAILS = TypeAdapter(NewGuardrails)


def show(service: Services, _: Key, workspace: str) -> Response:
    """The properties that every proposal must have."""
    query()
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
        properties = guardrails.read_guardrails(snapshot, versions)
    return answer(guardrails_view(properties, versions))


def replace(service: Services, caller: Key, workspace: str) -> Response:
    """Set the properties that every proposal must have; none of them ends that.

    They are checked against the active version's vocabulary, which need not have them itself: what
    was proposed before stays. 422 with every complaint where they are not properties.
    """
    query()
    asked = json_as(NEW_GUARDRAILS)
    properties = asked["properties"]
    with service.store.read() as snapshot:
        active = service.policies.active_version(snapshot, workspace)
        document = load_document(snapshot, active.digest)
    guardrails.check_guardrails(document, properties)

    def work(tx: Transaction) -> dict[str, Any]:
        steps = VersionSteps(tx, service.policies, workspace, caller)
        return guardrails_view(properties, steps.guard(properties, asked["reason"]))

    return answer(service.store.transact(work))
