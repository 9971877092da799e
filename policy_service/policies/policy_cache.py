"""A cache of compiled policies by digest, and of the versions of workspaces.

A policy never changes, because its digest is that of its document. The versions of a workspace are
read again if its log has a newer `version.*` entry.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from audit.entry import Entry, format_time
from audit.errors import MissingDocumentError
from audit.log.entries import VersionActivated, VersionProposed
from audit.projections.versions import Versions, fold_versions
from rules.engine.compiler import CompiledPolicy, compile_document
from rules.model import builtin
from rules.model.document import Document
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from audit.projections.versions import VersionRecord
    from audit.stores.contract import Snapshot, Transaction

MAX_CACHED = 256
"""The number of cached policies, and of workspaces; the oldest is removed first."""

BUILTIN = Document(builtin.load_tree())
BUILTIN_VERSION = 1

V = TypeVar("V")

_cache_lock = Lock()


class PolicyCache:
    """The cache of a process; safe to share between threads."""

    def __init__(self) -> None:
        self._compiled = {BUILTIN.digest: compile_document(BUILTIN)}
        self._versions: dict[str, tuple[bytes, Versions]] = {}

    def compiled(self, snapshot: Snapshot, digest: str) -> CompiledPolicy:
        """Return the compiled policy of a document, which the ledger must hold."""
        policy = self._compiled.get(digest)
        if policy is None:
            policy = compile_document(load_document(snapshot, digest))
            _store_in(self._compiled, digest, policy)
        return policy

    def versions(self, snapshot: Snapshot, workspace: str) -> Versions:
        """Return a workspace's versions; before its first write that is the built-in version."""
        latest = snapshot.latest_entry(workspace, "version.")
        if latest is None:
            return BUILTIN_VERSIONS
        cached = self._versions.get(workspace)
        if cached is None or cached[0] != latest.leaf_hash:
            cached = (
                latest.leaf_hash,
                fold_versions(snapshot.entries_of_family(workspace, "version.")),
            )
            _store_in(self._versions, workspace, cached)
        return cached[1]

    def active_version(self, snapshot: Snapshot, workspace: str) -> VersionRecord:
        """Return the active version of a workspace."""
        return active_version(self.versions(snapshot, workspace))

    def cached_versions(self, workspace: str) -> Versions | None:
        """Return the versions that were read last; the ledger may have newer ones."""
        cached = self._versions.get(workspace)
        return cached[1] if cached else None

    def cached_policy(self, digest: str) -> CompiledPolicy:
        """Return the policy of this digest; raise KeyError if it was not compiled before."""
        return self._compiled[digest]


def active_version(versions: Versions) -> VersionRecord:
    """Return the version that decides for conversations without a version of their own."""
    return versions.records[versions.active or BUILTIN_VERSION]


def _store_in(cache: dict[str, V], key: str, value: V) -> None:
    with _cache_lock:
        while len(cache) >= MAX_CACHED:
            del cache[next(iter(cache))]
        cache[key] = value


def load_document(snapshot: Snapshot, digest: str) -> Document:
    """Return the document of this digest; the built-in one even if no log names it yet."""
    if digest == BUILTIN.digest:
        return BUILTIN
    return Document(orjson.loads(require_document(snapshot, digest)))


def require_document(snapshot: Snapshot, digest: str) -> bytes:
    """Return the canonical JSON that the ledger holds of this digest.

    Raises MissingDocumentError if the ledger lacks it, as a damaged one may.
    """
    body = snapshot.document(digest)
    if body is None:
        raise MissingDocumentError(f"the ledger lacks {digest}, which one of its entries names")
    return body


def enter_workspace(tx: Transaction, workspace: str) -> None:
    """Enter the built-in document as the active version 1, if the workspace has no entries yet."""
    if tx.latest_entry(workspace, "version.") is None:
        tx.add_document(BUILTIN.canonical_bytes)
        for leaf in first_leaves(workspace, format_time(tx.now)):
            tx.append(workspace, leaf)


def first_leaves(workspace: str, at: str) -> list[dict[str, Any]]:
    """Return the leaves that every workspace begins with, entered by `system` at that time."""
    head: dict[str, Any] = {"at": at, "workspace": workspace, "by": SYSTEM_LOG}
    version: dict[str, Any] = {"version": BUILTIN_VERSION, "digest": BUILTIN.digest}
    return [
        VersionProposed(**head, **version, title=BUILTIN.title).to_leaf(),
        VersionActivated(**head, **version).to_leaf(),
    ]


BUILTIN_VERSIONS = fold_versions(
    Entry("", index, b"", leaf) for index, leaf in enumerate(first_leaves("", at=""))
)
"""The versions of a workspace before its first write."""
