"""A restored copy of the ledger: two keys accept the loss of signed entries, and it is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.entry import format_time
from audit.log.entries import LedgerRestored, LostEntries
from audit.log.signed_note import encode_base64
from audit.stores.rollback_detection import find_missing_entries
from policy_service.access.keys import EVERY_WORKSPACE, Key, Keyring, Role
from policy_service.problems import ProblemCode, ProblemError
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.stores.contract import Store, Transaction
    from audit.stores.rollback_detection import MissingEntries

_REQUIRED_ROLES = (Role.OWNER, Role.APPROVER)


def find_missing(store: Store) -> list[MissingEntries]:
    """Return the signed entries that the ledger lacks."""
    with store.read() as snapshot:
        return find_missing_entries(snapshot, store.checkpoints)


def accept_loss(store: Store, tokens: Sequence[str]) -> list[MissingEntries]:
    """Enter `ledger.restored`, then archive the checkpoints of the lost entries; return the losses.

    The store was opened to accept a loss. Raises ProblemError `unauthorized` or `role_not_allowed`
    unless the tokens belong to two keys for every workspace: an owner's and an approver's.
    """

    def enter(tx: Transaction) -> list[MissingEntries]:
        owner, approver = _require_two_keys(tx, tokens)
        losses = find_missing_entries(tx, store.checkpoints)
        if losses:
            content = _restored_content(tx, losses, owner, approver)
            tx.append(SYSTEM_LOG, content.to_leaf())
        return losses

    losses = store.transact(enter)
    for loss in losses:
        store.checkpoints.archive(loss.log)
    return losses


def _require_two_keys(tx: Transaction, tokens: Sequence[str]) -> tuple[Key, Key]:
    """Return the owner's key and the approver's key."""
    holders = [Keyring().find_key(tx, token, tx.now) for token in tokens]
    by_role = {key.role: key for key in holders if key and key.workspace == EVERY_WORKSPACE}
    if None in holders:
        raise ProblemError(ProblemCode.UNAUTHORIZED, "One of the keys is unknown or revoked")
    if len(tokens) != len(_REQUIRED_ROLES) or set(by_role) != set(_REQUIRED_ROLES):
        raise ProblemError(
            ProblemCode.ROLE_NOT_ALLOWED,
            "Give an owner's key and an approver's key, both for every workspace",
        )
    return by_role[Role.OWNER], by_role[Role.APPROVER]


def _restored_content(
    tx: Transaction, losses: Sequence[MissingEntries], owner: Key, approver: Key
) -> LedgerRestored:
    return LedgerRestored(
        at=format_time(tx.now),
        workspace=SYSTEM_LOG,
        by=owner.id,
        approved_by=approver.id,
        lost=tuple(
            LostEntries(loss.log, loss.size, encode_base64(loss.root), loss.actual_size)
            for loss in losses
        ),
    )
