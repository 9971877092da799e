"""The directory of a workspace: the teams, teammates and tags that the platform says there are.

It is an entry of the workspace's log like any change; the lists stand beside the log under their
digest, as documents do. It decides nothing: it is what a report on a version is held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import FORMAT, EntryKind, format_time
from policy_service.policies.policy_cache import enter_workspace
from rules.formats.canonical_json import encode_canonical
from rules.model.directory import EMPTY_DIRECTORY, MEMBER_BY_KIND, build_directory

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction
    from policy_service.access.keys import Key
    from rules.model.directory import WorkspaceDirectory

MAX_NAMES = 10_000
MAX_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RecordedDirectory:
    """The directory as it was told last, and the entry of it; None where none ever was."""

    directory: WorkspaceDirectory
    entry: Entry | None


def directory_from(written: object) -> WorkspaceDirectory:
    """Return the directory that an object lists, as it is sent or as it is answered.

    Raises ValueError if it is not an object of lists of names.
    """
    if not isinstance(written, dict):
        raise ValueError("expected an object with the lists teams, teammates and tags")  # noqa: TRY004 - one error
    lists = {name: written.get(name) for name in MEMBER_BY_KIND.values()}
    for name, names in lists.items():
        if names is not None and not _are_names(names):
            raise ValueError(
                f"{name} is not a list of at most {MAX_NAMES:,} names,"
                f" each of 1 to {MAX_NAME_LENGTH} characters"
            )
    return build_directory(lists)


def _are_names(names: object) -> bool:
    return (
        isinstance(names, list)
        and len(names) <= MAX_NAMES
        and all(isinstance(each, str) and 0 < len(each) <= MAX_NAME_LENGTH for each in names)
    )


def read_directory(snapshot: Snapshot, workspace: str) -> RecordedDirectory:
    """The workspace's directory; LookupError where the ledger lost it."""
    entry = snapshot.latest_entry(workspace, EntryKind.DIRECTORY_REPLACED.value)
    if entry is None:
        return RecordedDirectory(EMPTY_DIRECTORY, None)
    digest = entry.value["digest"]
    body = snapshot.document(digest)
    if body is None:
        raise LookupError(f"the ledger names the directory {digest} and lacks it")
    return RecordedDirectory(build_directory(orjson.loads(body)), entry)


def replace_directory(
    tx: Transaction, workspace: str, by: Key, directory: WorkspaceDirectory
) -> RecordedDirectory:
    """Enter the directory in the place of what was; nothing where it is that already."""
    before = read_directory(tx, workspace)
    if before.directory == directory:
        return before
    at = format_time(tx.now)
    enter_workspace(tx, workspace, at)
    digest = tx.add_document(encode_canonical(directory.tree))
    head = {"format": FORMAT, "kind": EntryKind.DIRECTORY_REPLACED.value, "at": at}
    members = {"workspace": workspace, "digest": digest, "by": by.id}
    return RecordedDirectory(directory, tx.append(workspace, {**head, **members}))


def directory_view(recorded: RecordedDirectory) -> dict[str, Any]:
    """The directory as it is answered, and who told it; null where nothing was told."""
    names = {member: recorded.directory.tree.get(member) for member in MEMBER_BY_KIND.values()}
    if recorded.entry is None:
        return {**names, "digest": None, "since": None}
    leaf = recorded.entry.value
    since = {"by": leaf["by"], "at": leaf["at"], "index": recorded.entry.index}
    return {**names, "digest": leaf["digest"], "since": since}
