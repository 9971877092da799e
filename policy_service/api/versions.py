"""The rules of a workspace: the active ones, and every version there was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from pydantic import (
    AfterValidator,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from policy_service.api.answers import answer, listing
from policy_service.api.requests import (
    LARGEST_DOCUMENT_BODY,
    PAGE,
    Number,
    json_as,
    page,
    query,
    whole_number,
)
from policy_service.api.route import Parameter
from policy_service.policies import document_of
from policy_service.problems import Problem
from policy_service.versions import VersionSteps, difference_view, existing, version_view
from rules.checking import read_document
from rules.diff import difference
from rules.errors import Complaint
from rules.source import plain, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from audit.versions import VersionRecord
    from policy_service.keys import Key
    from policy_service.service import Service
    from rules.document import Document

_STRICT = ConfigDict(extra="forbid", strict=True)
FreeText = Annotated[str, StringConstraints(max_length=500)]
"""By admins; kept in the ledger for good, and so not for personal data."""
MOST_VERSIONS = 2**53 - 1
AGAINST = {"against": Parameter(Number, "The version to compare with; else the active one.", 1)}


def _object_or_text(written: object) -> object:
    if not isinstance(written, dict | str):
        raise PydanticCustomError("wrong_type", "Send an object, or YAML in a text")
    return written


Written = Annotated[
    Any,
    AfterValidator(_object_or_text),
    WithJsonSchema(
        {
            "description": "A rule document, format 1: as JSON, or as YAML in a text.",
            "anyOf": [{"type": "object"}, {"type": "string"}],
        }
    ),
]


class Proposal(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    document: Written
    note: NotRequired[FreeText | None]


class Approval(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    digest: str


class Rejection(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    reason: FreeText


_NOT_YET = WithJsonSchema({"type": "null"})
_NEVER_YET = WithJsonSchema({"enum": [False, None]})


class Activation(TypedDict):
    """Nothing of this can be asked for yet: a version is activated now, for all."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    at: NotRequired[Annotated[str | None, _NOT_YET]]
    percent: NotRequired[Annotated[int | None, _NOT_YET]]
    shadow: NotRequired[Annotated[bool | None, _NEVER_YET]]
    apply_to_running: NotRequired[Annotated[bool | None, _NEVER_YET]]


PROPOSAL = TypeAdapter(Proposal)
APPROVAL = TypeAdapter(Approval)
REJECTION = TypeAdapter(Rejection)
ACTIVATION = TypeAdapter(Activation)


def policy(service: Service, _: Key, workspace: str) -> Response:
    """The active version's document."""
    query()
    with service.store.read() as snapshot:
        active = service.policies.active(snapshot, workspace)
        document = document_of(snapshot, active.digest)
    return answer({"version": active.number, "digest": active.digest, "document": document.tree})


def propose(service: Service, caller: Key, workspace: str) -> Response:
    """A new version, proposed; 422 with every complaint where the document is not accepted."""
    query()
    proposal = json_as(PROPOSAL, LARGEST_DOCUMENT_BODY)
    document = document_from(proposal["document"])
    note = proposal.get("note")
    record = _enter(service, caller, workspace, lambda steps: steps.propose(document, note))
    return answer(version_view(record), 201)


def catalogue(service: Service, _: Key, workspace: str) -> Response:
    """The versions in the order of their numbers."""
    after, limit = page(query(*PAGE), MOST_VERSIONS)
    with service.store.read() as snapshot:
        records = service.policies.versions(snapshot, workspace).records
    numbers = sorted(number for number in records if number > (after or 0))
    shown = numbers[:limit]
    more = shown[-1] if len(numbers) > limit else None
    return listing([version_view(records[number]) for number in shown], more)


def show(service: Service, _: Key, workspace: str, number: int) -> Response:
    """One version with its document."""
    query()
    with service.store.read() as snapshot:
        record = existing(service.policies.versions(snapshot, workspace), number)
        document = document_of(snapshot, record.digest)
    return answer({**version_view(record), "document": document.tree})


def diff(service: Service, _: Key, workspace: str, number: int) -> Response:
    """What the version says otherwise, rule by rule, setting by setting: after, and before.

    What was before is said by the version `against`, or by the active one.
    """
    given = query(*AGAINST)
    with service.store.read() as snapshot:
        versions = service.policies.versions(snapshot, workspace)
        later = existing(versions, number)
        if "against" in given:
            earlier = existing(versions, whole_number("against", given["against"], MOST_VERSIONS))
        else:
            earlier = service.policies.active(snapshot, workspace)
        documents = (document_of(snapshot, record.digest) for record in (earlier, later))
        told = difference_view(difference(*documents))
    return answer({"version": number, "against": earlier.number, **told})


def approve(service: Service, caller: Key, workspace: str, number: int) -> Response:
    """Agree to a proposed version; the digest says to what."""
    query()
    digest = json_as(APPROVAL)["digest"]
    record = _enter(service, caller, workspace, lambda steps: steps.approve(number, digest))
    return answer(version_view(record))


def reject(service: Service, caller: Key, workspace: str, number: int) -> Response:
    """Refuse a proposed version for good."""
    query()
    reason = json_as(REJECTION)["reason"]
    record = _enter(service, caller, workspace, lambda steps: steps.reject(number, reason))
    return answer(version_view(record))


def activate(service: Service, caller: Key, workspace: str, number: int) -> Response:
    """Now, for every conversation that begins from here on."""
    query()
    asked = json_as(ACTIVATION)
    if given := [name for name, value in asked.items() if value is not None and value is not False]:
        complaints = [Complaint(f"/{name}", "not_supported", "Only now, for all") for name in given]
        raise Problem("not_supported", "A version is activated now, for all", complaints)
    record = _enter(service, caller, workspace, lambda steps: steps.activate(number))
    return answer(version_view(record))


def _enter(
    service: Service, caller: Key, workspace: str, step: Callable[[VersionSteps], VersionRecord]
) -> VersionRecord:
    return service.store.transact(
        lambda tx: step(VersionSteps(tx, service.policies, workspace, caller))
    )


def document_from(written: dict[str, Any] | str) -> Document:
    """The document that was sent; DocumentRefused with every complaint."""
    return read_document(read_yaml(written) if isinstance(written, str) else plain(written))
