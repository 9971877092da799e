"""A store in memory: shows that the contract can be kept by more than one store.

Durable for as long as the process lives; one work at a time.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from audit.entry import Entry, EntryKind, PersonalData, hash_for
from audit.errors import AlreadyDecidedError, AuditError, NoSigningKeyError
from audit.log.merkle import Frontier
from audit.stores.contract import (
    EntryFilter,
    Job,
    LogHead,
    LookupKey,
    PreparedEntry,
    RawEntry,
    StoreSize,
)
from audit.stores.signing import SigningKey
from rules.formats.canonical_json import digest_bytes, encode_canonical
from tests.fakes.memory_signing import MemoryCheckpoints, MemoryLeaderLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from audit.stores.contract import CommitCallback

T = TypeVar("T")


@dataclass
class _State:
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    personal: dict[tuple[str, int], PersonalData] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    last_uses: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def copy(self) -> _State:
        logs = {log: list(entries) for log, entries in self.entries.items()}
        return _State(
            logs, dict(self.personal), dict(self.documents), dict(self.last_uses), dict(self.jobs)
        )


class MemorySnapshot:
    def __init__(self, state: _State) -> None:
        self._open_state: _State | None = state

    def end(self) -> None:
        self._open_state = None

    @property
    def _state(self) -> _State:
        if self._open_state is None:
            raise AuditError("the snapshot or transaction has ended")
        return self._open_state

    def logs(self) -> list[str]:
        return sorted(self._state.entries)

    def sizes(self) -> dict[str, int]:
        return {log: len(entries) for log, entries in sorted(self._state.entries.items())}

    def head(self, log: str) -> LogHead:
        frontier = Frontier()
        for entry in self._log(log):
            frontier = frontier.append(entry.leaf_hash)
        return LogHead(frontier.size, frontier.root(), frontier)

    def entry(self, log: str, index: int) -> Entry | None:
        return next(self.entries(log, index, index + 1), None)

    def entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        yield from self._log(log)[start:stop]

    def raw_entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        for entry in self.entries(log, start, stop):
            rest = dict(entry.value)
            values = [rest.pop(name, None) for name in ("kind", "at", "conversation")]
            values.append(rest.pop("id", None) if rest.get("actions") else None)
            values += [rest.pop(name, None) for name in ("outcome", "reason", "rule")]
            for name in ("event", "version"):
                rest.pop(name, None)
            if isinstance(rest.get("policy"), dict):
                rest["policy"] = {k: v for k, v in rest["policy"].items() if k != "version"}
            encoded = [None if value is None else value.encode() for value in values]
            yield RawEntry._make((entry.index, *encoded, encode_canonical(rest)))

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        return [entry.leaf_hash for entry in self._log(log)[start:stop]]

    def reversed_entries(self, log: str, kind: str) -> Iterator[Entry]:
        yield from reversed(self.entries_of_family(log, kind))

    def decision(self, log: str, event_id: str) -> Entry | None:
        entries = (
            e
            for e in self.entries_of_family(log, EntryKind.DECISION)
            if e.value["event"] == event_id
        )
        return next(entries, None)

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        decisions = self.entries_of_family(log, EntryKind.DECISION)
        entries = [e for e in decisions if e.value["conversation"] == conversation]
        return entries[-1] if entries else None

    def latest_index(self, log: str, conversation: str) -> int | None:
        latest = self.latest_decision(log, conversation)
        return latest.index if latest else None

    def acting_decision(self, log: str, decision: str) -> Entry | None:
        entries = (
            e for e in self.entries_of_family(log, EntryKind.DECISION) if e.value["id"] == decision
        )
        return next((entry for entry in entries if entry.value["actions"]), None)

    def receipts(self, log: str, conversation: str) -> list[Entry]:
        entries = self.entries_of_family(log, "action.")
        return [entry for entry in entries if entry.value["conversation"] == conversation]

    def latest_entry(self, log: str, prefix: str) -> Entry | None:
        entries = self.entries_of_family(log, prefix)
        return entries[-1] if entries else None

    def entries_of_family(self, log: str, prefix: str) -> list[Entry]:
        return [entry for entry in self._log(log) if entry.value["kind"].startswith(prefix)]

    def search(
        self, log: str, entry_filter: EntryFilter, after_index: int | None, limit: int
    ) -> list[Entry]:
        last_before = -1 if after_index is None else after_index
        entries = [
            e for e in self._log(log) if e.index > last_before and self._finds(entry_filter, e)
        ]
        return entries[:limit]

    def integrity_errors(self) -> Iterator[str]:
        yield from ()

    def personal(self, log: str, index: int) -> PersonalData | None:
        return self._state.personal.get((log, index))

    def document(self, digest: str) -> bytes | None:
        return self._state.documents.get(digest)

    def last_uses(self) -> dict[str, str]:
        return dict(self._state.last_uses)

    def job(self, identity: str) -> Job | None:
        return self._state.jobs.get(identity)

    def jobs(self, log: str | None = None) -> list[Job]:
        return [job for job in self._state.jobs.values() if log in (None, job.log)]

    def size(self) -> StoreSize:
        entries = [entry for log in self._state.entries.values() for entry in log]
        return StoreSize(len(entries), sum(len(entry.leaf) for entry in entries))

    def _log(self, log: str) -> list[Entry]:
        return self._state.entries.get(log, [])

    def _finds(self, entry_filter: EntryFilter, entry: Entry) -> bool:
        leaf = entry.value
        part = self.personal(entry.log, entry.index)
        has = {
            "kind": leaf["kind"],
            "conversation": leaf.get("conversation"),
            "contact": part.contact if part else None,
            "outcome": leaf.get("outcome"),
            "reason": leaf.get("reason"),
            "rule": leaf.get("rule"),
            "version": leaf.get("version", leaf.get("policy", {}).get("version")),
        }
        if entry_filter.has_actions and not leaf.get("actions"):
            return False
        return all(
            getattr(entry_filter, name) in (None, value) for name, value in has.items()
        ) and _between(leaf["at"], entry_filter)


class MemoryTransaction(MemorySnapshot):
    def __init__(self, state: _State, now: datetime) -> None:
        super().__init__(state)
        self._now = now

    @property
    def now(self) -> datetime:
        return self._now

    def append(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Entry:
        return self.append_prepared(
            PreparedEntry(log, dict(leaf), personal, hash_for(log, leaf, personal))
        )

    def append_prepared(self, prepared: PreparedEntry) -> Entry:
        log, leaf = prepared.log, prepared.leaf
        entry = Entry(log, len(self._log(log)), prepared.leaf_hash, leaf)
        if leaf["kind"] == EntryKind.DECISION and self.decision(log, leaf["event"]):
            raise AlreadyDecidedError("the event has its decision already")
        self._state.entries.setdefault(log, []).append(entry)
        if prepared.personal is not None:
            self._state.personal[log, entry.index] = prepared.personal
        return entry

    def erase(self, log: str, contact: str) -> list[int]:
        part = self._state.personal
        indices = [i for (of, i), part in part.items() if (of, part.contact) == (log, contact)]
        for index in indices:
            del part[log, index]
        return sorted(indices)

    def add_document(self, body: bytes) -> str:
        digest = digest_bytes(body)
        self._state.documents[digest] = body
        return digest

    def save_job(self, job: Job) -> None:
        self._state.jobs[job.id] = job

    def delete_job(self, identity: str) -> None:
        self._state.jobs.pop(identity, None)

    def record_key_uses(self, uses: Mapping[str, str]) -> None:
        last = self._state.last_uses
        last.update({key: max(at, last.get(key, at)) for key, at in uses.items()})


class MemoryStore:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._state = _State()
        self._mutex = threading.Lock()
        self.checkpoints = MemoryCheckpoints()
        self._signing_key: SigningKey | None = None
        self._lock_holders: dict[str, object] = {}
        self._on_commit: CommitCallback = lambda _works, _seconds: None

    def on_commit(self, callback: CommitCallback) -> None:
        self._on_commit = callback

    def signing_key(self, *, create: bool = False) -> SigningKey:
        if self._signing_key is None and create:
            self._signing_key = SigningKey.generate()
        if self._signing_key is None:
            raise NoSigningKeyError("the signing key is missing")
        return self._signing_key

    def leader_lock(self, name: str) -> MemoryLeaderLock:
        return MemoryLeaderLock(self._lock_holders, name)

    def now(self) -> datetime:
        return self._clock()

    @contextmanager
    def read(self) -> Iterator[MemorySnapshot]:
        snapshot = MemorySnapshot(self._state)
        yield snapshot
        snapshot.end()

    def prepare(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> PreparedEntry:
        return PreparedEntry(log, dict(leaf), personal, hash_for(log, leaf, personal))

    def lookup_key(self, log: str, event: str, conversation: str, contact: str) -> LookupKey:
        return LookupKey(log, event, conversation, contact, contact)

    def transact(
        self,
        work: Callable[[MemoryTransaction], T],
        lookup_key: LookupKey | None = None,  # noqa: ARG002 - nothing is slow here
    ) -> T:
        with self._mutex:
            start = time.perf_counter()
            state = self._state.copy()
            transaction = MemoryTransaction(state, self._clock())
            try:
                result = work(transaction)
            finally:
                transaction.end()
            self._state = state
            self._on_commit(1, time.perf_counter() - start)
            return result

    def transact_each(
        self,
        works: Sequence[Callable[[MemoryTransaction], T]],
        lookup_keys: Sequence[LookupKey] = (),  # noqa: ARG002 - nothing is slow here
    ) -> list[T | Exception]:
        return [self._outcome(work) for work in works]

    def close(self) -> None:
        pass

    def _outcome(self, work: Callable[[MemoryTransaction], T]) -> T | Exception:
        try:
            return self.transact(work)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            return error


def _between(at: str, entry_filter: EntryFilter) -> bool:
    moment = datetime.fromisoformat(at)
    start = entry_filter.since is None or moment >= entry_filter.since
    return start and (entry_filter.until is None or moment < entry_filter.until)
