"""The known checkpoints of a ledger's logs, gathered for the verifier; unsigned ones are findings.

The sources are the `checkpoint` entries of `system`, the newest note of each log outside the logs,
and notes that an auditor kept.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.entry import EntryKind
from audit.errors import BadLeafError, StorageUnavailableError
from audit.log.checkpoint import Checkpoint, parse_checkpoint
from audit.log.entries import CheckpointSigned
from audit.log.signed_note import EvidenceError, VerifierKey, encode_base64, parse_note
from audit.verification.findings import FindingCode, LogFinding
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from audit.entry import Entry
    from audit.log.signed_note import SignedNote
    from audit.stores.contract import Snapshot
    from audit.stores.signing import StoredCheckpoints


@dataclass(slots=True)
class KnownCheckpoints:
    """Checkpoints by log, and findings about notes that are invalid or not signed.

    `make_verifier_key` returns the key of an origin. If it is None, signatures are not verified.
    """

    make_verifier_key: Callable[[str], VerifierKey] | None
    checkpoints: dict[str, list[Checkpoint]] = field(default_factory=lambda: defaultdict(list))
    findings: list[LogFinding] = field(default_factory=list)
    _keys: dict[str, VerifierKey] = field(default_factory=dict)

    def add_entries(self, snapshot: Snapshot) -> None:
        """Add the checkpoints of `system`; a finding names the entry."""
        for entry in snapshot.reversed_entries(SYSTEM_LOG, EntryKind.CHECKPOINT):
            self._add_entry(entry)

    def add_stored(self, checkpoints: StoredCheckpoints) -> None:
        """Add the newest checkpoint of each log that is stored outside the logs."""
        for log in checkpoints.logs():
            try:
                if stored_checkpoint := checkpoints.newest(log):
                    self.add_note(stored_checkpoint.note, log, None)
            except StorageUnavailableError as error:
                self.findings.append(LogFinding(log, None, FindingCode.CHECKPOINT, str(error)))

    def add_note(self, note: bytes, log: str, index: int | None) -> Checkpoint | None:
        """Add a note of the log; `index` is that of its entry in `system`, if it has one."""
        finding_log = log if index is None else SYSTEM_LOG
        try:
            signed_note = parse_note(note)
            checkpoint = parse_checkpoint(signed_note.text)
            is_signed = self.make_verifier_key is None or self._is_signed(
                signed_note, checkpoint.origin
            )
        except EvidenceError as error:
            self.findings.append(LogFinding(finding_log, index, FindingCode.CHECKPOINT, str(error)))
            return None
        if not is_signed:
            message = f"a checkpoint of {log} does not bear the signature of this ledger's key"
            self.findings.append(LogFinding(finding_log, index, FindingCode.SIGNATURE, message))
            return None
        if checkpoint.origin.rpartition("/")[2] != log:
            message = f"a checkpoint of {log} has the origin {checkpoint.origin!r}"
            self.findings.append(LogFinding(finding_log, index, FindingCode.CHECKPOINT, message))
            return None
        self.checkpoints[log].append(checkpoint)
        return checkpoint

    def _add_entry(self, entry: Entry) -> None:
        try:
            signed = CheckpointSigned.from_leaf(entry.value)
            checkpoint = self.add_note(signed.note.encode(), signed.log, entry.index)
        except (BadLeafError, UnicodeError) as error:
            message = f"the checkpoint cannot be read: {error}"
            self.findings.append(
                LogFinding(SYSTEM_LOG, entry.index, FindingCode.CHECKPOINT, message)
            )
            return
        if checkpoint and not _states(signed, checkpoint):
            message = "the entry states a different size or root than its note"
            self.findings.append(
                LogFinding(SYSTEM_LOG, entry.index, FindingCode.CHECKPOINT, message)
            )

    def _is_signed(self, note: SignedNote, origin: str) -> bool:
        key = self._keys.get(origin)
        if key is None and self.make_verifier_key:
            key = self._keys[origin] = self.make_verifier_key(origin)
        text = note.text.encode()
        return key is not None and any(
            _verify_signature(key, text, signature.signature)
            for signature in note.signatures
            if (signature.name, signature.key_id) == (key.name, key.id)
        )

    def logs(self) -> Iterable[str]:
        """Return the logs that have a checkpoint or a finding."""
        return {*self.checkpoints, *(finding.log for finding in self.findings)}


def _states(signed: CheckpointSigned, checkpoint: Checkpoint) -> bool:
    """Return True if the members of an entry agree with the checkpoint of its note."""
    return (signed.size, signed.root) == (checkpoint.size, encode_base64(checkpoint.root))


def _verify_signature(key: VerifierKey, text: bytes, signature: bytes) -> bool:
    """Return the verdict of `ed25519.verify`, a hundred times faster.

    There may be a signature for each second.
    """
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, text)
    except InvalidSignature:
        return False
    return True
