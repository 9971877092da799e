"""Use cases of a caller: in transactions in which the caller's key is still valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from audit.errors import LedgerExistsError
from policy_service.access.keys import (
    EVERY_WORKSPACE,
    NewKey,
    Role,
    enter_key,
    enter_revocation,
    enter_revocation_in_reach,
    unauthorized_problem,
)
from policy_service.problems import ProblemCode, ProblemError
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.stores.contract import Store, Transaction
    from policy_service.access.keys import CreatedKey, Key, Keyring

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallerLedger:
    """The ledger for one caller.

    `key` is None at the command line, for a person who can read the ledger's folder.
    """

    store: Store
    keyring: Keyring
    key: Key | None

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work in one transaction; an exception of the work undoes all of it.

        Raises ProblemError `unauthorized` if the caller's key is not valid any more.
        """

        def run(tx: Transaction) -> T:
            if self.key is not None and not self.keyring.is_current(tx, self.key, tx.now):
                raise unauthorized_problem()
            return work(tx)

        return self.store.transact(run)


def create_key(ledger: CallerLedger, new: NewKey) -> CreatedKey:
    """Create a key; raise ProblemError `not_found` if the caller does not reach its workspace."""
    caller = ledger.key
    if caller is not None and not caller.reaches(new.workspace):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such workspace for this key")
    return ledger.transact(lambda tx: enter_key(tx, new, by=caller.id if caller else None))


def revoke_key(ledger: CallerLedger, key_id: str) -> Key:
    """Revoke a key for good; to revoke it again changes nothing.

    Raises ProblemError `not_found` if the caller does not reach the key. Raises `last_owner_key` if
    nobody could create keys for every workspace any more, except at the command line, which can.
    """
    caller = ledger.key
    if caller is None:
        return ledger.transact(lambda tx: enter_revocation(tx, key_id))
    return ledger.transact(lambda tx: enter_revocation_in_reach(tx, key_id, caller))


def create_first_keys(ledger: CallerLedger) -> list[CreatedKey]:
    """Create one key for each role and every workspace.

    Raises LedgerExistsError if the ledger has keys already.
    """

    def work(tx: Transaction) -> list[CreatedKey]:
        if tx.latest_entry(SYSTEM_LOG, "key."):
            raise LedgerExistsError("there is a ledger with keys already")
        return [enter_key(tx, NewKey(role, EVERY_WORKSPACE, "first")) for role in Role]

    return ledger.transact(work)
