"""Entries, their leaves and what stands beside them: format 1, as docs/architecture.md lists it.

A leaf is RFC 8785 JSON without floating-point numbers and without personal data. What was ever
written stays readable: a new format gets a new number, and this one is decoded for good.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from audit.errors import BadLeaf
from audit.merkle import leaf_hash
from rules.canonical import canonical, canonical_without_floats, holds_float

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
SALT_SIZE = 32
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


class Kind(StrEnum):
    DECISION = "decision"
    ACTION_DELIVERED = "action.delivered"
    ACTION_FAILED = "action.failed"
    ACTION_WITHDRAWN = "action.withdrawn"
    ACTION_RETRIED = "action.retried"
    VERSION_PROPOSED = "version.proposed"
    VERSION_APPROVED = "version.approved"
    VERSION_REJECTED = "version.rejected"
    VERSION_SUPERSEDED = "version.superseded"
    VERSION_ACTIVATED = "version.activated"
    VERSION_RETIRED = "version.retired"
    CONTACT_ERASED = "contact.erased"
    ERASURE_REFUSED = "erasure.refused"
    HOLD_SET = "hold.set"
    HOLD_RELEASED = "hold.released"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    CHECKPOINT = "checkpoint"
    LEDGER_RESTORED = "ledger.restored"

    @classmethod
    def starting_with(cls, prefix: str) -> list[Kind]:
        """The kinds of a family, those that start with `version.`, say."""
        return [kind for kind in cls if kind.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log. `index` counts from 0; `read` is None where no leaf could be read."""

    log: str
    index: int
    leaf_hash: bytes
    read: dict[str, Any] | None

    @property
    def value(self) -> dict[str, Any]:
        """The leaf as JSON, unchecked beyond that and not to be changed; BadLeaf without one."""
        if self.read is None:
            raise BadLeaf("the leaf cannot be read")
        return self.read

    @property
    def leaf(self) -> bytes:
        """The leaf's canonical bytes; b"" where it has none."""
        try:
            return b"" if self.read is None else canonical(self.read)
        except ValueError:
            return b""


@dataclass(frozen=True, slots=True)
class Personal:
    """What stands beside an entry and may be erased: whose it is, a salt, the canonical part."""

    contact: str
    salt: bytes
    part: bytes


def commitment(salt: bytes, part: bytes) -> str:
    """Standard base64 of SHA-256 over the 32-byte salt followed by the personal part."""
    return base64.b64encode(hashlib.sha256(salt + part).digest()).decode()


def new_entry(log: str, index: int, leaf: Mapping[str, Any], personal: Personal | None) -> Entry:
    """The entry of a leaf that may be appended to the log; BadLeaf where it may not."""
    return Entry(log, index, hash_for(log, leaf, personal), dict(leaf))


def hash_for(log: str, leaf: Mapping[str, Any], personal: Personal | None) -> bytes:
    """The hash of a leaf that may be appended to the log; BadLeaf where it may not.

    What every store checks: format, kind, `workspace`, `at`, and that leaf and personal part
    belong together.
    """
    body = encode_leaf(leaf)
    if leaf.get("workspace") != log:
        raise BadLeaf(f"a leaf of {leaf.get('workspace')!r} does not belong to the log {log!r}")
    if complaint := commitment_complaint(leaf, personal):
        raise BadLeaf(complaint)
    return leaf_hash(body)


def commitment_complaint(leaf: Mapping[str, Any], personal: Personal | None) -> str | None:
    """Why leaf and personal part do not belong together, or None."""
    committed = leaf.get("commitment")
    if personal is None:
        return None if committed is None else "the personal part of the commitment is missing"
    if len(personal.salt) != SALT_SIZE:
        return "the salt is not 32 bytes long"
    if committed != commitment(personal.salt, personal.part):
        return "the personal part is not what the leaf commits to"
    return None


def encode_leaf(leaf: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a leaf of format 1; BadLeaf where it is none."""
    check_leaf(leaf)
    try:
        return canonical_without_floats(leaf)
    except ValueError as error:
        raise BadLeaf(f"the leaf cannot be written: {error}") from error


def decode_leaf(body: bytes) -> dict[str, Any]:
    """The leaf of canonical bytes; BadLeaf for any other bytes, and for another format."""
    leaf = _parsed(body)
    try:
        encoded = encode_leaf(leaf)
    except RecursionError as error:
        raise BadLeaf("the leaf is nested too deep") from error
    if encoded != body:
        raise BadLeaf("the leaf is not in canonical form")
    return leaf


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        leaf = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadLeaf(f"the leaf is not JSON: {error}") from error
    if not isinstance(leaf, dict):
        raise BadLeaf("the leaf is not a JSON object")
    return leaf


def check_leaf(leaf: Mapping[str, Any]) -> None:
    """BadLeaf where this is no leaf of format 1."""
    if leaf.get("format") != FORMAT or isinstance(leaf["format"], bool):
        raise BadLeaf(f"the leaf's format is {leaf.get('format')!r}; known is {FORMAT}")
    if str(leaf.get("kind")) not in _KINDS:
        raise BadLeaf(f"the leaf's kind {leaf.get('kind')!r} is unknown")
    if not is_time(leaf.get("at")):
        raise BadLeaf(f"the leaf's time {leaf.get('at')!r} is not UTC in milliseconds")
    if holds_float(leaf):
        raise BadLeaf("the leaf holds a floating-point number")


_KINDS = frozenset(Kind)


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC, whole milliseconds (what is finer is cut off), `Z`; needs an offset."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[: -len('+00:00')]}Z"


def is_time(text: object) -> bool:
    """Whether this is a time as `format_time` writes it."""
    if not isinstance(text, str) or not _AT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
