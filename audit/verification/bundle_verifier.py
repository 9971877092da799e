"""The verifier of a bundle, for a reader who trusts neither operator nor database.

1. A given key signed the checkpoint.
2. Each leaf is canonical, of a known format, and has the hash that is stored for it.
3. The leaves form a possible history with their documents and personal parts: `log_verifier.py`.
4. Size and root are those of the checkpoint.
5. At the size of each older checkpoint, the root is the root of that checkpoint.

The checkpoint does not cover the table and the list of hashes; they must agree with the leaves.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from audit.log.checkpoint import Checkpoint, parse_checkpoint
from audit.log.csv_rows import format_header
from audit.log.merkle import HASH_SIZE
from audit.log.signed_note import (
    BadSignatureError,
    EvidenceError,
    UnknownSignerError,
    parse_key,
    parse_note,
    verify_note,
)
from audit.verification.bundle_blocks import LeafBlock, format_rows
from audit.verification.bundle_format import (
    CHECKPOINT,
    CUT_LINE_MESSAGE,
    ENTRIES,
    HASHES,
    KEY,
    PERSONAL,
    TABLE,
    VERSIONS,
    BadBundleError,
    document_file_name,
    open_file,
    read_blocks,
    read_file,
)
from audit.verification.bundle_personal_data import PersonalDataReader
from audit.verification.findings import FindingCode, LogFinding, LogReport
from audit.verification.log_verifier import Attachments, LogVerifier, find_contradictions
from audit.verification.worker_pool import WorkerPool, count_processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from audit.log.signed_note import VerifierKey

MAX_FINDINGS = 1000
MAX_SINGLE_PROCESS_BYTES = 16 << 20
"""Maximum bytes of leaves for which no other process is started."""
_TABLE_DIFFERS_MESSAGE = f"{TABLE} differs from the entries, here or later"


@dataclass(frozen=True, slots=True)
class BundleVerdict:
    """The findings of a bundle, and the reasons that a part is undetermined.

    `further_findings` counts those beyond the first `MAX_FINDINGS`. `has_personal_data` is True if
    the bundle has personal parts.
    """

    report: LogReport
    undetermined_reasons: tuple[str, ...]
    further_findings: int
    has_personal_data: bool


@dataclass(slots=True)
class _FindingList:
    findings: list[LogFinding] = field(default_factory=list)
    undetermined_reasons: list[str] = field(default_factory=list)
    further_findings: int = 0

    def add(self, findings: Iterable[LogFinding]) -> None:
        """Add the findings, or count them if there are `MAX_FINDINGS` already."""
        for finding in findings:
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(finding)
            else:
                self.further_findings += 1


def verify_bundle(
    folder: Path,
    keys: Sequence[VerifierKey],
    older_notes: Sequence[bytes] = (),
    on_progress: Callable[[int], object] = lambda _: None,
    processes: int | None = None,
) -> BundleVerdict:
    """Verify the bundle with the log's keys and older notes of it.

    Raises BadBundleError, OSError, WorkerStoppedError. `on_progress` is called with each count of
    verified entries. `processes` are started to read leaves and personal parts; 0 starts none. The
    default is one for each processor, if there are several and the bundle is not small.
    """
    note = read_file(folder / CHECKPOINT)
    own_key = read_file(folder / KEY).decode().removesuffix("\n")
    finding_list = _FindingList()
    checkpoint = _parse_note_checkpoint(note, "its checkpoint")
    log = checkpoint.origin.rpartition("/")[2]
    finding_list.add(_check_signature(log, note, keys, own_key, finding_list.undetermined_reasons))
    comparable = list(_select_comparable(log, checkpoint, older_notes, keys, finding_list))
    with ExitStack() as files:
        bundle = _BundleReader(folder, log, finding_list, files)
        if processes is None:
            processes = _choose_process_count(folder)
        pool = files.enter_context(WorkerPool(processes))
        verifier = bundle.verify_log(
            {checkpoint.size for checkpoint in comparable}, on_progress, pool
        )
    finding_list.add(_check_size_and_root(log, checkpoint, verifier))
    finding_list.add(find_contradictions(log, comparable, verifier.roots))
    root = verifier.frontier.root()
    report = LogReport(log, verifier.frontier.size, root, tuple(finding_list.findings))
    return BundleVerdict(
        report,
        tuple(finding_list.undetermined_reasons),
        finding_list.further_findings,
        bundle.has_personal_data,
    )


def _choose_process_count(folder: Path) -> int:
    """Return the number of processes that makes verification fastest."""
    count = (
        count_processors() if (folder / ENTRIES).stat().st_size > MAX_SINGLE_PROCESS_BYTES else 0
    )
    return count if count > 1 else 0


def _parse_note_checkpoint(note: bytes, description: str) -> Checkpoint:
    try:
        return parse_checkpoint(parse_note(note).text)
    except EvidenceError as error:
        raise BadBundleError(f"{description} cannot be read: {error}") from error


def _check_signature(
    log: str,
    note: bytes,
    keys: Sequence[VerifierKey],
    own_key: str,
    undetermined_reasons: list[str],
) -> list[LogFinding]:
    """Return what is wrong with the checkpoint's signature; None if it is right.

    If no keys are given, the bundle's own key is used.
    """
    findings = []
    try:
        bundle_key = parse_key(own_key)
    except EvidenceError as error:
        return [
            LogFinding(log, None, FindingCode.BUNDLE, f"the bundle's key cannot be read: {error}")
        ]
    if not keys:
        undetermined_reasons.append(
            "no key was given, so anyone may have signed the checkpoint: give --key"
        )
    elif bundle_key not in keys:
        findings.append(
            LogFinding(
                log, None, FindingCode.BUNDLE, "the bundle's key is not one of the given keys"
            )
        )
    try:
        verify_note(note, keys or [bundle_key])
    except UnknownSignerError:
        undetermined_reasons.append(
            "none of the given keys signed the checkpoint: get the log's key"
        )
    except BadSignatureError as error:
        findings.append(LogFinding(log, None, FindingCode.SIGNATURE, str(error)))
    return findings


def _select_comparable(
    log: str,
    checkpoint: Checkpoint,
    older_notes: Sequence[bytes],
    keys: Sequence[VerifierKey],
    finding_list: _FindingList,
) -> Iterable[Checkpoint]:
    """Return the older checkpoints that can be compared with the bundle."""
    for number, note in enumerate(older_notes, 1):
        older_checkpoint = _parse_note_checkpoint(note, f"older checkpoint {number}")
        try:
            verify_note(note, keys)
        except BadSignatureError as error:
            finding_list.add(
                [
                    LogFinding(
                        log, None, FindingCode.SIGNATURE, f"older checkpoint {number}: {error}"
                    )
                ]
            )
            continue
        except UnknownSignerError:
            finding_list.undetermined_reasons.append(
                f"none of the given keys signed older checkpoint {number}"
            )
            continue
        if older_checkpoint.origin != checkpoint.origin:
            finding_list.undetermined_reasons.append(
                f"older checkpoint {number} is of {older_checkpoint.origin!r}"
            )
        elif older_checkpoint.size > checkpoint.size:
            finding_list.undetermined_reasons.append(
                f"older checkpoint {number} is of {older_checkpoint.size} entries,"
                f" more than the bundle's {checkpoint.size}: ask for a newer bundle"
            )
        else:
            yield older_checkpoint


class _BundleReader:
    """The open files of a bundle."""

    def __init__(
        self, folder: Path, log: str, finding_list: _FindingList, files: ExitStack
    ) -> None:
        self._log, self._finding_list = log, finding_list
        self._versions = folder / VERSIONS
        self._requested_documents: set[str] = set()
        self._files, self._folder = files, folder
        self._entries = self._open_file(ENTRIES)
        self._hashes = self._open_file(HASHES)
        self._table = self._open_file(TABLE)
        self._table_fits = True
        self.has_personal_data = (folder / PERSONAL).exists()

    def _open_file(self, name: str) -> BinaryIO:
        return self._files.enter_context(open_file(self._folder / name))

    def verify_log(
        self, sizes: set[int], on_progress: Callable[[int], object], pool: WorkerPool
    ) -> LogVerifier:
        """Verify the entries, and report files and lines that do not belong to the bundle."""
        parts = None
        if self.has_personal_data:
            results = pool.run_in_order("parts", read_blocks(self._open_file(PERSONAL)))
            parts = PersonalDataReader((result for _, result in results), self._add_finding)
        verifier = LogVerifier(
            self._log, Attachments(parts.get if parts else None, self._read_document), sizes
        )
        self._compare_table(None, format_header().encode())
        for (first, block), result in pool.run_in_order("leaves", read_blocks(self._entries)):
            self._verify_block(verifier, first, block, LeafBlock._make(result))
            on_progress(verifier.frontier.size - first)
        self._finding_list.add(verifier.finish())
        if self._hashes.read(1):
            self._add_finding(None, f"{HASHES} continues after the last entry")
        if self._table_fits and self._table.read(1):
            self._add_finding(None, f"{TABLE} continues after the last entry")
        if parts:
            parts.end()
        for stray in sorted(
            {path.name for path in self._versions.iterdir()} - self._requested_documents
        ):
            self._add_finding(None, f"{VERSIONS} contains {stray!r}, which no entry names")
        return verifier

    def _verify_block(
        self, verifier: LogVerifier, first: int, block: bytes, leaves: LeafBlock
    ) -> None:
        differing_row = self._find_differing_row(first, block, leaves)
        hashes = self._hashes.read(HASH_SIZE * len(leaves.hashes))
        hashes_fit = hashes == b"".join(leaves.hashes)
        for position, (leaf_hash, leaf) in enumerate(
            zip(leaves.hashes, leaves.leaves, strict=True)
        ):
            index = first + position
            if (
                not hashes_fit
                and hashes[HASH_SIZE * position : HASH_SIZE * (position + 1)] != leaf_hash
            ):
                message = "the leaf does not have the stored hash"
                self._finding_list.add(
                    [LogFinding(self._log, index, FindingCode.LEAF_HASH, message)]
                )
            if index == differing_row:
                self._add_finding(index, _TABLE_DIFFERS_MESSAGE)
            if leaf is None:
                self._finding_list.add(
                    [LogFinding(self._log, index, FindingCode.BAD_LEAF, leaves.bad[position])]
                )
            self._finding_list.add(verifier.verify_entry(index, leaf_hash, leaf))
        if leaves.cut:
            self._add_finding(verifier.frontier.size, f"{ENTRIES}: {CUT_LINE_MESSAGE}")

    def _find_differing_row(self, first: int, block: bytes, leaves: LeafBlock) -> int | None:
        """Return the first entry whose row in the table differs; later rows are not compared."""
        if not self._table_fits:
            return None
        self._table_fits = not leaves.bad  # the start of the next row is unknown
        start = self._table.tell()
        if sha256(self._table.read(leaves.table)).digest() == leaves.digest:
            return None
        self._table_fits = False
        self._table.seek(start)
        expected = enumerate(format_rows(first, block), first)
        return next((index for index, row in expected if self._table.read(len(row)) != row), first)

    def _compare_table(self, index: int | None, expected: bytes) -> None:
        """Compare the next rows of the table; after a difference the rest is not compared."""
        if self._table.read(len(expected)) != expected:
            self._table_fits = False
            self._add_finding(index, _TABLE_DIFFERS_MESSAGE)

    def _read_document(self, digest: str) -> bytes | None:
        try:
            name = document_file_name(digest)
            self._requested_documents.add(name)
            return read_file(self._versions / name)
        except (BadBundleError, FileNotFoundError):
            return None

    def _add_finding(self, index: int | None, message: str) -> None:
        self._finding_list.add([LogFinding(self._log, index, FindingCode.BUNDLE, message)])


def _check_size_and_root(
    log: str, checkpoint: Checkpoint, verifier: LogVerifier
) -> Iterable[LogFinding]:
    if checkpoint.size != verifier.frontier.size:
        size = verifier.frontier.size
        message = f"the checkpoint states {checkpoint.size} entries, but there are {size}"
        yield LogFinding(log, None, FindingCode.SIZE, message)
    elif checkpoint.root != verifier.frontier.root():
        yield LogFinding(log, None, FindingCode.ROOT, "the root is not the root of these entries")
