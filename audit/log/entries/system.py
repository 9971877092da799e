"""Entries of the log `system`: keys, checkpoints and accepted losses."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.log.entries.content import EntryContent, LostEntries, SignedOffContent
from audit.log.leaf import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCreated(EntryContent):
    """A new API key; `reach` is a workspace or `*`, and `for` in the leaf."""

    kind = EntryKind.KEY_CREATED
    key: str
    role: str
    reach: str = field(metadata={"name": "for"})
    name: str
    secret_sha256: str
    expires_at: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(EntryContent):
    """The end of an API key."""

    kind = EntryKind.KEY_REVOKED
    key: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSigned(EntryContent):
    """A signed checkpoint of another log; `root` is in base64, `note` the whole signed note."""

    kind = EntryKind.CHECKPOINT
    log: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRestored(SignedOffContent):
    """The acceptance of a loss by an owner's key, `by`, and an approver's."""

    kind = EntryKind.LEDGER_RESTORED
    approved_by: str
    lost: tuple[LostEntries, ...]
