"""The directory of a workspace over HTTP: sent by the platform, read by everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import LARGEST_DOCUMENT_BODY, json_as, query
from policy_service.api.responses import answer
from policy_service.api.schemas.common import STRICT, Digest, Time
from policy_service.policies.directory import directory_view, read_directory, replace_directory
from rules.model.directory import build_directory
from rules.model.event import ShortText

if TYPE_CHECKING:
    from flask import Response

    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.policies.directory import RecordedDirectory
    from policy_service.services import Services

MOST_NAMES = 10_000

Names = Annotated[list[ShortText], Field(max_length=MOST_NAMES)]


class NewDirectory(TypedDict):
    """What the workspace has from here on, in the place of what was said before.

    Each list is whole. Of a sort whose list is null or not there nothing is said, and nothing is
    found missing. In any order; a name that stands twice counts once.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    teams: NotRequired[Names | None]
    """As documents name them in `{assign: {team: …}}`."""
    teammates: NotRequired[Names | None]
    """Ids, as documents name them. Kept for good, and so never names or e-mail addresses."""
    tags: NotRequired[Names | None]


class Since(TypedDict):
    """Who told it, when, and the index of the entry."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    by: str
    at: Time
    index: int


class Directory(TypedDict):
    """The names that the workspace knows, sorted; null of a sort that was not told."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    teams: Names | None
    teammates: Names | None
    tags: Names | None
    digest: Digest | None
    """Of the canonical JSON of the lists that were told; null where none ever was."""
    since: Since | None


NEW_DIRECTORY = TypeAdapter(NewDirectory)


def show(service: Services, _: Key, workspace: str) -> Response:
    """The teams, teammates and tags that the workspace is said to have."""
    query()
    with service.store.read() as snapshot:
        return answer(directory_view(read_directory(snapshot, workspace)))


def replace(service: Services, caller: Key, workspace: str) -> Response:
    """Say which teams, teammates and tags there are; saying what is so already changes nothing.

    No document is refused for it: the report on a version names what the directory does not know.
    """
    query()
    lists = json_as(NEW_DIRECTORY, LARGEST_DOCUMENT_BODY)
    directory = build_directory(lists)

    def work(tx: Transaction) -> RecordedDirectory:
        return replace_directory(tx, workspace, caller, directory)

    return answer(directory_view(service.store.transact(work)))
