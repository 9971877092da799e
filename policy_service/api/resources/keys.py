"""Keys: created, listed and revoked by owners; the owner of a workspace reaches its keys only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policy_service.access import caller as use_cases
from policy_service.access.keys import NewKey, Role, key_view
from policy_service.access.permissions import Permission
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema, PageQuery
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.schemas.base import PageParameters
    from policy_service.services import Services


class NewKeySchema(BodySchema):
    """The role, the workspace and the name of a new key."""

    value = NewKey
    role = fields.choice(Role)
    workspace = fields.workspace(
        "The workspace that the key is for; `*` for all workspaces.", every=True
    )
    name = fields.long_id(
        "The purpose of the key. Kept in the ledger for good: write no personal data."
    )
    expires_at = fields.received_time(
        "The time at which the key expires.", optional=True, nullable=True
    )


class KeySchema(AnswerSchema):
    """A key without its secret."""

    id = fields.text()
    role = fields.choice(Role)
    workspace = fields.text()
    name = fields.text()
    created_at = fields.time()
    created_by = fields.text(
        "The id of a key; null if the key was created at the command line.", nullable=True
    )
    expires_at = fields.time(nullable=True)
    revoked_at = fields.time(nullable=True)
    last_used_at = fields.time(
        """The last use of the key, to the minute: the key may have been used up to a minute later.
        Null if it was never used. The ledger does not prove this time.""",
        nullable=True,
    )


class CreatedKeySchema(KeySchema):
    """A new key with its secret."""

    secret = fields.text("The bearer token of the key; it is shown only once.")


class KeyPageSchema(AnswerSchema):
    """A page of keys."""

    items = fields.list_of(KeySchema)
    next = fields.cursor()


_NEW_KEY: dict[str, Any] = {
    "role": "auditor",
    "workspace": "acme",
    "name": "The yearly audit",
    "expires_at": "2026-12-31T23:00:00Z",
}
_KEY: dict[str, Any] = {
    "id": "key-3c28b8f6b7fe",
    **_NEW_KEY,
    "created_at": "2026-11-22T12:00:00.000Z",
    "created_by": "key-43993dbdf818",
    "expires_at": "2026-12-31T23:00:00.000Z",
    "revoked_at": None,
    "last_used_at": None,
}
_CREATED_KEY: dict[str, Any] = {
    **_KEY,
    "secret": "key-3c28b8f6b7fe.xlVLLOiIfDl3Q4r2N5nCJd8sT1m0uY7wEoKzPhGbAvM",
}
_USED_KEY: dict[str, Any] = {**_KEY, "last_used_at": "2026-11-30T16:20:07.412Z"}
_REVOKED_KEY: dict[str, Any] = {**_USED_KEY, "revoked_at": "2026-12-01T09:00:00.000Z"}


def add_key(services: Services, caller: Key, *, body: NewKey) -> Reply:
    """Create a key.

    The answer is the only one that shows the secret of the key.
    """
    created = use_cases.create_key(services.ledger(caller), body)
    view = {**key_view(created.key, {}), "secret": created.token}
    return Reply(view, {"Cache-Control": "no-store"})


def list_keys(services: Services, caller: Key, *, query: PageParameters) -> Reply:
    """List keys.

    They come without their secrets, in the order of their creation.
    """
    with services.store.read() as snapshot:
        keys = services.keyring.keys(snapshot).values()
        last_uses = snapshot.last_uses()
    reached = [key for key in keys if caller.reaches(key.workspace)]
    start = query.after or 0
    end = start + query.limit
    views = [key_view(key, last_uses) for key in reached[start:end]]
    return page_reply(views, end if len(reached) > end else None)


def revoke_key(services: Services, caller: Key, *, key: str) -> Reply:
    """Revoke a key for good.

    To revoke it again changes nothing. The last owner key for every workspace cannot be revoked
    here, because nobody could create another one. The command line can revoke it in the folder of
    the ledger.
    """
    revoked = use_cases.revoke_key(services.ledger(caller), key)
    with services.store.read() as snapshot:
        return Reply(key_view(revoked, snapshot.last_uses()))


ROUTES = (
    Route(
        "POST",
        "/v1/keys",
        add_key,
        Permission.MANAGE_KEYS,
        Content(CreatedKeySchema, _CREATED_KEY, status=201),
        body=json_body(NewKeySchema, _NEW_KEY),
        problems=(ProblemCode.NOT_FOUND,),
    ),
    Route(
        "GET",
        "/v1/keys",
        list_keys,
        Permission.MANAGE_KEYS,
        Content(KeyPageSchema, {"items": [_USED_KEY], "next": None}),
        query=PageQuery(),
    ),
    Route(
        "DELETE",
        "/v1/keys/<key>",
        revoke_key,
        Permission.MANAGE_KEYS,
        Content(KeySchema, _REVOKED_KEY),
        problems=(ProblemCode.LAST_OWNER_KEY, ProblemCode.BUSY),
    ),
)
