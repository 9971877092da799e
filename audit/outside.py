"""The verifier of a bundle, for those who trust neither operator nor database.

1. The checkpoint bears the signature of a key that was given.
2. Each leaf is canonical and of a known format, and hashes to what stands beside it.
3. The leaves tell a story that can be, with their documents and personal parts: `audit/walk.py`.
4. Size and root are those of the checkpoint.
5. At the size of each older checkpoint, the root was the one that it says.

What the checkpoint does not cover, the table and the list of hashes, has to agree with the leaves.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.bundle import (
    CHECKPOINT,
    ENTRIES,
    HASHES,
    KEY,
    PERSONAL,
    TABLE,
    VERSIONS,
    BadBundle,
    document_name,
    lines,
    parse_personal,
)
from audit.checkpoints import Checkpoint, parse_checkpoint
from audit.errors import BadLeaf
from audit.findings import Code, Finding, Report
from audit.leaf import read_leaf
from audit.merkle import HASH_SIZE, leaf_hash
from audit.notes import BadSignature, Refused, UnknownSigner, parse_key, parse_note, verify_note
from audit.tables import header, row
from audit.walk import Beside, Walk, contradicted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO

    from audit.leaf import Personal
    from audit.notes import VerifierKey

MOST_FINDINGS = 1000
_ALONE = "a personal part stands beside no entry that can be read"


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
) -> Verdict:
    """Verify the bundle with the log's keys and older notes of it; BadBundle, OSError.

    `passed` is told of each entry that was passed, as 1.
    """
    note = (folder / CHECKPOINT).read_bytes()
    own = (folder / KEY).read_text("utf-8").removesuffix("\n")
    found = _Found()
    checkpoint = _unverified(note, "its checkpoint")
    log = checkpoint.origin.rpartition("/")[2]
    found.add(_signature(log, note, keys, own, found.unknown))
    comparable = list(_comparable(log, checkpoint, older, keys, found))
    with ExitStack() as files:
        bundle = _Bundle(folder, log, found, files)
        walk = bundle.walk({each.size for each in comparable}, passed)
    found.add(_end(log, checkpoint, walk))
    found.add(contradicted(log, comparable, walk.roots))
    root = walk.frontier.root()
    report = Report(log, walk.frontier.size, root, tuple(found.findings))
    return Verdict(report, tuple(found.unknown), found.more, bundle.has_personal)


def _unverified(note: bytes, what: str) -> Checkpoint:
    try:
        return parse_checkpoint(parse_note(note).text)
    except Refused as error:
        raise BadBundle(f"{what} cannot be read: {error}") from error


def _signature(
    log: str, note: bytes, keys: Sequence[VerifierKey], own: str, unknown: list[str]
) -> list[Finding]:
    """What is wrong with the checkpoint's signature, by the keys given, else by the bundle's."""
    found = []
    try:
        brought = parse_key(own)
    except Refused as error:
        return [Finding(log, None, Code.BUNDLE, f"the bundle's key cannot be read: {error}")]
    if not keys:
        unknown.append("no key was given, so the checkpoint may be anybody's: give --key")
    elif brought not in keys:
        found.append(Finding(log, None, Code.BUNDLE, "the bundle's key is none of those given"))
    try:
        verify_note(note, keys or [brought])
    except UnknownSigner:
        unknown.append("no key that is known signed the checkpoint: get the log's key")
    except BadSignature as error:
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
        except BadSignature as error:
            found.add([Finding(log, None, Code.SIGNATURE, f"older checkpoint {place}: {error}")])
            continue
        except UnknownSigner:
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
        self._entries = files.enter_context((folder / ENTRIES).open("rb"))
        self._hashes = files.enter_context((folder / HASHES).open("rb"))
        self._table = files.enter_context((folder / TABLE).open("rb"))
        self._table_fits = True
        self.has_personal = (folder / PERSONAL).exists()
        self._parts = None
        if self.has_personal:
            opened = files.enter_context((folder / PERSONAL).open("rb"))
            self._parts = _Parts(opened, self._complain)

    def walk(self, sizes: set[int], passed: Callable[[int], object]) -> Walk:
        """Walk through the entries, and see that nothing else is there."""
        personal = self._parts.get if self._parts else None
        walk = Walk(self._log, Beside(personal, self._document), sizes)
        self._compare(None, header().encode())
        try:
            for index, body in enumerate(lines(self._entries)):
                self._next(walk, index, body)
                passed(1)
        except BadBundle as error:
            self._complain(walk.frontier.size, f"{ENTRIES}: {error}")
        self._found.add(walk.end())
        if self._hashes.read(1):
            self._complain(None, f"{HASHES} goes on behind the last entry")
        if self._table_fits and self._table.read(1):
            self._complain(None, f"{TABLE} goes on behind the last entry")
        if self._parts:
            self._parts.end()
        for stray in sorted({path.name for path in self._versions.iterdir()} - self._asked):
            self._complain(None, f"{VERSIONS} holds {stray!r}, which no version names")
        return walk

    def _next(self, walk: Walk, index: int, body: bytes) -> None:
        hashed = leaf_hash(body)
        if self._hashes.read(HASH_SIZE) != hashed:
            message = "the leaf is not the one that was hashed"
            self._found.add([Finding(self._log, index, Code.LEAF_HASH, message)])
        leaf: dict[str, Any] | None = None
        try:
            leaf = read_leaf(body)
            self._compare(index, row(index, leaf, body, hashed).encode())
        except BadLeaf as error:
            self._found.add([Finding(self._log, index, Code.BAD_LEAF, str(error))])
            self._table_fits = False  # where its next row begins is not known
        self._found.add(walk.next(index, hashed, leaf))

    def _compare(self, index: int | None, expected: bytes) -> None:
        """See that the table goes on with this; where it does not, its rest is not looked at."""
        if self._table_fits and self._table.read(len(expected)) != expected:
            self._table_fits = False
            self._complain(index, f"{TABLE} says something else, here or behind")

    def _document(self, digest: str) -> bytes | None:
        try:
            name = document_name(digest)
            body = (self._versions / name).read_bytes()
        except (BadBundle, FileNotFoundError):
            return None
        self._asked.add(name)
        return body

    def _complain(self, index: int | None, message: str) -> None:
        self._found.add([Finding(self._log, index, Code.BUNDLE, message)])


class _Parts:
    """The personal parts of a bundle, asked for in order."""

    def __init__(self, file: BinaryIO, complain: Callable[[int | None, str], None]) -> None:
        self._lines = lines(file)
        self._complain = complain
        self._next: tuple[int, Personal] | None = None
        self._last = -1
        self._advance()

    def get(self, index: int) -> Personal | None:
        while self._next and self._next[0] < index:
            self._complain(self._next[0], _ALONE)
            self._advance()
        if self._next is None or self._next[0] != index:
            return None
        [_, personal] = self._next
        self._advance()
        return personal

    def end(self) -> None:
        while self._next:
            self._complain(self._next[0], _ALONE)
            self._advance()

    def _advance(self) -> None:
        """Go on to the next line that can be read and stands in order."""
        self._next = None
        try:
            for line in self._lines:
                if (read := self._read(line)) is not None:
                    self._next, self._last = read, read[0]
                    return
        except BadBundle as error:
            self._complain(None, f"{PERSONAL}: {error}")

    def _read(self, line: bytes) -> tuple[int, Personal] | None:
        try:
            read = parse_personal(line)
        except BadBundle as error:
            self._complain(None, f"{error}, behind that of entry {self._last}")
            return None
        if read[0] <= self._last:
            self._complain(read[0], "a personal part does not stand in order")
            return None
        return read


def _end(log: str, checkpoint: Checkpoint, walk: Walk) -> Iterable[Finding]:
    if checkpoint.size != walk.frontier.size:
        message = f"the checkpoint says {checkpoint.size} entries, there are {walk.frontier.size}"
        yield Finding(log, None, Code.SIZE, message)
    elif checkpoint.root != walk.frontier.root():
        yield Finding(log, None, Code.ROOT, "the root is not that of these entries")
