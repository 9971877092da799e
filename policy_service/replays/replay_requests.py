"""Requests for replays and backtests, which `replay_queue.py` runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.policies.policy_cache import BUILTIN
from policy_service.policies.proposals import document_from
from policy_service.problems import ProblemCode, ProblemError
from policy_service.replays.backtest_parts import make_period
from policy_service.replays.decision_backtest import BacktestMode
from policy_service.replays.replay_queue import Replay, enqueue, new_replay_id, read_replay
from rules.errors import Complaint

if TYPE_CHECKING:
    from datetime import datetime

    from audit.stores.contract import Store
    from policy_service.policies.workspace_transaction import WorkspaceLedger
    from rules.model.document import Document


@dataclass(frozen=True, slots=True)
class NewReplay:
    """A request for a replay, or for a backtest of a candidate: a version or a document."""

    version: int | None = None
    document: dict[str, Any] | str | None = None
    mode: BacktestMode | None = None
    since: datetime | None = None
    until: datetime | None = None


def request_replay(ledger: WorkspaceLedger, new: NewReplay) -> Replay:
    """Add a replay of the workspace to the queue; return it.

    Raises ProblemError `invalid_request`, `not_found` for an unknown version, or `busy`; raises
    InvalidDocumentError for a candidate that is not a valid document.
    """
    if new.version is not None and new.document is not None:
        raise _refused("/document", "Send a version or a document, not both")
    mode = new.mode or BacktestMode.DECISIONS
    if mode is BacktestMode.CONVERSATIONS and new.version is None and new.document is None:
        raise _refused("/mode", "Send a version or a document: only a candidate has conversations")
    period = make_period(new.since, new.until)
    digest, document = _find_candidate(ledger, new)

    def replay_by(key_id: str) -> Replay:
        return Replay(
            id=new_replay_id(),
            workspace=ledger.workspace,
            mode=mode.value,
            version=new.version,
            digest=digest,
            document=document.canonical_bytes.decode() if document else None,
            since=period.since,
            until=period.until,
            asked_at="",
            asked_by=key_id,
            size=0,
        )

    return ledger.transact(lambda transaction: enqueue(transaction.tx, replay_by(transaction.by)))


def _find_candidate(ledger: WorkspaceLedger, new: NewReplay) -> tuple[str | None, Document | None]:
    """Return the digest of the candidate, and its document unless the ledger holds it."""
    if new.document is not None:
        document = document_from(new.document)
        return document.digest, document
    if new.version is None:
        return None, None
    with ledger.store.read() as snapshot:
        record = ledger.policies.versions(snapshot, ledger.workspace).get(new.version)
        if record is None:
            raise ProblemError(ProblemCode.NOT_FOUND, f"There is no version {new.version}")
        is_recorded = snapshot.document(record.digest) is not None
    return record.digest, None if is_recorded else BUILTIN


def find_replay(store: Store, workspace: str, replay_id: str) -> Replay:
    """Return a replay of the workspace; raise ProblemError `not_found` if there is none."""
    with store.read() as snapshot:
        job = snapshot.job(replay_id)
    if job is None or job.log != workspace:
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such replay")
    return read_replay(job)


def _refused(pointer: str, message: str) -> ProblemError:
    complaint = Complaint(pointer, "not_allowed", message)
    return ProblemError(ProblemCode.INVALID_REQUEST, "The replay was refused", [complaint])
