"""The verifier of a store: recomputes its logs from their leaves, and reports contradictions.

It needs no database: entries in order, the head, and two lookup functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audit.entry import check_leaf
from audit.errors import BadLeafError, StorageUnavailableError
from audit.log.merkle import Frontier, hash_leaf
from audit.stores.contract import LogHead
from audit.verification.findings import FindingCode, LogFinding, LogReport
from audit.verification.log_verifier import (
    Attachments,
    LogVerifier,
    find_contradictions,
    open_personal_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from audit.entry import Entry
    from audit.evidence.known_checkpoints import KnownCheckpoints
    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Snapshot
    from audit.verification.log_verifier import OpenedPersonalData


def verify_entries(
    log: str,
    head: LogHead,
    entries: Iterable[Entry],
    attachments: Attachments,
    checkpoints: Sequence[Checkpoint] = (),
) -> LogReport:
    """Recompute a log: each entry, its attachments, its history, and the head.

    `checkpoints` are of this log; their signatures were verified before.
    """
    findings: list[LogFinding] = []
    verifier = LogVerifier(log, attachments, {checkpoint.size for checkpoint in checkpoints})
    for entry in entries:
        findings += _check_position(log, verifier.frontier.size, entry)
        leaf_hash = hash_leaf(entry.leaf)
        entry_findings, leaf = _check_entry(log, entry, leaf_hash)
        findings += entry_findings
        findings += verifier.verify_entry(entry.index, leaf_hash, leaf)
    findings += verifier.finish()
    findings += _check_head(log, head, verifier.frontier)
    findings += _check_checkpoints(log, checkpoints, verifier)
    frontier = verifier.frontier
    return LogReport(log, frontier.size, frontier.root(), tuple(findings))


def verify_log(
    snapshot: Snapshot,
    log: str,
    on_progress: Callable[[int], object] = lambda _: None,
    checkpoints: Sequence[Checkpoint] = (),
) -> LogReport:
    """Verify a log of a store, as `verify_entries` does.

    `on_progress` is called with 1 for each entry. Raises StorageUnavailableError if the store
    cannot be read at all.
    """

    def personal(index: int) -> OpenedPersonalData | None:
        """Return the facts about the personal part of an entry."""
        part = snapshot.personal(log, index)
        return open_personal_data(part) if part else None

    attachments = Attachments(personal, snapshot.document)
    try:
        head = snapshot.head(log)
    except StorageUnavailableError:
        head = LogHead()  # an unreadable head matches no entries
    return verify_entries(
        log, head, _count_entries(snapshot.entries(log), on_progress), attachments, checkpoints
    )


def verify_ledger(
    snapshot: Snapshot,
    on_progress: Callable[[int], object] = lambda _: None,
    known_checkpoints: KnownCheckpoints | None = None,
) -> Iterator[LogReport]:
    """Verify every log of a store, and every log with a known checkpoint or finding."""
    if known_checkpoints is None:
        yield from (verify_log(snapshot, log, on_progress) for log in snapshot.logs())
        return
    for log in sorted({*snapshot.logs(), *known_checkpoints.logs()}):
        report = verify_log(snapshot, log, on_progress, known_checkpoints.checkpoints.get(log, ()))
        findings = [finding for finding in known_checkpoints.findings if finding.log == log]
        yield replace(report, findings=(*report.findings, *findings))


def _count_entries(
    entries: Iterable[Entry], on_progress: Callable[[int], object]
) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        on_progress(1)


def _check_position(log: str, expected: int, entry: Entry) -> Iterator[LogFinding]:
    if entry.log != log:
        yield LogFinding(
            log, entry.index, FindingCode.ANOTHER_LOG, f"the entry is of the log {entry.log!r}"
        )
    if entry.index != expected:
        message = f"the entry has the place of index {expected}"
        yield LogFinding(log, entry.index, FindingCode.GAP, message)


def _check_entry(
    log: str, entry: Entry, leaf_hash: bytes
) -> tuple[list[LogFinding], dict[str, Any] | None]:
    """Return the findings of the entry alone, and its leaf; None if it cannot be read."""
    findings = []
    if leaf_hash != entry.leaf_hash:
        message = "the leaf does not have the stored hash"
        findings.append(LogFinding(log, entry.index, FindingCode.LEAF_HASH, message))
    try:
        leaf = entry.value
        check_leaf(leaf)
    except BadLeafError as error:
        return [*findings, LogFinding(log, entry.index, FindingCode.BAD_LEAF, str(error))], None
    return findings, leaf


def _check_head(log: str, head: LogHead, frontier: Frontier) -> Iterator[LogFinding]:
    if head.size != frontier.size:
        message = f"the head states {head.size} entries, but there are {frontier.size}"
        yield LogFinding(log, None, FindingCode.SIZE, message)
    if head.root != frontier.root():
        yield LogFinding(log, None, FindingCode.ROOT, "the root is not the root of these entries")
    if head.frontier != frontier:
        yield LogFinding(
            log, None, FindingCode.FRONTIER, "the frontier is not the frontier of these entries"
        )


def _check_checkpoints(
    log: str, checkpoints: Sequence[Checkpoint], verifier: LogVerifier
) -> Iterator[LogFinding]:
    for checkpoint in checkpoints:
        if checkpoint.size > verifier.frontier.size:
            message = f"a checkpoint of {checkpoint.size} entries was signed, but there are fewer"
            yield LogFinding(log, None, FindingCode.CHECKPOINT, message)
    yield from find_contradictions(log, checkpoints, verifier.roots)
