"""The ledger of one workspace as one caller writes to it, and a transaction there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from audit.entry import format_time
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.entry import Entry
    from audit.log.entries import SignedOffContent
    from audit.projections.versions import Versions
    from audit.stores.contract import Store, Transaction
    from policy_service.access.caller import CallerLedger
    from policy_service.policies.policy_cache import PolicyCache

T = TypeVar("T")
Content = TypeVar("Content", bound="SignedOffContent")


@dataclass(frozen=True, slots=True)
class WorkspaceTransaction:
    """A transaction in which one caller works on one workspace.

    `by` is the id of the caller's key, or `system`.
    """

    tx: Transaction
    policies: PolicyCache
    workspace: str
    by: str

    def versions(self) -> Versions:
        """Return the recorded versions; an activation may be due and not applied yet."""
        return self.policies.versions(self.tx, self.workspace)

    def content(self, content_class: type[Content], **members: Any) -> Content:  # noqa: ANN401 - the members of the class
        """Return the content of an entry that the caller makes now."""
        at = format_time(self.tx.now)
        return content_class(at=at, workspace=self.workspace, by=self.by, **members)

    def enter(self, content_class: type[SignedOffContent], **members: Any) -> Entry:  # noqa: ANN401
        """Append an entry that the caller makes now."""
        leaf = self.content(content_class, **members).to_leaf()
        return self.tx.append(self.workspace, leaf)


@dataclass(frozen=True, slots=True)
class WorkspaceLedger:
    """The ledger of one workspace for one caller."""

    access: CallerLedger
    policies: PolicyCache
    workspace: str

    @property
    def store(self) -> Store:
        """The store of the ledger, to read from."""
        return self.access.store

    def transact(self, work: Callable[[WorkspaceTransaction], T]) -> T:
        """Run the work in one transaction; an exception of the work undoes all of it.

        Raises ProblemError `unauthorized` if the caller's key is not valid any more.
        """
        key = self.access.key
        by = SYSTEM_LOG if key is None else key.id
        return self.access.transact(
            lambda tx: work(WorkspaceTransaction(tx, self.policies, self.workspace, by))
        )
