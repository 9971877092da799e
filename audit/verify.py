"""The verifier: recomputes a log from its leaves, and says what does not fit.

It needs no database: entries in order, the head, and two ways to look things up. It streams; what
it keeps grows with the number of events and conversations, not with the size of leaves.
What an owner of the database could make fit again, down to the head, only a checkpoint shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from audit.entry import check_leaf, commitment_complaint
from audit.errors import AuditError, BadLeaf, StorageUnavailable
from audit.findings import Code, Finding, Report
from audit.history import History
from audit.merkle import Frontier, leaf_hash
from audit.store import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audit.entry import Entry, Personal
    from audit.store import Snapshot


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside one log: personal parts by index, documents by digest."""

    personal: Callable[[int], Personal | None]
    document: Callable[[str], bytes | None]


def verify(log: str, head: Head, entries: Iterable[Entry], beside: Beside) -> Report:
    """Recompute the log: each entry, what stands beside it, the story they tell, and the head."""
    findings: list[Finding] = []
    frontier = Frontier()
    history = History(log, beside.document)
    for entry in entries:
        findings += _place(log, frontier.size, entry)
        hashed = leaf_hash(entry.leaf)
        found, leaf = _entry(log, entry, hashed)
        findings += found
        if leaf is not None:
            findings += _personal(log, entry, leaf, beside)
            findings += history.next(entry, leaf)
        frontier = frontier.append(hashed)
    findings += _head(log, head, frontier)
    return Report(log, frontier.size, frontier.root(), tuple(findings))


def verify_log(
    snapshot: Snapshot, log: str, passed: Callable[[int], object] = lambda _: None
) -> Report:
    """`verify` over a log of a store; StorageUnavailable where its file cannot be read at all.

    `passed` is told of each entry that was passed, as 1.
    """
    beside = Beside(lambda index: snapshot.personal(log, index), snapshot.document)
    try:
        head = snapshot.head(log)
    except StorageUnavailable:
        head = Head()  # a head that cannot be read fits no entries
    return verify(log, head, _counted(snapshot.entries(log), passed), beside)


def verify_all(
    snapshot: Snapshot, passed: Callable[[int], object] = lambda _: None
) -> Iterator[Report]:
    """`verify_log` over every log of a store."""
    return (verify_log(snapshot, log, passed) for log in snapshot.logs())


def _counted(entries: Iterable[Entry], passed: Callable[[int], object]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        passed(1)


def _place(log: str, expected: int, entry: Entry) -> Iterator[Finding]:
    if entry.log != log:
        yield Finding(log, entry.index, Code.ANOTHER_LOG, f"the entry is of the log {entry.log!r}")
    if entry.index != expected:
        message = f"the entry stands where {expected} was expected"
        yield Finding(log, entry.index, Code.GAP, message)


def _entry(log: str, entry: Entry, hashed: bytes) -> tuple[list[Finding], dict[str, object] | None]:
    """What is wrong with the entry alone, and its leaf where that can be read."""
    findings = []
    if hashed != entry.leaf_hash:
        message = "the leaf is not the one that was hashed"
        findings.append(Finding(log, entry.index, Code.LEAF_HASH, message))
    try:
        leaf = entry.value
        check_leaf(leaf)
    except BadLeaf as error:
        return [*findings, Finding(log, entry.index, Code.BAD_LEAF, str(error))], None
    if leaf.get("workspace") != log:
        message = f"the leaf is of the workspace {leaf.get('workspace')!r}"
        findings.append(Finding(log, entry.index, Code.ANOTHER_LOG, message))
    return findings, leaf


def _personal(log: str, entry: Entry, leaf: dict[str, object], beside: Beside) -> Iterator[Finding]:
    try:
        personal = beside.personal(entry.index)
    except AuditError as error:
        yield Finding(log, entry.index, Code.COMMITMENT, str(error))
        return
    if leaf["kind"] == "decision" and "commitment" not in leaf:
        yield Finding(log, entry.index, Code.COMMITMENT, "a decision without commitment")
    elif complaint := commitment_complaint(leaf, personal) or _owner_complaint(leaf, personal):
        yield Finding(log, entry.index, Code.COMMITMENT, complaint)


def _owner_complaint(leaf: dict[str, object], personal: Personal | None) -> str | None:
    """Why the personal part of a decision, which is its event, is not whose it is said to be."""
    if personal is None or leaf["kind"] != "decision":
        return None
    try:
        contact = orjson.loads(personal.part)["contact"]["id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "the personal part is not an event"
    return None if contact == personal.contact else "the personal part is said to be another's"


def _head(log: str, head: Head, frontier: Frontier) -> Iterator[Finding]:
    if head.size != frontier.size:
        message = f"the head says {head.size} entries, there are {frontier.size}"
        yield Finding(log, None, Code.SIZE, message)
    if head.root != frontier.root():
        yield Finding(log, None, Code.ROOT, "the root is not that of these entries")
    if head.frontier != frontier:
        yield Finding(log, None, Code.FRONTIER, "the frontier is not that of these entries")
