"""The verifier of a bundle, for those who trust neither operator nor database.

1. The checkpoint bears the signature of a key that was given.
2. Each leaf is canonical and of a known format, and hashes to what stands beside it.
3. The leaves tell a story that can be, with their documents and personal parts: `log_verifier.py`.
4. Size and root are those of the checkpoint.
5. At the size of each older checkpoint, the root was the one that it says.

What the checkpoint does not cover, the table and the list of hashes, has to agree with the leaves.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
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
from audit.verification.bundle_blocks import Leaves, rows
from audit.verification.bundle_format import (
    CHECKPOINT,
    CUT,
    ENTRIES,
    HASHES,
    KEY,
    PERSONAL,
    TABLE,
    VERSIONS,
    BadBundleError,
    blocks,
    document_name,
    open_file,
    read_file,
)
from audit.verification.bundle_personal_data import Parts
from audit.verification.findings import Code, Finding, Report
from audit.verification.log_verifier import Beside, Walk, contradicted
from audit.verification.worker_pool import processors, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from audit.log.signed_note import VerifierKey
    from audit.verification.worker_pool import Result, Task

MOST_FINDINGS = 1000
SMALL = 16 << 20
"""Bytes of leaves for which no other process is started."""
_ANOTHER_TABLE = f"{TABLE} says something else, here or behind"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a bundle, and what could not be told, in words.

    `more` are findings beyond the first `MOST_FINDINGS`; `personal` says whether parts were there.
    """

    report: Report
    unknown: tuple[str, ...]
    more: int
    personal: bool


@dataclass(slots=True)
class _Found:
    findings: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        for each in findings:
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(each)
            else:
                self.more += 1


def verify_bundle(
    folder: Path,
    keys: Sequence[VerifierKey],
    older: Sequence[bytes] = (),
    passed: Callable[[int], object] = lambda _: None,
    processes: int | None = None,
) -> Verdict:
    """Verify the bundle with the log's keys and older notes of it.

    Raises BadBundleError, OSError, WorkerStoppedError. `passed` is told how many more entries were
    passed. `processes` are started to read leaves, and as many for personal parts; 0 is none. Where
    it is not said: one for each processor, if there are several and the bundle is not small.
    """
    note = read_file(folder / CHECKPOINT)
    own = read_file(folder / KEY).decode().removesuffix("\n")
    found = _Found()
    checkpoint = _unverified(note, "its checkpoint")
    log = checkpoint.origin.rpartition("/")[2]
    found.add(_signature(log, note, keys, own, found.unknown))
    comparable = list(_comparable(log, checkpoint, older, keys, found))
    with ExitStack() as files:
        bundle = _Bundle(folder, log, found, files)
        if processes is None:
            processes = _worthwhile(folder)
        walk = bundle.walk({each.size for each in comparable}, passed, processes)
    found.add(_end(log, checkpoint, walk))
    found.add(contradicted(log, comparable, walk.roots))
    root = walk.frontier.root()
    report = Report(log, walk.frontier.size, root, tuple(found.findings))
    return Verdict(report, tuple(found.unknown), found.more, bundle.has_personal)


def _worthwhile(folder: Path) -> int:
    """How many processes shorten the time."""
    several = processors() if (folder / ENTRIES).stat().st_size > SMALL else 0
    return several if several > 1 else 0


def _unverified(note: bytes, what: str) -> Checkpoint:
    try:
        return parse_checkpoint(parse_note(note).text)
    except EvidenceError as error:
        raise BadBundleError(f"{what} cannot be read: {error}") from error


def _signature(
    log: str, note: bytes, keys: Sequence[VerifierKey], own: str, unknown: list[str]
) -> list[Finding]:
    """What is wrong with the checkpoint's signature, by the keys given, else by the bundle's."""
    found = []
    try:
        brought = parse_key(own)
    except EvidenceError as error:
        return [Finding(log, None, Code.BUNDLE, f"the bundle's key cannot be read: {error}")]
    if not keys:
        unknown.append("no key was given, so the checkpoint may be anybody's: give --key")
    elif brought not in keys:
        found.append(Finding(log, None, Code.BUNDLE, "the bundle's key is none of those given"))
    try:
        verify_note(note, keys or [brought])
    except UnknownSignerError:
        unknown.append("no key that is known signed the checkpoint: get the log's key")
    except BadSignatureError as error:
        found.append(Finding(log, None, Code.SIGNATURE, str(error)))
    return found


def _comparable(
    log: str,
    checkpoint: Checkpoint,
    older: Sequence[bytes],
    keys: Sequence[VerifierKey],
    found: _Found,
) -> Iterable[Checkpoint]:
    """The older checkpoints that the bundle can be held against."""
    for place, note in enumerate(older, 1):
        known = _unverified(note, f"older checkpoint {place}")
        try:
            verify_note(note, keys)
        except BadSignatureError as error:
            found.add([Finding(log, None, Code.SIGNATURE, f"older checkpoint {place}: {error}")])
            continue
        except UnknownSignerError:
            found.unknown.append(f"no key that is known signed older checkpoint {place}")
            continue
        if known.origin != checkpoint.origin:
            found.unknown.append(f"older checkpoint {place} is of {known.origin!r}")
        elif known.size > checkpoint.size:
            found.unknown.append(
                f"older checkpoint {place} is of {known.size} entries, more than the bundle's"
                f" {checkpoint.size}: ask for a newer bundle"
            )
        else:
            yield known


