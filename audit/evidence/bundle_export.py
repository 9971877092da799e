"""The export of a log as a bundle: see `bundle_format.py` for the files and docs/verifying.md.

The entries are streamed. The folder gets its name when all of it is on disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.errors import (
    AuditError,
    AuditErrorCode,
    PersonalDataErasedError,
    StorageUnavailableError,
)
from audit.evidence.verifier_archive import build_verifier
from audit.log import csv_rows
from audit.log.checkpoint import parse_checkpoint
from audit.log.entries import DirectoryReplaced, GuardrailsSet, VersionProposed
from audit.log.merkle import Frontier, hash_leaf
from audit.log.signed_note import format_key, parse_note
from audit.verification import bundle_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from audit.entry import Entry, PersonalData
    from audit.log.checkpoint import Checkpoint
    from audit.log.signed_note import VerifierKey
    from audit.stores.contract import Snapshot

_CONTENT_WITH_DOCUMENT: Mapping[str, type[VersionProposed | GuardrailsSet | DirectoryReplaced]] = {
    content.kind: content for content in (VersionProposed, GuardrailsSet, DirectoryReplaced)
}
"""The entries that add a document, which is stored outside the log under its digest."""


class NotExportedError(AuditError):
    """A log that contradicts its checkpoint, so that no bundle is made."""

    code = AuditErrorCode.NOT_EXPORTED


class ErasedAfterCheckpointError(AuditError):
    """A bundle with personal data that needs a newer checkpoint.

    Personal data was erased after the checkpoint, so the erasure's entry would not be in the
    bundle.
    """

    code = AuditErrorCode.BEHIND


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A log's signed checkpoint, and the key that signed it."""

    note: bytes
    key: VerifierKey

    @property
    def checkpoint(self) -> Checkpoint:
        """The parsed checkpoint of the note."""
        return parse_checkpoint(parse_note(self.note).text)


def export_bundle(  # noqa: PLR0913 - the parts of a bundle
    snapshot: Snapshot,
    log: str,
    signed_checkpoint: SignedCheckpoint,
    out: Path,
    *,
    personal: bool,
    on_progress: Callable[[int], object] = lambda _: None,
) -> None:
    """Write the bundle of the signed entries into a new folder, readable by its owner alone.

    `on_progress` is called with 1 for each entry. Raises FileExistsError, NotExportedError,
    StorageUnavailableError, and ErasedAfterCheckpointError if a newer checkpoint is needed.
    """
    checkpoint = signed_checkpoint.checkpoint
    erasure = snapshot.latest_entry(log, EntryKind.CONTACT_ERASED)
    if personal and erasure and erasure.index >= checkpoint.size:
        raise ErasedAfterCheckpointError(
            f"entry {erasure.index} of {log} erased something after the checkpoint"
        )
    with _create_folder(out) as folder:
        writer = _BundleWriter(snapshot, log, folder)
        if writer.write_entries(checkpoint.size, on_progress, personal=personal) != checkpoint.root:
            raise NotExportedError(f"{log} contradicts its checkpoint; run `policy-service verify`")
        writer.write_file(bundle_format.CHECKPOINT, signed_checkpoint.note)
        writer.write_file(bundle_format.KEY, f"{format_key(signed_checkpoint.key)}\n".encode())
        writer.write_file(bundle_format.VERIFIER, build_verifier())
        writer.write_file(bundle_format.README, _format_readme(log, checkpoint.size).encode())


class _BundleWriter:
    """A bundle under construction."""

    def __init__(self, snapshot: Snapshot, log: str, folder: Path) -> None:
        self._snapshot, self._log, self._folder = snapshot, log, folder
        (folder / bundle_format.VERSIONS).mkdir(mode=0o700)

    def write_entries(
        self, size: int, on_progress: Callable[[int], object], *, personal: bool
    ) -> bytes:
        """Write the first `size` entries with their attachments, and return their root."""
        frontier = Frontier()
        with ExitStack() as stack:
            leaves, hashes, table = (
                stack.enter_context(_create_file(self._folder / name))
                for name in (bundle_format.ENTRIES, bundle_format.HASHES, bundle_format.TABLE)
            )
            parts = (
                stack.enter_context(_create_file(self._folder / bundle_format.PERSONAL))
                if personal
                else None
            )
            table.write(csv_rows.format_header().encode())
            for entry in self._snapshot.entries(self._log, 0, size):
                body = entry.leaf
                leaf_hash = hash_leaf(body)
                frontier = frontier.append(leaf_hash)
                leaves.write(body + b"\n")
                hashes.write(leaf_hash)
                table.write(csv_rows.format_row(entry.index, entry.value, body, leaf_hash).encode())
                if parts and (part := self._read_part(entry.index)):
                    parts.write(bundle_format.format_personal_line(entry.index, part) + b"\n")
                self._write_document(entry)
                on_progress(1)
        return frontier.root()

    def _read_part(self, index: int) -> PersonalData | None:
        try:
            return self._snapshot.personal(self._log, index)
        except PersonalDataErasedError as error:
            raise ErasedAfterCheckpointError(
                f"the personal part of entry {index} of {self._log} was just erased"
            ) from error

    def write_file(self, name: str, body: bytes) -> None:
        """Write a file of the bundle."""
        with _create_file(self._folder / name) as file:
            file.write(body)

    def _write_document(self, entry: Entry) -> None:
        content_class = _CONTENT_WITH_DOCUMENT.get(entry.value.get("kind", ""))
        if content_class is None:
            return
        digest = content_class.from_leaf(entry.value).digest
        body = self._snapshot.document(digest)
        name = f"{bundle_format.VERSIONS}/{bundle_format.document_file_name(digest)}"
        if body is None:
            raise NotExportedError(f"the document {digest} is missing; run `policy-service verify`")
        if not (self._folder / name).exists():
            self.write_file(name, body)


def _format_readme(log: str, size: int) -> str:
    text = files("audit.evidence").joinpath("bundle.txt").read_text("utf-8")
    return text.format(log=log, size=size)


@contextmanager
def _create_folder(out: Path) -> Iterator[Path]:
    """Create a folder under a temporary name, and rename it if the block succeeds."""
    if out.exists() or out.is_symlink():
        raise FileExistsError(f"{out} exists already")
    try:
        unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield unfinished
            unfinished.rename(out)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as error:
        raise StorageUnavailableError(f"{out} cannot be written: {error.strerror}") from error


@contextmanager
def _create_file(path: Path) -> Iterator[BinaryIO]:
    """Create a file, readable by its owner alone, which is on disk when the block ends."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
