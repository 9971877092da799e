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

from audit.entry import FORMAT, Kind, format_time
from policy_service.problems import Problem
from rules.event import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audit.entry import Entry
    from audit.store import Snapshot, Transaction

EVERY_WORKSPACE = "*"
NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
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
    revoked_at: str | None = None

    def reaches(self, workspace: str) -> bool:
        """Whether it is a key for this workspace; for `system` only one for all is."""
        return self.workspace in (EVERY_WORKSPACE, workspace)


def create_key(
    tx: Transaction, *, role: Role, workspace: str, name: str, by: str | None
) -> tuple[Key, str]:
    """Enter a new key; the key and, for the only time, what its holder sends as a bearer token."""
    secret = secrets.token_urlsafe(32)
    leaf = {
        "format": FORMAT,
        "kind": Kind.KEY_CREATED.value,
        "at": format_time(tx.now),
        "workspace": SYSTEM,
        "key": f"key-{secrets.token_hex(6)}",
        "role": role.value,
        "for": workspace,
        "name": name,
        "secret_sha256": _hashed(secret),
        **({"by": by} if by else {}),
    }
    tx.append(SYSTEM, leaf)
    return _key(leaf), f"{leaf['key']}.{secret}"


def revoke_key(tx: Transaction, key_id: str, *, by: str | None) -> Key:
    """Enter that the key is no longer one. Revoking it again changes nothing."""
    key = keys_of(tx.entries_of(SYSTEM, "key.")).get(key_id)
    if key is None:
        raise Problem("not_found", "There is no key with this id")
    if key.revoked_at is None:
        leaf = {
            "format": FORMAT,
            "kind": Kind.KEY_REVOKED.value,
            "at": format_time(tx.now),
            "workspace": SYSTEM,
            "key": key_id,
            **({"by": by} if by else {}),
        }
        tx.append(SYSTEM, leaf)
    return keys_of(tx.entries_of(SYSTEM, "key."))[key_id]


def keys_of(entries: Iterable[Entry]) -> dict[str, Key]:
    """Every key that was ever created, by id, as the entries leave it."""
    keys: dict[str, Key] = {}
    for entry in entries:
        leaf = entry.value
        if leaf["kind"] == Kind.KEY_CREATED:
            keys[leaf["key"]] = _key(leaf)
        else:
            keys[leaf["key"]] = replace(keys[leaf["key"]], revoked_at=leaf["at"])
    return keys


class Keyring:
    """The keys of a store, read again whenever the ledger has a newer entry about one."""

    def __init__(self) -> None:
        self._read: tuple[bytes | None, dict[str, Key]] = (None, {})

    def keys(self, snapshot: Snapshot) -> dict[str, Key]:
        latest = snapshot.latest(SYSTEM, "key.")
        now = latest.leaf_hash if latest else None
        read, keys = self._read
        if now != read:
            keys = keys_of(snapshot.entries_of(SYSTEM, "key."))
            self._read = (now, keys)
        return keys

    def holder(self, snapshot: Snapshot, token: str) -> Key | None:
        """The key of this token; None where there is none, or no longer. Takes constant time."""
        return _holder(self.keys(snapshot), token)

    def presumed_holder(self, token: str) -> Key | None:
        """As `holder`, by what was read last: asks no ledger, and may miss a revocation.

        A key is otherwise for good; whoever relies on this asks `holds` before anything is done.
        """
        _, keys = self._read
        return _holder(keys, token)

    def holds(self, snapshot: Snapshot, key: Key) -> bool:
        """Whether this is still a key."""
        known = self.keys(snapshot).get(key.id)
        return known is not None and known.revoked_at is None


def unauthorized() -> Problem:
    """What is said to one without a valid key, whatever is wrong with it."""
    return Problem("unauthorized", "Send a valid key as `Authorization: Bearer <key>`")


def _holder(keys: Mapping[str, Key], token: str) -> Key | None:
    key_id, _, secret = token.partition(".")
    key = keys.get(key_id)
    expected = key.secret_sha256 if key else NOBODY
    matches = hmac.compare_digest(_hashed(secret), expected)
    return key if key and matches and key.revoked_at is None else None


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(leaf: Mapping[str, Any]) -> Key:
    return Key(
        id=leaf["key"],
        role=Role(leaf["role"]),
        workspace=leaf["for"],
        name=leaf["name"],
        created_at=leaf["at"],
        created_by=leaf.get("by"),
        secret_sha256=leaf["secret_sha256"],
    )
