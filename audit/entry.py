"""Entries, and the leaves that the service writes: `audit.log.leaf` with a faster encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.errors import BadLeafError
from audit.log.leaf import (
    FORMAT,
    SALT_SIZE,
    EntryKind,
    PersonalData,
    check_members,
    compute_commitment,
    describe_commitment_mismatch,
    format_time,
    is_time,
)
from audit.log.merkle import hash_leaf
from rules.formats.canonical_json import contains_float, encode_canonical, encode_float_free

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FORMAT",
    "SALT_SIZE",
    "Entry",
    "EntryKind",
    "PersonalData",
    "check_leaf",
    "compute_commitment",
    "describe_commitment_mismatch",
    "encode_leaf",
    "format_time",
    "hash_for",
    "is_time",
    "new_entry",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log. `index` counts from 0; `content` is None if the leaf cannot be read."""

    log: str
    index: int
    leaf_hash: bytes
    content: dict[str, Any] | None

    @property
    def value(self) -> dict[str, Any]:
        """The leaf as JSON, which must not be changed; only its syntax was checked.

        Raises BadLeafError if the leaf cannot be read.
        """
        if self.content is None:
            raise BadLeafError("the leaf cannot be read")
        return self.content

    @property
    def leaf(self) -> bytes:
        """The leaf's canonical bytes; b"" if the leaf cannot be read."""
        try:
            return b"" if self.content is None else encode_canonical(self.content)
        except ValueError:
            return b""


def new_entry(
    log: str, index: int, leaf: Mapping[str, Any], personal: PersonalData | None
) -> Entry:
    """Return the entry of a leaf. Raises BadLeafError if the log may not contain the leaf."""
    return Entry(log, index, hash_for(log, leaf, personal), dict(leaf))


def hash_for(log: str, leaf: Mapping[str, Any], personal: PersonalData | None) -> bytes:
    """Return the hash of a leaf that may be appended to the log.

    Every store makes these checks: format, kind, `workspace`, `at`, and the commitment to the
    personal part. Raises BadLeafError if one fails.
    """
    body = encode_leaf(leaf)
    if leaf.get("workspace") != log:
        raise BadLeafError(
            f"a leaf of {leaf.get('workspace')!r} does not belong to the log {log!r}"
        )
    if complaint := describe_commitment_mismatch(leaf, personal):
        raise BadLeafError(complaint)
    return hash_leaf(body)


def encode_leaf(leaf: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a leaf. Raises BadLeafError if it is not of format 1."""
    check_leaf(leaf)
    try:
        return encode_float_free(leaf)
    except ValueError as error:
        raise BadLeafError(f"the leaf cannot be written: {error}") from error


def check_leaf(leaf: Mapping[str, Any]) -> None:
    """Raise BadLeafError if the value is not a leaf of format 1."""
    check_members(leaf)
    if contains_float(leaf):
        raise BadLeafError("the leaf holds a floating-point number")
