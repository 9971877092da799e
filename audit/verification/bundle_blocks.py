"""Parsing of a bundle's lines in blocks: all checks that need no other block.

Blocks are bytes and the results are values that `marshal` writes, so that any process can parse a
block: `worker_pool.py`. `log_verifier.py` makes the checks that need the order of the log.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.errors import BadLeafError
from audit.log.csv_rows import format_row
from audit.log.leaf import EntryKind, read_leaf
from audit.log.merkle import hash_leaf
from audit.verification.bundle_format import BadBundleError, parse_personal, split_lines
from audit.verification.log_verifier import open_personal_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    ParsedPart: TypeAlias = tuple[int, tuple[Any, ...]] | str
    """The index and the `OpenedPersonalData` of a line; if it cannot be read, the reason."""

_MEMBERS = ("kind", "workspace", "commitment", "event", "id", "conversation", "stage", "policy")
_FACTS = ("conversation.stage", "conversation.asks", "sample.bucket")


class LeafBlock(NamedTuple):
    """The result of parsing a block of leaves, in order."""

    hashes: list[bytes]
    leaves: list[dict[str, Any] | None]
    """The members of each leaf that verification needs; None if the leaf cannot be read."""
    bad: dict[int, str]
    """The reason that a leaf cannot be read, by its place in the block."""
    table: int
    """The size in bytes of the table's rows, up to the first leaf that cannot be read."""
    digest: bytes
    """The SHA-256 of these rows."""
    cut: bool
    """True if the last line has no newline; it is not among the leaves."""


def parse_leaves(first: int, block: bytes) -> LeafBlock:
    """Parse a block of leaves that begins with entry `first`."""
    lines, is_cut = split_lines(block)
    parsed = LeafBlock([hash_leaf(line) for line in lines], [], {}, 0, b"", is_cut)
    rows: list[str] = []
    for position, (body, leaf_hash) in enumerate(zip(lines, parsed.hashes, strict=True)):
        try:
            leaf = read_leaf(body)
        except BadLeafError as error:
            parsed.bad[position] = str(error)
            parsed.leaves.append(None)
            continue
        if not parsed.bad:
            rows.append(format_row(first + position, leaf, body, leaf_hash))
        parsed.leaves.append(_select_members(leaf))
    table = "".join(rows).encode()
    return parsed._replace(table=len(table), digest=hashlib.sha256(table).digest())


def format_rows(first: int, block: bytes) -> Iterator[bytes]:
    """Return the rows of the table for a block, up to the first leaf that cannot be read."""
    lines, _ = split_lines(block)
    for index, body in enumerate(lines, first):
        try:
            leaf = read_leaf(body)
        except BadLeafError:
            return
        yield format_row(index, leaf, body, hash_leaf(body)).encode()


def parse_parts(_: int, block: bytes) -> tuple[list[ParsedPart], bool]:
    """Parse a block of personal parts; return True as well if the last line has no newline."""
    lines, is_cut = split_lines(block)
    return [_parse_part(line) for line in lines], is_cut


def _parse_part(line: bytes) -> ParsedPart:
    try:
        index, personal = parse_personal(line)
    except BadBundleError as error:
        return str(error)
    return index, tuple(open_personal_data(personal))


def _select_members(leaf: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a decision that verification needs.

    Other leaves, and decisions of unusual form, are returned completely.
    """
    facts, actions = leaf.get("facts"), leaf.get("actions")
    if leaf["kind"] != EntryKind.DECISION or not isinstance(facts, dict):
        return leaf
    if not isinstance(actions, list):
        return leaf
    selected: dict[str, Any] = _pick(leaf, _MEMBERS)
    selected["facts"] = _pick(facts, _FACTS)
    selected["actions"] = [
        _pick(action, ("id", "type")) if isinstance(action, dict) else action for action in actions
    ]
    return selected


def _pick(members: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}
