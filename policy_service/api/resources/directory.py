"""The directory of a workspace: sent by the platform, read by every role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import STEP
from policy_service.api.requests import MAX_DOCUMENT_BODY, json_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema
from policy_service.policies.directory import (
    MAX_NAMES,
    directory_view,
    read_directory,
    replace_directory,
)
from rules.model.directory import WorkspaceDirectory, build_directory

if TYPE_CHECKING:
    from marshmallow.fields import List

    from policy_service.access.keys import Key
    from policy_service.services import Services


def _names(about: str = "", **options: Any) -> List[Any]:  # noqa: ANN401 - the options of a field
    return fields.items(fields.word(), about, max_items=MAX_NAMES, nullable=True, **options)


def _directory(**lists: list[str] | None) -> WorkspaceDirectory:
    return build_directory(lists)


class NewDirectorySchema(BodySchema):
    """The names that replace the workspace's directory.

    Send each list completely, in any order. If a list is null or absent, reports do not check that
    kind of name.
    """

    value = staticmethod(_directory)
    teams = _names("As documents name them in `{assign: {team: …}}`.", optional=True)
    teammates = _names(
        "Ids, as documents name them. Kept for good: send no names and no e-mail addresses.",
        optional=True,
    )
    tags = _names(optional=True)


class DirectoryUpdateSchema(AnswerSchema):
    """The key that sent the directory, the time, and the index of the entry."""

    by = fields.text()
    at = fields.time()
    index = fields.number()


class DirectorySchema(AnswerSchema):
    """The names of the workspace, sorted; null for a kind that was not sent."""

    teams = _names()
    teammates = _names()
    tags = _names()
    digest = fields.digest(
        "The digest of the canonical JSON of the lists; null if none was sent.", nullable=True
    )
    since = fields.nested(DirectoryUpdateSchema, nullable=True)


_NEW_DIRECTORY: dict[str, Any] = {
    "teams": ["inbox", "sales", "support"],
    "teammates": ["tm-17", "tm-4"],
    "tags": ["lead"],
}
_DIRECTORY: dict[str, Any] = {
    **_NEW_DIRECTORY,
    "digest": "sha256:067c5695398306854bd383dce775a1950d6c832596d2479251f9a81a8644289c",
    "since": STEP,
}


def get_directory(services: Services, _: Key, *, workspace: str) -> Reply:
    """Get the teams, teammates and tags."""
    with services.store.read() as snapshot:
        return Reply(directory_view(read_directory(snapshot, workspace)))


def set_directory(
    services: Services, caller: Key, *, workspace: str, body: WorkspaceDirectory
) -> Reply:
    """Replace the teams, teammates and tags.

    The same names again change nothing. No document is refused because of the directory: the report
    on a version lists unknown names.
    """
    return Reply(replace_directory(services.workspace_ledger(caller, workspace), body))


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/directory",
        get_directory,
        Permission.READ_POLICIES,
        Content(DirectorySchema, _DIRECTORY),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/directory",
        set_directory,
        Permission.REPLACE_DIRECTORY,
        Content(DirectorySchema, _DIRECTORY),
        body=json_body(NewDirectorySchema, _NEW_DIRECTORY, MAX_DOCUMENT_BODY),
    ),
)
