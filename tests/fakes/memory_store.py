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
from audit.errors import AlreadyDecidedError, AuditError
from audit.log.merkle import Frontier
from audit.stores.contract import About, Filter, Head, Kept, Ready, Recorded, Size
from rules.formats.canonical_json import digest_bytes, encode_canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from audit.stores.contract import Committed

T = TypeVar("T")


@dataclass
class _State:
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    personal: dict[tuple[str, int], PersonalData] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    last_uses: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)

    def copy(self) -> _State:
        logs = {log: list(entries) for log, entries in self.entries.items()}
        return _State(
            logs, dict(self.personal), dict(self.documents), dict(self.last_uses), dict(self.kept)
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

    def head(self, log: str) -> Head:
        frontier = Frontier()
        for entry in self._log(log):
            frontier = frontier.append(entry.leaf_hash)
        return Head(frontier.size, frontier.root(), frontier)

    def entry(self, log: str, index: int) -> Entry | None:
        return next(self.entries(log, index, index + 1), None)

    def entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        yield from self._log(log)[start:stop]

    def recorded(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Recorded]:
        for entry in self.entries(log, start, stop):
            rest = dict(entry.value)
            taken = [rest.pop(name, None) for name in ("kind", "at", "conversation")]
            taken.append(rest.pop("id", None) if rest.get("actions") else None)
            taken += [rest.pop(name, None) for name in ("outcome", "reason", "rule")]
            for name in ("event", "version"):
                rest.pop(name, None)
            if isinstance(rest.get("policy"), dict):
                rest["policy"] = {k: v for k, v in rest["policy"].items() if k != "version"}
            encoded = [None if value is None else value.encode() for value in taken]
            yield Recorded._make((entry.index, *encoded, encode_canonical(rest)))

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        return [entry.leaf_hash for entry in self._log(log)[start:stop]]

    def backwards(self, log: str, kind: str) -> Iterator[Entry]:
        yield from reversed(self.entries_of(log, kind))

    def decision(self, log: str, event_id: str) -> Entry | None:
        found = (
            e for e in self.entries_of(log, EntryKind.DECISION) if e.value["event"] == event_id
        )
        return next(found, None)

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        decisions = self.entries_of(log, EntryKind.DECISION)
        found = [e for e in decisions if e.value["conversation"] == conversation]
        return found[-1] if found else None

    def latest_index(self, log: str, conversation: str) -> int | None:
        latest = self.latest_decision(log, conversation)
        return latest.index if latest else None

    def acting(self, log: str, decision: str) -> Entry | None:
        found = (e for e in self.entries_of(log, EntryKind.DECISION) if e.value["id"] == decision)
        return next((entry for entry in found if entry.value["actions"]), None)

    def receipts(self, log: str, conversation: str) -> list[Entry]:
        found = self.entries_of(log, "action.")
        return [entry for entry in found if entry.value["conversation"] == conversation]

    def latest(self, log: str, prefix: str) -> Entry | None:
        found = self.entries_of(log, prefix)
        return found[-1] if found else None

    def entries_of(self, log: str, prefix: str) -> list[Entry]:
        return [entry for entry in self._log(log) if entry.value["kind"].startswith(prefix)]

    def search(self, log: str, wanted: Filter, after: int | None, limit: int) -> list[Entry]:
        behind = -1 if after is None else after
        found = [e for e in self._log(log) if e.index > behind and self._finds(wanted, e)]
        return found[:limit]

    def strays(self) -> Iterator[str]:
        yield from ()

    def personal(self, log: str, index: int) -> PersonalData | None:
        return self._state.personal.get((log, index))

    def document(self, digest: str) -> bytes | None:
        return self._state.documents.get(digest)

    def last_uses(self) -> dict[str, str]:
        return dict(self._state.last_uses)

    def kept(self, identity: str) -> Kept | None:
        return self._state.kept.get(identity)

    def all_kept(self, log: str | None = None) -> list[Kept]:
        return [work for work in self._state.kept.values() if log in (None, work.log)]

    def size(self) -> Size:
        entries = [entry for log in self._state.entries.values() for entry in log]
        return Size(len(entries), sum(len(entry.leaf) for entry in entries))

    def _log(self, log: str) -> list[Entry]:
        return self._state.entries.get(log, [])

    def _finds(self, wanted: Filter, entry: Entry) -> bool:
        leaf = entry.value
        beside = self.personal(entry.log, entry.index)
        has = {
            "kind": leaf["kind"],
            "conversation": leaf.get("conversation"),
            "contact": beside.contact if beside else None,
            "outcome": leaf.get("outcome"),
            "reason": leaf.get("reason"),
            "rule": leaf.get("rule"),
            "version": leaf.get("version", leaf.get("policy", {}).get("version")),
        }
        if wanted.acting and not leaf.get("actions"):
            return False
        return all(
            getattr(wanted, name) in (None, value) for name, value in has.items()
        ) and _between(leaf["at"], wanted)


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
        return self.append_ready(Ready(log, dict(leaf), personal, hash_for(log, leaf, personal)))

    def append_ready(self, ready: Ready) -> Entry:
        log, leaf = ready.log, ready.leaf
        entry = Entry(log, len(self._log(log)), ready.leaf_hash, leaf)
        if leaf["kind"] == EntryKind.DECISION and self.decision(log, leaf["event"]):
            raise AlreadyDecidedError("the event has its decision already")
        self._state.entries.setdefault(log, []).append(entry)
        if ready.personal is not None:
            self._state.personal[log, entry.index] = ready.personal
        return entry

    def erase(self, log: str, contact: str) -> list[int]:
        beside = self._state.personal
        indices = [i for (of, i), part in beside.items() if (of, part.contact) == (log, contact)]
        for index in indices:
            del beside[log, index]
        return sorted(indices)

    def add_document(self, body: bytes) -> str:
        digest = digest_bytes(body)
        self._state.documents[digest] = body
        return digest

    def keep(self, work: Kept) -> None:
        self._state.kept[work.id] = work

    def forget(self, identity: str) -> None:
        self._state.kept.pop(identity, None)

    def record_uses(self, uses: Mapping[str, str]) -> None:
        last = self._state.last_uses
        last.update({key: max(at, last.get(key, at)) for key, at in uses.items()})


class MemoryStore:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._state = _State()
        self._mutex = threading.Lock()
        self._committed: Committed = lambda _works, _seconds: None

    def tell_of_commits(self, committed: Committed) -> None:
        self._committed = committed

    def now(self) -> datetime:
        return self._clock()

    @contextmanager
    def read(self) -> Iterator[MemorySnapshot]:
        snapshot = MemorySnapshot(self._state)
        yield snapshot
        snapshot.end()

    def ready(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Ready:
        return Ready(log, dict(leaf), personal, hash_for(log, leaf, personal))

    def about(self, log: str, event: str, conversation: str, contact: str) -> About:
        return About(log, event, conversation, contact, contact)

    def transact(
        self,
        work: Callable[[MemoryTransaction], T],
        about: About | None = None,  # noqa: ARG002 - nothing is slow here
    ) -> T:
        with self._mutex:
            began = time.perf_counter()
            changed = self._state.copy()
            transaction = MemoryTransaction(changed, self._clock())
            try:
                result = work(transaction)
            finally:
                transaction.end()
            self._state = changed
            self._committed(1, time.perf_counter() - began)
            return result

    def transact_each(
        self,
        works: Sequence[Callable[[MemoryTransaction], T]],
        about: Sequence[About] = (),  # noqa: ARG002 - nothing is slow here
    ) -> list[T | Exception]:
        return [self._outcome(work) for work in works]

    def close(self) -> None:
        pass

    def _outcome(self, work: Callable[[MemoryTransaction], T]) -> T | Exception:
        try:
            return self.transact(work)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the work's own
            return error


def _between(at: str, wanted: Filter) -> bool:
    moment = datetime.fromisoformat(at)
    began = wanted.since is None or moment >= wanted.since
    return began and (wanted.until is None or moment < wanted.until)
