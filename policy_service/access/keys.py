"""Keys: who may ask for what. Their log is `system`; which keys there are is read from it.

A key is `<id>.<secret>`; the secret is 256 bits of randomness, shown once. The ledger holds its
SHA-256, which is as good as the secret is long: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, EntryKind, format_time
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from audit.entry import Entry
    from audit.stores.contract import Snapshot, Transaction

EVERY_WORKSPACE = "*"
NO_SECRET_SHA256 = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""What a secret is compared with where there is no such key, so that it takes the same time."""


class Role(StrEnum):
    """What a key may do; `api/routes.py` lists which routes that is."""

    PLATFORM = "platform"
    AUTHOR = "author"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Key:
    """One key as the ledger has it; `workspace` may be `*`."""

    id: str
    role: Role
    workspace: str
    name: str
    created_at: str
    created_by: str | None
    secret_sha256: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def reaches(self, workspace: str) -> bool:
        """Whether it is a key for this workspace; for `system` only one for all is."""
        return self.workspace in (EVERY_WORKSPACE, workspace)

    def is_valid(self, now: datetime) -> bool:
        """Whether it is a key now: neither revoked nor expired."""
        expired = self.expires_at is not None and self.expires_at <= format_time(now)
        return self.revoked_at is None and not expired


def create_key(  # noqa: PLR0913 - one for each thing that its entry says
    tx: Transaction,
    *,
    role: Role,
    workspace: str,
    name: str,
    by: str | None,
    expires_at: datetime | None = None,
) -> tuple[Key, str]:
    """Enter a new key; the key and, for the only time, what its holder sends as a bearer token."""
    if expires_at is not None and expires_at <= tx.now:
        past = Complaint("/expires_at", "not_in_future", "Give a time that is to come")
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, "A key cannot expire before it is made", [past]
        )
    secret = secrets.token_urlsafe(32)
    leaf = {
        "format": FORMAT,
        "kind": EntryKind.KEY_CREATED.value,
        "at": format_time(tx.now),
        "workspace": SYSTEM_LOG,
        "key": f"key-{secrets.token_hex(6)}",
        "role": role.value,
        "for": workspace,
        "name": name,
        "secret_sha256": _hash_secret(secret),
        **({"expires_at": format_time(expires_at)} if expires_at else {}),
        **({"by": by} if by else {}),
    }
    tx.append(SYSTEM_LOG, leaf)
    return _to_key(leaf), f"{leaf['key']}.{secret}"


def revoke_key(tx: Transaction, key_id: str, *, by: str | None) -> Key:
    """Enter that the key is no longer one. Revoking it again changes nothing."""
    key = fold_keys(tx.entries_of_family(SYSTEM_LOG, "key.")).get(key_id)
    if key is None:
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no key with this id")
    if key.revoked_at is None:
        leaf = {
            "format": FORMAT,
            "kind": EntryKind.KEY_REVOKED.value,
            "at": format_time(tx.now),
            "workspace": SYSTEM_LOG,
            "key": key_id,
            **({"by": by} if by else {}),
        }
        tx.append(SYSTEM_LOG, leaf)
    return fold_keys(tx.entries_of_family(SYSTEM_LOG, "key."))[key_id]


def revoke_key_in_reach(tx: Transaction, key_id: str, caller: Key) -> Key:
    """Enter that the key is no longer one, for an owner whom it is within reach of.

    Problem `last_owner_key` where nobody could make keys for every workspace any more.
    """
    keys = fold_keys(tx.entries_of_family(SYSTEM_LOG, "key."))
    key = keys.get(key_id)
    if key is None or not caller.reaches(key.workspace):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no key with this id")
    owners = [
        each.id
        for each in keys.values()
        if each.role is Role.OWNER and each.workspace == EVERY_WORKSPACE and each.is_valid(tx.now)
    ]
    if owners == [key_id]:
        raise ProblemError(
            ProblemCode.LAST_OWNER_KEY, "It is the last owner's key for every workspace"
        )
    return revoke_key(tx, key_id, by=caller.id)


def fold_keys(entries: Iterable[Entry]) -> dict[str, Key]:
    """Every key that was ever created, by id, as the entries leave it."""
    keys: dict[str, Key] = {}
    for entry in entries:
        leaf = entry.value
        if leaf["kind"] == EntryKind.KEY_CREATED:
            keys[leaf["key"]] = _to_key(leaf)
        else:
            keys[leaf["key"]] = replace(keys[leaf["key"]], revoked_at=leaf["at"])
    return keys


class Keyring:
    """The keys of a store, read again whenever the ledger has a newer entry about one."""

    def __init__(self) -> None:
        self._remembered: tuple[bytes | None, dict[str, Key]] = (None, {})

    def keys(self, snapshot: Snapshot) -> dict[str, Key]:
        latest = snapshot.latest_entry(SYSTEM_LOG, "key.")
        now = latest.leaf_hash if latest else None
        read, keys = self._remembered
        if now != read:
            keys = fold_keys(snapshot.entries_of_family(SYSTEM_LOG, "key."))
            self._remembered = (now, keys)
        return keys

    def find_key(self, snapshot: Snapshot, token: str, now: datetime) -> Key | None:
        """The key of this token; None where there is none, or no longer. Takes constant time."""
        return _find_key(self.keys(snapshot), token, now)

    def find_remembered_key(self, token: str, now: datetime) -> Key | None:
        """As `find_key`, by what was read last: asks no ledger, and may miss a revocation.

        Whoever relies on this asks `is_current` before anything is done.
        """
        _, keys = self._remembered
        return _find_key(keys, token, now)

    def is_current(self, snapshot: Snapshot, key: Key, now: datetime) -> bool:
        """Whether this is still a key."""
        known = self.keys(snapshot).get(key.id)
        return known is not None and known.is_valid(now)


def unauthorized_problem() -> ProblemError:
    """What is said to one without a valid key, whatever is wrong with it."""
    return ProblemError(
        ProblemCode.UNAUTHORIZED, "Send a valid key as `Authorization: Bearer <key>`"
    )


def _find_key(keys: Mapping[str, Key], token: str, now: datetime) -> Key | None:
    key_id, _, secret = token.partition(".")
    key = keys.get(key_id)
    expected = key.secret_sha256 if key else NO_SECRET_SHA256
    matches = hmac.compare_digest(_hash_secret(secret), expected)
    return key if key and matches and key.is_valid(now) else None


def key_view(key: Key, last_uses: Mapping[str, str]) -> dict[str, Any]:
    """The key without anything secret, and when it was last used."""
    return {
        "id": key.id,
        "role": key.role.value,
        "workspace": key.workspace,
        "name": key.name,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": last_uses.get(key.id),
    }


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_key(leaf: Mapping[str, Any]) -> Key:
    return Key(
        id=leaf["key"],
        role=Role(leaf["role"]),
        workspace=leaf["for"],
        name=leaf["name"],
        created_at=leaf["at"],
        created_by=leaf.get("by"),
        secret_sha256=leaf["secret_sha256"],
        expires_at=leaf.get("expires_at"),
    )