class _Bundle:
    """The files of a bundle, open."""

    def __init__(self, folder: Path, log: str, found: _Found, files: ExitStack) -> None:
        self._log, self._found = log, found
        self._versions = folder / VERSIONS
        self._asked: set[str] = set()
        self._files, self._folder = files, folder
        self._entries = self._opened(ENTRIES)
        self._hashes = self._opened(HASHES)
        self._table = self._opened(TABLE)
        self._table_fits = True
        self.has_personal = (folder / PERSONAL).exists()

    def _opened(self, name: str) -> BinaryIO:
        return self._files.enter_context(open_file(self._folder / name))

    def walk(self, sizes: set[int], passed: Callable[[int], object], processes: int) -> Walk:
        """Walk through the entries, and see that nothing else is there."""
        parts = None
        if self.has_personal:
            read = self._spread("parts", self._opened(PERSONAL), processes)
            parts = Parts((done for _, done in read), self._complain)
        walk = Walk(self._log, Beside(parts.get if parts else None, self._document), sizes)
        self._compare(None, format_header().encode())
        for (first, block), done in self._spread("leaves", self._entries, processes):
            self._next(walk, first, block, Leaves._make(done))
            passed(walk.frontier.size - first)
        self._found.add(walk.end())
        if self._hashes.read(1):
            self._complain(None, f"{HASHES} goes on behind the last entry")
        if self._table_fits and self._table.read(1):
            self._complain(None, f"{TABLE} goes on behind the last entry")
        if parts:
            parts.end()
        for stray in sorted({path.name for path in self._versions.iterdir()} - self._asked):
            self._complain(None, f"{VERSIONS} holds {stray!r}, which no version names")
        return walk

    def _spread(self, work: str, file: BinaryIO, processes: int) -> Iterator[tuple[Task, Result]]:
        """The blocks of the file, with what can be said of each; closed when the files are."""
        done = spread(work, blocks(file), processes)
        return self._files.enter_context(closing(done))

    def _next(self, walk: Walk, first: int, block: bytes, read: Leaves) -> None:
        odd = self._odd_row(first, block, read)
        hashes = self._hashes.read(HASH_SIZE * len(read.hashes))
        fit = hashes == b"".join(read.hashes)
        for place, (hashed, leaf) in enumerate(zip(read.hashes, read.leaves, strict=True)):
            index = first + place
            if not fit and hashes[HASH_SIZE * place : HASH_SIZE * (place + 1)] != hashed:
                message = "the leaf is not the one that was hashed"
                self._found.add([Finding(self._log, index, Code.LEAF_HASH, message)])
            if index == odd:
                self._complain(index, _ANOTHER_TABLE)
            if leaf is None:
                self._found.add([Finding(self._log, index, Code.BAD_LEAF, read.bad[place])])
            self._found.add(walk.next(index, hashed, leaf))
        if read.cut:
            self._complain(walk.frontier.size, f"{ENTRIES}: {CUT}")

    def _odd_row(self, first: int, block: bytes, read: Leaves) -> int | None:
        """The entry where the table says something else; behind it, it is not looked at."""
        if not self._table_fits:
            return None
        self._table_fits = not read.bad  # where the next row would begin is not known
        start = self._table.tell()
        if sha256(self._table.read(read.table)).digest() == read.digest:
            return None
        self._table_fits = False
        self._table.seek(start)
        expected = enumerate(rows(first, block), first)
        return next((at for at, row in expected if self._table.read(len(row)) != row), first)

    def _compare(self, index: int | None, expected: bytes) -> None:
        """See that the table goes on with this; where it does not, its rest is not looked at."""
        if self._table.read(len(expected)) != expected:
            self._table_fits = False
            self._complain(index, _ANOTHER_TABLE)

    def _document(self, digest: str) -> bytes | None:
        try:
            name = document_name(digest)
            self._asked.add(name)
            return read_file(self._versions / name)
        except (BadBundleError, FileNotFoundError):
            return None

    def _complain(self, index: int | None, message: str) -> None:
        self._found.add([Finding(self._log, index, Code.BUNDLE, message)])


def _end(log: str, checkpoint: Checkpoint, walk: Walk) -> Iterable[Finding]:
    if checkpoint.size != walk.frontier.size:
        message = f"the checkpoint says {checkpoint.size} entries, there are {walk.frontier.size}"
        yield Finding(log, None, Code.SIZE, message)
    elif checkpoint.root != walk.frontier.root():
        yield Finding(log, None, Code.ROOT, "the root is not that of these entries")
