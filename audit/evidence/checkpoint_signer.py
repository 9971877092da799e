"""Signed checkpoints of a ledger's logs, and proofs that lead to them.

The checkpoint of a workspace is an entry of `system`. `system` does not record its own checkpoints:
each record would need another checkpoint. The newest note of each log is also stored outside the
logs, after the commit. A log that fails its check gets no checkpoint; other logs do.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.entry import Entry, EntryKind, format_time
from audit.errors import NotSignedError
from audit.evidence.instrumentation import CheckpointLag, SigningMetrics
from audit.evidence.recompute import extend_frontier, frontier_at_checkpoint
from audit.log.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from audit.log.entries import CheckpointSigned
from audit.log.merkle import EMPTY_ROOT, Frontier, verify_inclusion
from audit.log.signed_note import EvidenceError, encode_base64
from audit.log.tlog_proof import InclusionProof
from audit.stores.signing import SigningKey, StoredCheckpoint
from audit.stores.subtree_cache import SubtreeCache
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.log.signed_note import VerifierKey
    from audit.stores.contract import Snapshot, Store, Transaction

SECONDS_AFTER_REFUSAL = 10.0

_log = logging.getLogger(__name__)


class CheckpointSigner:
    """A signer for all logs of a store; safe to share between threads and processes."""

    def __init__(self, store: Store, origin: str, metrics: SigningMetrics | None = None) -> None:
        self._store = store
        self._prefix = origin.rstrip("/")
        self._metrics = metrics or SigningMetrics()
        self._stored = store.checkpoints
        self._subtrees = SubtreeCache()
        self._signing = threading.RLock()
        self._cached_key: SigningKey | None = None
        self._frontiers: dict[str, Frontier] = {}
        self._signed_sizes: dict[str, int] = {}
        self._verified_notes: dict[str, bytes] = {}
        self._refusals: dict[
            str, tuple[NotSignedError, float]
        ] = {}  # the reason, and the time of the next try
        self._written_refusal: str | None = None

    def origin(self, log: str) -> str:
        """Return the name of the log in checkpoints, and of its key in signatures."""
        return f"{self._prefix}/{log}"

    def verifier_key(self, log: str) -> VerifierKey:
        """Return the key that verifies the log's checkpoints. Raises NoSigningKeyError."""
        return self._signing_key().verifier(self.origin(log))

    def latest_checkpoint(self, log: str) -> StoredCheckpoint:
        """Return the checkpoint of the log's current size; sign it if there is none.

        Raises the errors of `checkpoint_covering`.
        """
        with self._store.read() as snapshot:
            size = snapshot.head(log).size
        return self.checkpoint_covering(log, size)

    def checkpoint_covering(self, log: str, size: int) -> StoredCheckpoint:
        """Return a checkpoint of at least `size` entries, which the log must have.

        Raises LedgerBehindError, NotSignedError, NoSigningKeyError.
        """
        stored_checkpoint = self._own_checkpoint(log)
        if (
            stored_checkpoint
            and stored_checkpoint.checkpoint.size >= size
            and stored_checkpoint.checkpoint.origin == self.origin(log)
        ):
            return stored_checkpoint
        if size == 0:
            self._store.transact(
                lambda _: None
            )  # raises LedgerBehindError if signed entries are missing
            return self._sign_frontier(log, Frontier())
        with self._signing:
            signed_checkpoints, refusals = self._sign([log])
        if log in refusals:
            raise refusals[log]
        return signed_checkpoints[log]

    def sign_due(self) -> dict[str, NotSignedError]:
        """Sign every log with entries that no checkpoint covers; return the logs that were refused.

        Each refusal is logged and counted. A refused log is tried again after
        SECONDS_AFTER_REFUSAL. Signed sizes are remembered, so a call without new entries does
        nothing.
        """
        with self._signing:
            with self._store.read() as snapshot:
                sizes = snapshot.sizes()
            now = time.monotonic()
            due_logs = [
                log
                for log, size in sizes.items()
                if self._signed_sizes.get(log) != size
                and (log not in self._refusals or self._refusals[log][1] <= now)
                and not self._is_covered(log, size)
            ]
            if due_logs:
                signed_checkpoints, refusals = self._sign(due_logs)
                retry_at = now + SECONDS_AFTER_REFUSAL
                self._refusals.update(
                    {log: (refusal, retry_at) for log, refusal in refusals.items()}
                )
                for log in signed_checkpoints:
                    self._refusals.pop(log, None)
            message = "; ".join(str(refusal) for refusal, _ in self._refusals.values())
            if message != self._written_refusal:
                self._stored.write_refusal(message)
                self._written_refusal = message
            return {log: refusal for log, (refusal, _) in self._refusals.items()}

    def read_refusal(self) -> str:
        """Return the last refusal of any process; empty if no log was refused."""
        return self._stored.read_refusal()

    def proof(self, log: str, index: int) -> tuple[Entry, InclusionProof, Checkpoint] | None:
        """Return an entry, the proof that it is in the log, and the checkpoint of the proof.

        Return None if there is no such entry. Raises the errors of `checkpoint_covering`.
        """
        with self._store.read() as snapshot:
            if snapshot.entry(log, index) is None:
                return None
        stored_checkpoint = self.checkpoint_covering(log, index + 1)
        size, root = stored_checkpoint.checkpoint.size, stored_checkpoint.checkpoint.root
        with self._store.read() as snapshot:
            entry = snapshot.entry(log, index)
            if entry is None or snapshot.head(log).size < size:
                self._store.transact(
                    lambda _: None
                )  # raises LedgerBehindError, naming the missing entries
                raise NotSignedError(f"{log} has fewer entries than were signed")
            hashes = tuple(self._subtrees.tree(snapshot, log, size).inclusion_proof(index))
        if not verify_inclusion(entry.leaf_hash, index, size, hashes, root):
            raise NotSignedError(f"the entries of {log} differ from the signed entries")
        return (
            entry,
            InclusionProof(index, hashes, stored_checkpoint.note),
            stored_checkpoint.checkpoint,
        )

    def consistency(self, log: str, first: int, second: int) -> list[bytes] | None:
        """Return the proof that the log of `second` entries begins with the one of `first`.

        `first` is at most `second`; the proof from 0 entries is empty. Return None if the log has
        fewer than `second` entries.
        """
        with self._store.read() as snapshot:
            if snapshot.head(log).size < second:
                return None
            if first == 0:
                return []
            return self._subtrees.tree(snapshot, log, second).consistency_proof(first)

    def lag(self, snapshot: Snapshot) -> CheckpointLag:
        """Return the number and age of the entries that no stored checkpoint covers."""
        entries, oldest = 0, None
        for log, size in snapshot.sizes().items():
            stored_checkpoint = self._stored.newest(log)
            covered_size = stored_checkpoint.checkpoint.size if stored_checkpoint else 0
            entries += max(0, size - covered_size)
            if (
                size > covered_size
                and (entry := snapshot.entry(log, covered_size))
                and entry.content
            ):
                at = str(entry.content.get("at"))
                oldest = min(oldest or at, at)
        return CheckpointLag(entries, _seconds_since(oldest, self._store.now()) if oldest else 0.0)

    def _is_covered(self, log: str, size: int) -> bool:
        stored_checkpoint = self._stored.newest(log)
        is_covered = stored_checkpoint is not None and stored_checkpoint.checkpoint.size == size
        if (
            is_covered
            and stored_checkpoint
            and stored_checkpoint.checkpoint.origin == self.origin(log)
        ):
            self._signed_sizes[log] = size
            return True
        return False

    def _sign(
        self, logs: Iterable[str]
    ) -> tuple[dict[str, StoredCheckpoint], dict[str, NotSignedError]]:
        """Sign these logs, and `system`.

        1. Recompute each log.
        2. Append all checkpoints to `system` in one commit.
        3. Store the notes outside the logs.
        """
        self._signing_key()  # creating it takes the lock that a transaction holds
        frontiers: dict[str, Frontier] = {}
        refusals: dict[str, NotSignedError] = {}
        with self._store.read() as snapshot:
            for log in dict.fromkeys((*logs, SYSTEM_LOG)):
                try:
                    frontiers[log] = self._extend_frontier(snapshot, log)
                except NotSignedError as error:
                    refusals[log] = error
        system_frontier = frontiers.pop(SYSTEM_LOG, None)
        checkpoints = {
            log: self._sign_frontier(log, frontier) for log, frontier in frontiers.items()
        }
        notes, new_system_frontier = self._store.transact(
            lambda tx: self._append_checkpoints(tx, checkpoints, system_frontier, refusals)
        )
        self._frontiers.update(frontiers)
        if new_system_frontier is not None:
            self._frontiers[SYSTEM_LOG] = new_system_frontier
        for log, stored_checkpoint in notes.items():
            self._stored.save(log, stored_checkpoint.note)
            self._signed_sizes[log] = stored_checkpoint.checkpoint.size
            self._verified_notes[log] = stored_checkpoint.note
        self._metrics.count_signed_checkpoints(len(notes))
        for refusal in refusals.values():
            self._metrics.count_refused_checkpoint()
            _log.error("a checkpoint was refused", extra={"members": {"why": str(refusal)}})
        return notes, refusals

    def _extend_frontier(self, snapshot: Snapshot, log: str) -> Frontier:
        frontier = self._frontiers.get(log)
        if frontier is None:
            stored_checkpoint = self._own_checkpoint(log)
            checkpoint = stored_checkpoint.checkpoint if stored_checkpoint else None
            frontier = frontier_at_checkpoint(snapshot, log, checkpoint, self._subtrees)
        return extend_frontier(snapshot, log, frontier)

    def _append_checkpoints(
        self,
        tx: Transaction,
        checkpoints: dict[str, StoredCheckpoint],
        system_frontier: Frontier | None,
        refusals: dict[str, NotSignedError],
    ) -> tuple[dict[str, StoredCheckpoint], Frontier | None]:
        """Append the checkpoints to `system`, then sign `system` including them."""
        for log, stored_checkpoint in checkpoints.items():
            tx.append(SYSTEM_LOG, _build_leaf(tx, log, stored_checkpoint))
        if system_frontier is None:
            return checkpoints, None
        try:
            new_system_frontier = extend_frontier(tx, SYSTEM_LOG, system_frontier)
        except NotSignedError as error:
            refusals[SYSTEM_LOG] = error
            return checkpoints, None
        return {
            **checkpoints,
            SYSTEM_LOG: self._sign_frontier(SYSTEM_LOG, new_system_frontier),
        }, new_system_frontier

    def _sign_frontier(self, log: str, frontier: Frontier) -> StoredCheckpoint:
        root = frontier.root() if frontier.size else EMPTY_ROOT
        checkpoint = Checkpoint(self.origin(log), frontier.size, root)
        key = self._signing_key()
        return StoredCheckpoint(
            sign_checkpoint(checkpoint, self.verifier_key(log), key.sign), checkpoint
        )

    def _own_checkpoint(self, log: str) -> StoredCheckpoint | None:
        """Return the stored checkpoint of the log.

        Raises NotSignedError if another key signed it.
        """
        stored_checkpoint = self._stored.newest(log)
        if (
            stored_checkpoint is not None
            and self._verified_notes.get(log) != stored_checkpoint.note
        ):
            origin = stored_checkpoint.checkpoint.origin
            try:
                verify_checkpoint(
                    stored_checkpoint.note, origin, [self._signing_key().verifier(origin)]
                )
            except EvidenceError as error:
                raise NotSignedError(
                    f"the stored checkpoint of {log} has another signer: {error}"
                ) from error
            self._verified_notes[log] = stored_checkpoint.note
        return stored_checkpoint

    def _signing_key(self) -> SigningKey:
        """Return the signing key; create it for a ledger that has never signed anything.

        Ledgers of early releases were created without a key.
        """
        if self._cached_key is None:
            self._cached_key = self._store.signing_key(create=not self._has_signed())
        return self._cached_key

    def _has_signed(self) -> bool:
        with self._store.read() as snapshot:
            entries = snapshot.reversed_entries(SYSTEM_LOG, EntryKind.CHECKPOINT)
            return next(entries, None) is not None or bool(self._stored.logs())


def _build_leaf(tx: Transaction, log: str, stored_checkpoint: StoredCheckpoint) -> dict[str, Any]:
    return CheckpointSigned(
        at=format_time(tx.now),
        workspace=SYSTEM_LOG,
        log=log,
        size=stored_checkpoint.checkpoint.size,
        root=encode_base64(stored_checkpoint.checkpoint.root),
        note=stored_checkpoint.note.decode(),
    ).to_leaf()


def _seconds_since(at: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
