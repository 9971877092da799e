"""The directory of a workspace: the teams, teammates and tags that the platform has.

An entry of the log names the digest of the lists, which are stored outside the log like documents.
The directory decides nothing. Reports on versions list the names that it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import EntryKind
from audit.log.entries import DirectoryReplaced
from policy_service.policies.policy_cache import enter_workspace, require_document
from rules.formats.canonical_json import encode_canonical
from rules.model.directory import EMPTY_DIRECTORY, MEMBER_BY_KIND, build_directory

if TYPE_CHECKING:
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceLedger, WorkspaceTransaction
    from rules.model.directory import WorkspaceDirectory

MAX_NAMES = 10_000
MAX_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RecordedDirectory:
    """A workspace's directory, and the content and index of its entry; None if there is none."""

    directory: WorkspaceDirectory
    content: DirectoryReplaced | None = None
    index: int = -1


def directory_from(written: object) -> WorkspaceDirectory:
    """Return the directory that an object lists, as it is sent or answered.

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
    """Return the workspace's directory; raise MissingDocumentError if the ledger lacks it."""
    entry = snapshot.latest_entry(workspace, EntryKind.DIRECTORY_REPLACED.value)
    if entry is None:
        return RecordedDirectory(EMPTY_DIRECTORY)
    content = DirectoryReplaced.from_leaf(entry.value)
    lists = orjson.loads(require_document(snapshot, content.digest))
    return RecordedDirectory(build_directory(lists), content, entry.index)


def enter_directory(
    transaction: WorkspaceTransaction, directory: WorkspaceDirectory
) -> RecordedDirectory:
    """Enter the directory in the place of the one before; write nothing if they are equal."""
    tx, workspace = transaction.tx, transaction.workspace
    before = read_directory(tx, workspace)
    if before.directory == directory:
        return before
    enter_workspace(tx, workspace)
    digest = tx.add_document(encode_canonical(directory.tree))
    content = transaction.content(DirectoryReplaced, digest=digest)
    return RecordedDirectory(directory, content, tx.append(workspace, content.to_leaf()).index)


def replace_directory(ledger: WorkspaceLedger, directory: WorkspaceDirectory) -> dict[str, Any]:
    """Replace the directory of a workspace; return the recorded one."""
    return directory_view(
        ledger.transact(lambda transaction: enter_directory(transaction, directory))
    )


def directory_view(recorded: RecordedDirectory) -> dict[str, Any]:
    """Return the directory and the entry that replaced it; null if none ever did."""
    names = {member: recorded.directory.tree.get(member) for member in MEMBER_BY_KIND.values()}
    content = recorded.content
    if content is None:
        return {**names, "digest": None, "since": None}
    since = {"by": content.by, "at": content.at, "index": recorded.index}
    return {**names, "digest": content.digest, "since": since}
