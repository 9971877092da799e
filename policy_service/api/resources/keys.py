"""Keys: made, listed and revoked by owners; that of a workspace's owner reaches its keys alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NotRequired

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from policy_service.access.keys import Role, create_key, key_view, revoke_key_in_reach
from policy_service.api.requests import PAGE, json_as, page, query
from policy_service.api.responses import answer, listing
from policy_service.api.schemas.common import STRICT, Cursor, Time
from policy_service.problems import ProblemCode, ProblemError
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.formats.timestamps import parse_timestamp
from rules.model.event import NOT_SYSTEM_SCHEMA, LongId, Timestamp, check_not_system

if TYPE_CHECKING:
    from flask import Response

    from policy_service.access.keys import Key
    from policy_service.services import Services


KeyRole = Annotated[Role, Field(strict=False)]
WorkspaceOrAll = Annotated[
    str,
    StringConstraints(pattern=r"^(\*|[a-z0-9][a-z0-9_-]{0,62})$"),
    AfterValidator(check_not_system),
    Field(json_schema_extra=NOT_SYSTEM_SCHEMA),
]


class NewKey(TypedDict):
    """What a key is to be."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    role: KeyRole
    workspace: WorkspaceOrAll
    """The workspace it is for; `*` for all."""
    name: LongId
    """What it is for; kept in the ledger for good, and so not for personal data."""
    expires_at: NotRequired[Timestamp | None]
    """From then on it is no key any more."""


class ListedKey(TypedDict):
    """A key, without its secret."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: str
    role: KeyRole
    workspace: str
    name: str
    created_at: Time
    created_by: str | None
    """The id of a key; null where it was made at the command line."""
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None
    """When a request last came with it, to the minute: it may be up to a minute later in truth.

    Null where none ever did. It stands beside the ledger's logs: nothing proves it.
    """


class CreatedKey(ListedKey):
    """A new key."""

    secret: str
    """What its holder sends as a bearer token; shown this once."""


class KeyPage(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    items: list[ListedKey]
    next: Cursor


NEW_KEY = TypeAdapter(NewKey)


def create(service: Services, caller: Key) -> Response:
    """A new key; its secret is shown this once."""
    query()
    asked = json_as(NEW_KEY)
    if not caller.reaches(asked["workspace"]):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such workspace for this key")
    expires_at = asked.get("expires_at")
    make = partial(
        create_key,
        role=Role(asked["role"]),
        workspace=asked["workspace"],
        name=asked["name"],
        by=caller.id,
        expires_at=parse_timestamp(expires_at) if expires_at else None,
    )
    key, token = service.store.transact(make)
    answered = answer({**key_view(key, {}), "secret": token}, 201)
    answered.headers["Cache-Control"] = "no-store"
    return answered


def catalogue(service: Services, caller: Key) -> Response:
    """Every key there was, without its secret, in the order they were made."""
    after, limit = page(query(*PAGE), MAX_SAFE_INTEGER)
    with service.store.read() as snapshot:
        keys = service.keyring.keys(snapshot).values()
        last_uses = snapshot.last_uses()
    reached = [key for key in keys if caller.reaches(key.workspace)]
    start = after or 0
    shown = reached[start : start + limit]
    more = start + limit if len(reached) > start + limit else None
    return listing([key_view(key, last_uses) for key in shown], more)


def revoke(service: Services, caller: Key, key: str) -> Response:
    """The key, revoked for good; revoking it again changes nothing.

    The last owner's key that is for every workspace cannot be revoked here, because nobody could
    make another one; whoever has the ledger's folder can, at the command line.
    """
    query()
    revoked = service.store.transact(partial(revoke_key_in_reach, key_id=key, caller=caller))
    with service.store.read() as snapshot:
        return answer(key_view(revoked, snapshot.last_uses()))
