"""The verifier of a store: recomputes its logs from their leaves, and says what does not fit.

It needs no database: entries in order, the head, and two ways to look things up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audit.entry import check_leaf
from audit.errors import BadLeafError, StorageUnavailableError
from audit.log.merkle import Frontier, hash_leaf
from audit.stores.contract import LogHead
from audit.verification.findings import Code, Finding, Report
from audit.verification.log_verifier import Beside, Walk, contradicted, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from audit.entry import Entry
    from audit.evidence.known_checkpoints import SignedLogs
    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot
    from audit.verification.log_verifier import Opened


def verify(
    log: str,
    head: LogHead,
    entries: Iterable[Entry],
    beside: Beside,
    known: Sequence[Checkpoint] = (),
) -> Report:
    """Recompute the log: each entry, what stands beside it, the story they tell, and the head.

    `known` are checkpoints of the log; whose they are was seen to before.
    """
    findings: list[Finding] = []
    walk = Walk(log, beside, {each.size for each in known})
    for entry in entries:
        findings += _place(log, walk.frontier.size, entry)
        hashed = hash_leaf(entry.leaf)
        found, leaf = _entry(log, entry, hashed)
        findings += found
        findings += walk.next(entry.index, hashed, leaf)
    findings += walk.end()
    findings += _head(log, head, walk.frontier)
    findings += _known(log, known, walk)
    frontier = walk.frontier
    return Report(log, frontier.size, frontier.root(), tuple(findings))


def verify_log(
    snapshot: Snapshot,
    log: str,
    passed: Callable[[int], object] = lambda _: None,
    known: Sequence[Checkpoint] = (),
) -> Report:
    """`verify` over a log of a store; StorageUnavailableError where its file cannot be read at all.

    `passed` is told of each entry that was passed, as 1.
    """

    def personal(index: int) -> Opened | None:
        part = snapshot.personal(log, index)
        return opened(part) if part else None

    beside = Beside(personal, snapshot.document)
    try:
        head = snapshot.head(log)
    except StorageUnavailableError:
        head = LogHead()  # a head that cannot be read fits no entries
    return verify(log, head, _counted(snapshot.entries(log), passed), beside, known)


def verify_all(
    snapshot: Snapshot,
    passed: Callable[[int], object] = lambda _: None,
    signed: SignedLogs | None = None,
) -> Iterator[Report]:
    """`verify_log` over every log of a store, and over those that something was signed of."""
    if signed is None:
        yield from (verify_log(snapshot, log, passed) for log in snapshot.logs())
        return
    for log in sorted({*snapshot.logs(), *signed.logs()}):
        report = verify_log(snapshot, log, passed, signed.checkpoints.get(log, ()))
        found = [each for each in signed.findings if each.log == log]
        yield replace(report, findings=(*report.findings, *found))


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


def _entry(log: str, entry: Entry, hashed: bytes) -> tuple[list[Finding], dict[str, Any] | None]:
    """What is wrong with the entry alone, and its leaf where that can be read."""
    findings = []
    if hashed != entry.leaf_hash:
        message = "the leaf is not the one that was hashed"
        findings.append(Finding(log, entry.index, Code.LEAF_HASH, message))
    try:
        leaf = entry.value
        check_leaf(leaf)
    except BadLeafError as error:
        return [*findings, Finding(log, entry.index, Code.BAD_LEAF, str(error))], None
    return findings, leaf


def _head(log: str, head: LogHead, frontier: Frontier) -> Iterator[Finding]:
    if head.size != frontier.size:
        message = f"the head says {head.size} entries, there are {frontier.size}"
        yield Finding(log, None, Code.SIZE, message)
    if head.root != frontier.root():
        yield Finding(log, None, Code.ROOT, "the root is not that of these entries")
    if head.frontier != frontier:
        yield Finding(log, None, Code.FRONTIER, "the frontier is not that of these entries")


def _known(log: str, known: Sequence[Checkpoint], walk: Walk) -> Iterator[Finding]:
    for each in known:
        if each.size > walk.frontier.size:
            message = f"a checkpoint of size {each.size} was signed, and entries are missing"
            yield Finding(log, None, Code.CHECKPOINT, message)
    yield from contradicted(log, known, walk.roots)
