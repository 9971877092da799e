"""Leaves of format 1, as docs/architecture.md lists them, with the standard library alone.

A leaf is RFC 8785 JSON without floating-point numbers and without personal data. Every leaf that
was ever written stays readable: a new format gets a new number, and format 1 is decoded forever.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from audit.errors import BadLeafError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
SALT_SIZE = 32
MAX_NESTING = 254
"""Maximum levels of lists and objects in a leaf: orjson writes no more."""
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
MAX_SAFE_INTEGER = 2**53 - 1
_MAX_BASIC_PLANE_CHARACTER = "\uffff"


class EntryKind(StrEnum):
    """The kind of an entry; the part before the dot is its family."""

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
    VERSION_SCHEDULED = "version.scheduled"
    VERSION_UNSCHEDULED = "version.unscheduled"
    VERSION_SUSPENDED = "version.suspended"
    VERSION_APPROVALS = "version.approvals"
    VERSION_GUARDRAILS = "version.guardrails"
    DIRECTORY_REPLACED = "directory.replaced"
    CONTACT_ERASED = "contact.erased"
    ERASURE_REFUSED = "erasure.refused"
    HOLD_SET = "hold.set"
    HOLD_RELEASED = "hold.released"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    CHECKPOINT = "checkpoint"
    LEDGER_RESTORED = "ledger.restored"

    @classmethod
    def starting_with(cls, prefix: str) -> list[EntryKind]:
        """Return the kinds of a family, such as those that start with `version.`."""
        return [kind for kind in cls if kind.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The personal part of an entry, which may be erased: contact, salt and canonical JSON."""

    contact: str
    salt: bytes
    part: bytes


def compute_commitment(salt: bytes, part: bytes) -> str:
    """Return the base64 of SHA-256 over the 32-byte salt followed by the personal part."""
    return base64.b64encode(hashlib.sha256(salt + part).digest()).decode()


def describe_commitment_mismatch(
    leaf: Mapping[str, Any], personal: PersonalData | None
) -> str | None:
    """Return why the leaf does not commit to the personal part; None if it does."""
    leaf_commitment = leaf.get("commitment")
    if personal is None:
        return None if leaf_commitment is None else "the personal part of the commitment is missing"
    if len(personal.salt) != SALT_SIZE:
        return "the salt is not 32 bytes long"
    if leaf_commitment != compute_commitment(personal.salt, personal.part):
        return "the personal part differs from the leaf's commitment"
    return None


def read_leaf(body: bytes) -> dict[str, Any]:
    """Parse the canonical bytes of a leaf.

    Raises BadLeafError for other bytes, and for another format.
    """
    try:
        leaf = _decode(body.decode())
        if body.count(b"[") + body.count(b"{") > MAX_NESTING and not _is_shallow(leaf, MAX_NESTING):
            raise BadLeafError(f"the leaf is nested deeper than {MAX_NESTING} levels")
        canonical = encode_canonical_json(leaf)
    except RecursionError as error:
        raise BadLeafError("the leaf is nested too deep") from error
    except ValueError as error:
        raise BadLeafError(f"the leaf is not JSON: {error}") from error
    if not isinstance(leaf, dict):
        raise BadLeafError("the leaf is not a JSON object")
    if canonical != body:
        raise BadLeafError("the leaf is not in canonical form")
    check_members(leaf)
    return leaf


def _is_shallow(value: object, levels: int) -> bool:
    """Return True if the value nests lists and objects over at most so many levels."""
    if not isinstance(value, dict | list):
        return True
    members = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(member, levels - 1) for member in members)


def encode_canonical_json(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Python's `json` differs from RFC 8785 only for floating-point numbers and for the order of keys
    beyond the Basic Multilingual Plane. Raises ValueError for floating-point numbers.
    """
    text = _encode(value)
    if not text.isascii() and max(text) > _MAX_BASIC_PLANE_CHARACTER:
        text = _encode_unsorted(_sort_keys(value))
    return text.encode()


def _parse_integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > MAX_SAFE_INTEGER:
        raise ValueError(f"the integer {digits} is beyond I-JSON")
    return number


def _reject_float(text: str) -> Any:  # noqa: ANN401 - it never returns
    raise ValueError(f"{text} is a floating-point number")


_decode = json.JSONDecoder(
    parse_int=_parse_integer, parse_float=_reject_float, parse_constant=_reject_float
).decode
_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode
_encode_unsorted = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":")
).encode


def _sort_keys(value: object) -> object:
    """Return the value with keys in the order of UTF-16 code units: RFC 8785, section 3.2.3."""
    if isinstance(value, dict):
        return {key: _sort_keys(value[key]) for key in sorted(value, key=_utf_16_sort_key)}
    if isinstance(value, list | tuple):
        return [_sort_keys(member) for member in value]
    return value


def _utf_16_sort_key(key: str) -> bytes:
    return key.encode("utf-16-be")


def check_members(leaf: Mapping[str, Any]) -> None:
    """Raise BadLeafError if format, kind or time are not those of a leaf of format 1."""
    if leaf.get("format") != FORMAT or isinstance(leaf["format"], bool):
        raise BadLeafError(
            f"the leaf's format is {leaf.get('format')!r}; this release reads {FORMAT}"
        )
    if str(leaf.get("kind")) not in _KIND_VALUES:
        raise BadLeafError(f"the leaf's kind {leaf.get('kind')!r} is unknown")
    if not is_time(leaf.get("at")):
        raise BadLeafError(f"the leaf's time {leaf.get('at')!r} is not UTC in milliseconds")


_KIND_VALUES = frozenset(EntryKind)


def format_time(moment: datetime) -> str:
    """Return the time in RFC 3339, in UTC with `Z`, cut off to milliseconds; it needs an offset."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[: -len('+00:00')]}Z"


def is_time(text: object) -> bool:
    """Return True if the value is a time as `format_time` writes it."""
    if not isinstance(text, str) or not _AT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
