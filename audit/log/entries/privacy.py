"""Entries about erasures and holds."""

from __future__ import annotations

from dataclasses import dataclass

from audit.log.entries.content import SignedOffContent
from audit.log.leaf import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactErased(SignedOffContent):
    """An erasure; `entries` are the indices, ascending, whose personal data was destroyed."""

    kind = EntryKind.CONTACT_ERASED
    reason: str
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRefused(SignedOffContent):
    """An erasure that the named holds prevented; its personal data is the contact."""

    kind = EntryKind.ERASURE_REFUSED
    reason: str
    holds: tuple[str, ...]
    commitment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSet(SignedOffContent):
    """A hold of a contact, which is its personal data; without one, of the whole workspace."""

    kind = EntryKind.HOLD_SET
    hold: str
    reason: str
    commitment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased(SignedOffContent):
    """The end of a hold."""

    kind = EntryKind.HOLD_RELEASED
    hold: str
    reason: str
