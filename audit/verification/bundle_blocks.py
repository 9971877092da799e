"""What can be said of a bundle's lines block by block: all that needs no other block.

Blocks come as bytes and what is found goes back as values that `marshal` writes, so that any
process can do it: `worker_pool.py`. What needs the order of the log is left to the walk.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.errors import BadLeafError
from audit.log.csv_rows import format_row
from audit.log.leaf import EntryKind, read_leaf
from audit.log.merkle import hash_leaf
from audit.verification.bundle_format import BadBundleError, lines_of, parse_personal
from audit.verification.log_verifier import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    Part: TypeAlias = tuple[int, tuple[Any, ...]] | str
    """The index and what `Opened` holds of a line; of one that cannot be read, what is wrong."""

_MEMBERS = ("kind", "workspace", "commitment", "event", "id", "conversation", "stage", "policy")
_FACTS = ("conversation.stage", "conversation.asks", "sample.bucket")


class Leaves(NamedTuple):
    """What a block of leaves comes to, in order."""

    hashes: list[bytes]
    leaves: list[dict[str, Any] | None]
    """As much of each as a walk asks for; None where it cannot be read."""
    bad: dict[int, str]
    """Why a leaf cannot be read, by its place in the block."""
    table: int
    """The size in bytes of the table's rows, up to the first leaf that cannot be read."""
    digest: bytes
    """Their SHA-256."""
    cut: bool
    """Whether the last line has no end; it is not among the leaves."""


def leaves(first: int, block: bytes) -> Leaves:
    """The leaves of a block that begins with entry `first`."""
    lines, cut = lines_of(block)
    found = Leaves([hash_leaf(line) for line in lines], [], {}, 0, b"", cut)
    rows: list[str] = []
    for place, (body, hashed) in enumerate(zip(lines, found.hashes, strict=True)):
        try:
            leaf = read_leaf(body)
        except BadLeafError as error:
            found.bad[place] = str(error)
            found.leaves.append(None)
            continue
        if not found.bad:
            rows.append(format_row(first + place, leaf, body, hashed))
        found.leaves.append(_asked(leaf))
    table = "".join(rows).encode()
    return found._replace(table=len(table), digest=hashlib.sha256(table).digest())


def rows(first: int, block: bytes) -> Iterator[bytes]:
    """The rows of the table for a block, up to the first leaf that cannot be read."""
    lines, _ = lines_of(block)
    for index, body in enumerate(lines, first):
        try:
            leaf = read_leaf(body)
        except BadLeafError:
            return
        yield format_row(index, leaf, body, hash_leaf(body)).encode()


def parts(_: int, block: bytes) -> tuple[list[Part], bool]:
    """The personal parts of a block, and whether its last line has no end."""
    lines, cut = lines_of(block)
    return [_part(line) for line in lines], cut


def _part(line: bytes) -> Part:
    try:
        index, personal = parse_personal(line)
    except BadBundleError as error:
        return str(error)
    return index, tuple(opened(personal))


def _asked(leaf: dict[str, Any]) -> dict[str, Any]:
    """Of a decision what a walk asks for; of what is not as decisions are, and all else, all."""
    facts, actions = leaf.get("facts"), leaf.get("actions")
    if leaf["kind"] != EntryKind.DECISION or not isinstance(facts, dict):
        return leaf
    if not isinstance(actions, list):
        return leaf
    asked: dict[str, Any] = _only(leaf, _MEMBERS)
    asked["facts"] = _only(facts, _FACTS)
    asked["actions"] = [
        _only(action, ("id", "type")) if isinstance(action, dict) else action for action in actions
    ]
    return asked


def _only(members: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}
