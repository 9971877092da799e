"""Going on with a restored copy: what was signed and is lost is accepted by two, and entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
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
    """What was signed of the ledger and is not there."""
    with store.read() as snapshot:
        return find_missing_entries(snapshot, store.checkpoints)


def accept_loss(store: Store, tokens: Sequence[str]) -> list[MissingEntries]:
    """Enter `ledger.restored`, then set the checkpoints aside; what was lost.

    The store was opened to accept a loss. Problem `unauthorized` or `role_not_allowed` unless the
    tokens are those of two keys for every workspace: an owner's and an approver's.
    """

    def enter(tx: Transaction) -> list[MissingEntries]:
        owner, approver = _require_two_keys(tx, tokens)
        losses = find_missing_entries(tx, store.checkpoints)
        if losses:
            tx.append(SYSTEM_LOG, _restored_leaf(tx, losses, owner, approver))
        return losses

    losses = store.transact(enter)
    for loss in losses:
        store.checkpoints.archive(loss.log)
    return losses


def _require_two_keys(tx: Transaction, tokens: Sequence[str]) -> tuple[Key, Key]:
    """The owner's key and the approver's."""
    holders = [Keyring().find_key(tx, token, tx.now) for token in tokens]
    by_role = {key.role: key for key in holders if key and key.workspace == EVERY_WORKSPACE}
    if None in holders:
        raise ProblemError(
            ProblemCode.UNAUTHORIZED, "A key is none, or no longer one, in this copy of the ledger"
        )
    if len(tokens) != len(_REQUIRED_ROLES) or set(by_role) != set(_REQUIRED_ROLES):
        raise ProblemError(
            ProblemCode.ROLE_NOT_ALLOWED, "It takes an owner's key and an approver's, for `*`"
        )
    return by_role[Role.OWNER], by_role[Role.APPROVER]


def _restored_leaf(
    tx: Transaction, losses: Sequence[MissingEntries], owner: Key, approver: Key
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": EntryKind.LEDGER_RESTORED.value,
        "at": format_time(tx.now),
        "workspace": SYSTEM_LOG,
        "lost": [
            {
                "log": loss.log,
                "size": loss.size,
                "root": encode_base64(loss.root),
                "there": loss.actual_size,
            }
            for loss in losses
        ],
        "by": owner.id,
        "approved_by": approver.id,
    }
