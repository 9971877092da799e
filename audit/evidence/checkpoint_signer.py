"""Signing what the ledger holds, and proving from what was signed.

A workspace's checkpoint is an entry of `system`; that of `system` itself is none, or no checkpoint
of it would ever be its last word. The last note of each log is also kept outside the database,
after the commit. A log that is not what it says is refused, and no other log with it.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, Entry, EntryKind, format_time
from audit.errors import NoSigningKeyError, NotSignedError
from audit.evidence.instrumentation import Lag, SigningMetrics
from audit.evidence.recompute import advanced, begun
from audit.log.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from audit.log.merkle import EMPTY_ROOT, Frontier, verify_inclusion
from audit.log.signed_note import EvidenceError, encode_base64
from audit.log.tlog_proof import InclusionProof
from audit.stores.files.checkpoint_files import CHECKPOINTS, CheckpointFiles, StoredCheckpoint
from audit.stores.files.file_locks import hold_lock
from audit.stores.files.signing_key import SIGNING_KEY, SigningKey
from audit.stores.sqlite.store import LOCK
from audit.stores.subtree_cache import SubtreeCache
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.log.signed_note import VerifierKey
    from audit.stores.contract import Snapshot, Transaction
    from audit.stores.sqlite.store import SqliteStore

SECONDS_AFTER_REFUSAL = 10.0

_log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of a store's logs; safe to share between threads, and between processes."""

    def __init__(
        self, store: SqliteStore, origin: str, metrics: SigningMetrics | None = None
    ) -> None:
        self._store = store
        self._prefix = origin.rstrip("/")
        self._metrics = metrics or SigningMetrics()
        self._kept = CheckpointFiles(store.folder / CHECKPOINTS)
        self._subtrees = SubtreeCache()
        self._signing = threading.RLock()
        self._key: SigningKey | None = None
        self._frontiers: dict[str, Frontier] = {}
        self._done: dict[str, int] = {}
        self._verified: dict[str, bytes] = {}
        self._refused: dict[str, tuple[NotSignedError, float]] = {}  # why, and when to try again
        self._said: str | None = None

    def origin(self, log: str) -> str:
        """What the log is called in its checkpoints, and its key in their signatures."""
        return f"{self._prefix}/{log}"

    def verifier(self, log: str) -> VerifierKey:
        """The key that the log's checkpoints are verified with; NoSigningKeyError."""
        return self._signing_key().verifier(self.origin(log))

    def latest(self, log: str) -> StoredCheckpoint:
        """The checkpoint of all that the log holds now, signed now where there is none yet."""
        with self._store.read() as snapshot:
            size = snapshot.head(log).size
        return self.covering(log, size)

    def covering(self, log: str, size: int) -> StoredCheckpoint:
        """A checkpoint of at least so many entries, which the log must have.

        LedgerBehindError, NotSignedError, NoSigningKeyError.
        """
        kept = self._ours(log)
        if kept and kept.checkpoint.size >= size and kept.checkpoint.origin == self.origin(log):
            return kept
        if size == 0:
            self._store.transact(lambda _: None)  # a ledger that lacks something signs nothing
            return self._note(log, Frontier())
        with self._signing:
            signed, refused = self._sign([log])
        if log in refused:
            raise refused[log]
        return signed[log]

    def sign_due(self) -> dict[str, NotSignedError]:
        """Sign every log that has entries which no checkpoint covers; the logs that are refused.

        Each refusal is logged and counted; a log that was refused is tried again after a while.
        What was signed before is remembered, so that where nothing was written nothing is done.
        """
        with self._signing:
            with self._store.read() as snapshot:
                sizes = snapshot.sizes()
            now = time.monotonic()
            due = [
                log
                for log, size in sizes.items()
                if self._done.get(log) != size
                and (log not in self._refused or self._refused[log][1] <= now)
                and not self._is_covered(log, size)
            ]
            if due:
                signed, refused = self._sign(due)
                again = now + SECONDS_AFTER_REFUSAL
                self._refused.update({log: (why, again) for log, why in refused.items()})
                for log in signed:
                    self._refused.pop(log, None)
            words = "; ".join(str(why) for why, _ in self._refused.values())
            if words != self._said:
                self._kept.write_refusal(words)
                self._said = words
            return {log: why for log, (why, _) in self._refused.items()}

    def refused(self) -> str:
        """What was refused when checkpoints were last due, by any process; empty where nothing."""
        return self._kept.read_refusal()

    def proof(self, log: str, index: int) -> tuple[Entry, InclusionProof, Checkpoint] | None:
        """That the entry is in the log: the entry, the proof, the checkpoint that it leads to.

        None where there is no such entry.
        """
        with self._store.read() as snapshot:
            if snapshot.entry(log, index) is None:
                return None
        kept = self.covering(log, index + 1)
        size, root = kept.checkpoint.size, kept.checkpoint.root
        with self._store.read() as snapshot:
            entry = snapshot.entry(log, index)
            if entry is None or snapshot.head(log).size < size:
                self._store.transact(lambda _: None)  # says what is missing
                raise NotSignedError(f"{log} has fewer entries than were signed")
            hashes = tuple(self._subtrees.tree(snapshot, log, size).inclusion_proof(index))
        if not verify_inclusion(entry.leaf_hash, index, size, hashes, root):
            raise NotSignedError(f"the entries of {log} are not those that were signed")
        return entry, InclusionProof(index, hashes, kept.note), kept.checkpoint

    def consistency(self, log: str, first: int, second: int) -> list[bytes] | None:
        """That the log of `second` entries begins with that of `first`, which is no more.

        From no entries there is nothing to prove. None where the log has not as many.
        """
        with self._store.read() as snapshot:
            if snapshot.head(log).size < second:
                return None
            if first == 0:
                return []
            return self._subtrees.tree(snapshot, log, second).consistency_proof(first)

    def lag(self, snapshot: Snapshot) -> Lag:
        """How far the checkpoints that are kept are behind the snapshot."""
        entries, oldest = 0, None
        for log, size in snapshot.sizes().items():
            kept = self._kept.get(log)
            covered = kept.checkpoint.size if kept else 0
            entries += max(0, size - covered)
            if size > covered and (entry := snapshot.entry(log, covered)) and entry.read:
                at = str(entry.read.get("at"))
                oldest = min(oldest or at, at)
        return Lag(entries, _seconds_since(oldest, self._store.now()) if oldest else 0.0)

    def _is_covered(self, log: str, size: int) -> bool:
        kept = self._kept.get(log)
        covered = kept is not None and kept.checkpoint.size == size
        if covered and kept and kept.checkpoint.origin == self.origin(log):
            self._done[log] = size
            return True
        return False

    def _sign(
        self, logs: Iterable[str]
    ) -> tuple[dict[str, StoredCheckpoint], dict[str, NotSignedError]]:
        """Sign these logs, and `system`: recomputed before, entered in one commit, then kept."""
        self._signing_key()  # to make it takes the lock that a transaction holds
        frontiers: dict[str, Frontier] = {}
        refused: dict[str, NotSignedError] = {}
        with self._store.read() as snapshot:
            for log in dict.fromkeys((*logs, SYSTEM_LOG)):
                try:
                    frontiers[log] = self._advanced(snapshot, log)
                except NotSignedError as error:
                    refused[log] = error
        of_system = frontiers.pop(SYSTEM_LOG, None)
        ready = {log: self._note(log, frontier) for log, frontier in frontiers.items()}
        notes, ended = self._store.transact(lambda tx: self._enter(tx, ready, of_system, refused))
        self._frontiers.update(frontiers)
        if ended is not None:
            self._frontiers[SYSTEM_LOG] = ended
        for log, kept in notes.items():
            self._kept.save(log, kept.note)
            self._done[log] = kept.checkpoint.size
            self._verified[log] = kept.note
        self._metrics.signed(len(notes))
        for why in refused.values():
            self._metrics.not_signed()
            _log.error("a checkpoint was refused", extra={"said": {"why": str(why)}})
        return notes, refused

    def _advanced(self, snapshot: Snapshot, log: str) -> Frontier:
        before = self._frontiers.get(log)
        if before is None:
            kept = self._ours(log)
            signed = kept.checkpoint if kept else None
            before = begun(snapshot, log, signed, self._subtrees)
        return advanced(snapshot, log, before)

    def _enter(
        self,
        tx: Transaction,
        ready: dict[str, StoredCheckpoint],
        of_system: Frontier | None,
        refused: dict[str, NotSignedError],
    ) -> tuple[dict[str, StoredCheckpoint], Frontier | None]:
        """Enter the checkpoints, then sign `system` as it is with them."""
        for log, kept in ready.items():
            tx.append(SYSTEM_LOG, _leaf(tx, log, kept))
        if of_system is None:
            return ready, None
        try:
            ended = advanced(tx, SYSTEM_LOG, of_system)
        except NotSignedError as error:
            refused[SYSTEM_LOG] = error
            return ready, None
        return {**ready, SYSTEM_LOG: self._note(SYSTEM_LOG, ended)}, ended

    def _note(self, log: str, frontier: Frontier) -> StoredCheckpoint:
        root = frontier.root() if frontier.size else EMPTY_ROOT
        checkpoint = Checkpoint(self.origin(log), frontier.size, root)
        key = self._signing_key()
        return StoredCheckpoint(
            sign_checkpoint(checkpoint, self.verifier(log), key.sign), checkpoint
        )

    def _ours(self, log: str) -> StoredCheckpoint | None:
        """What is kept of the log; NotSignedError where another key signed it."""
        kept = self._kept.get(log)
        if kept is not None and self._verified.get(log) != kept.note:
            origin = kept.checkpoint.origin
            try:
                verify_checkpoint(kept.note, origin, [self._signing_key().verifier(origin)])
            except EvidenceError as error:
                raise NotSignedError(
                    f"the last checkpoint of {log} is not ours: {error}"
                ) from error
            self._verified[log] = kept.note
        return kept

    def _signing_key(self) -> SigningKey:
        if self._key is None:
            path = self._store.folder / SIGNING_KEY
            if not path.exists():
                self._make_key()
            self._key = SigningKey.read(path)
        return self._key

    def _make_key(self) -> None:
        """For a ledger that was made before there were keys; NoSigningKeyError where it is lost."""
        with self._store.read() as snapshot:
            has_signed = (
                next(snapshot.reversed_entries(SYSTEM_LOG, EntryKind.CHECKPOINT), None) is not None
            )
        if has_signed or self._kept.logs():
            raise NoSigningKeyError(f"the signing key is missing; put it back as {SIGNING_KEY}")
        with hold_lock(self._store.folder / LOCK):
            SigningKey.create(self._store.folder / SIGNING_KEY)


def _leaf(tx: Transaction, log: str, kept: StoredCheckpoint) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": EntryKind.CHECKPOINT.value,
        "at": format_time(tx.now),
        "workspace": SYSTEM_LOG,
        "log": log,
        "size": kept.checkpoint.size,
        "root": encode_base64(kept.checkpoint.root),
        "note": kept.note.decode(),
    }


def _seconds_since(at: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
