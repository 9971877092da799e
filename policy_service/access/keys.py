"""API keys: each has a role and a workspace, or all of them. Their state is the log `system`.

A bearer token is `<id>.<secret>`; the secret is 256 random bits, shown once. The ledger holds its
SHA-256. A salt or a slow hash would add nothing, because such a secret cannot be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from audit.entry import EntryKind, format_time
from audit.log.entries import KeyCreated, KeyRevoked
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
"""Compared with the secret if the key is unknown, so that the answer takes the same time."""


class Role(StrEnum):
    """The role of a key; `permissions.py` lists the permissions of each role."""

    PLATFORM = "platform"
    AUTHOR = "author"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Key:
    """One key, as its entries leave it; `workspace` may be `*`."""

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
        """Return True if the key is for this workspace; for `system` it must be for all of them."""
        return self.workspace in (EVERY_WORKSPACE, workspace)

    def is_valid(self, now: datetime) -> bool:
        """Return True if the key is neither revoked nor expired."""
        expired = self.expires_at is not None and self.expires_at <= format_time(now)
        return self.revoked_at is None and not expired


@dataclass(frozen=True, slots=True)
class NewKey:
    """A request for a key; `workspace` may be `*`."""

    role: Role
    workspace: str
    name: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key, with its bearer token, which is shown only once."""

    key: Key
    token: str


def enter_key(tx: Transaction, new: NewKey, by: str | None = None) -> CreatedKey:
    """Enter a new key; `by` is the key that creates it, None at the command line.

    Raises ProblemError `invalid_request` if the key would have expired already.
    """
    if new.expires_at is not None and new.expires_at <= tx.now:
        message = "A key must expire in the future"
        complaint = Complaint("/expires_at", "not_in_future", message)
        raise ProblemError(ProblemCode.INVALID_REQUEST, message, [complaint])
    secret = secrets.token_urlsafe(32)
    content = KeyCreated(
        at=format_time(tx.now),
        workspace=SYSTEM_LOG,
        key=f"key-{secrets.token_hex(6)}",
        role=new.role.value,
        reach=new.workspace,
        name=new.name,
        secret_sha256=_hash_secret(secret),
        expires_at=format_time(new.expires_at) if new.expires_at else None,
        by=by,
    )
    tx.append(SYSTEM_LOG, content.to_leaf())
    return CreatedKey(_to_key(content), f"{content.key}.{secret}")


def enter_revocation(tx: Transaction, key_id: str, by: str | None = None) -> Key:
    """Enter the end of a key; to revoke it again writes nothing.

    Raises ProblemError `not_found` if there is no such key.
    """
    key = fold_keys(tx.entries_of_family(SYSTEM_LOG, "key.")).get(key_id)
    if key is None:
        raise _unknown_key_problem()
    if key.revoked_at is None:
        content = KeyRevoked(at=format_time(tx.now), workspace=SYSTEM_LOG, key=key_id, by=by)
        tx.append(SYSTEM_LOG, content.to_leaf())
    return fold_keys(tx.entries_of_family(SYSTEM_LOG, "key."))[key_id]


def enter_revocation_in_reach(tx: Transaction, key_id: str, caller: Key) -> Key:
    """Enter the end of a key that the caller, an owner, reaches.

    Raises ProblemError `not_found`; `last_owner_key` if nobody could create keys for every
    workspace any more.
    """
    keys = fold_keys(tx.entries_of_family(SYSTEM_LOG, "key."))
    key = keys.get(key_id)
    if key is None or not caller.reaches(key.workspace):
        raise _unknown_key_problem()
    owners = [
        each.id
        for each in keys.values()
        if each.role is Role.OWNER and each.workspace == EVERY_WORKSPACE and each.is_valid(tx.now)
    ]
    if owners == [key_id]:
        raise ProblemError(ProblemCode.LAST_OWNER_KEY, "The last owner key cannot be revoked")
    return enter_revocation(tx, key_id, caller.id)


def fold_keys(entries: Iterable[Entry]) -> dict[str, Key]:
    """Return every key that was ever created, by id, as the entries leave it."""
    keys: dict[str, Key] = {}
    for entry in entries:
        if entry.value["kind"] == EntryKind.KEY_CREATED:
            key = _to_key(KeyCreated.from_leaf(entry.value))
            keys[key.id] = key
        else:
            end = KeyRevoked.from_leaf(entry.value)
            keys[end.key] = replace(keys[end.key], revoked_at=end.at)
    return keys


class Keyring:
    """A cache of the keys of a store, read again if the ledger has a newer entry about a key."""

    def __init__(self) -> None:
        self._remembered: tuple[bytes | None, dict[str, Key]] = (None, {})

    def keys(self, snapshot: Snapshot) -> dict[str, Key]:
        """Return every key that was ever created, by id."""
        latest = snapshot.latest_entry(SYSTEM_LOG, "key.")
        now = latest.leaf_hash if latest else None
        read, keys = self._remembered
        if now != read:
            keys = fold_keys(snapshot.entries_of_family(SYSTEM_LOG, "key."))
            self._remembered = (now, keys)
        return keys

    def find_key(self, snapshot: Snapshot, token: str, now: datetime) -> Key | None:
        """Return the key of a token, in constant time; None if it is unknown or not valid."""
        return _find_key(self.keys(snapshot), token, now)

    def find_remembered_key(self, token: str, now: datetime) -> Key | None:
        """Return the key of a token by the keys that were read last; it may miss a revocation.

        The caller must check `is_current` in its transaction.
        """
        _, keys = self._remembered
        return _find_key(keys, token, now)

    def is_current(self, snapshot: Snapshot, key: Key, now: datetime) -> bool:
        """Return True if the key is still valid."""
        known = self.keys(snapshot).get(key.id)
        return known is not None and known.is_valid(now)


def unauthorized_problem() -> ProblemError:
    """Return the problem of a request without a valid key, for whatever reason."""
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
    """Return the key without its secret, and the time of its last use."""
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


def _unknown_key_problem() -> ProblemError:
    return ProblemError(ProblemCode.NOT_FOUND, "There is no key with this id")


def _to_key(content: KeyCreated) -> Key:
    return Key(
        id=content.key,
        role=Role(content.role),
        workspace=content.reach,
        name=content.name,
        created_at=content.at,
        created_by=content.by,
        secret_sha256=content.secret_sha256,
        expires_at=content.expires_at,
    )
