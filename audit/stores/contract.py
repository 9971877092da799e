"""The contract of a store: append-only logs of entries, and the data stored outside the logs.

Laws, for every store (tests/contracts holds them):
- when `transact` returns, everything that the work did is on disk and in the tree
- a log's indices count from 0 without gaps, in the order of its appends
- a work that raises stores nothing, and does not affect other works
- a snapshot does not change while it is open; a transaction sees its own appends
- appended data is never changed or removed, except personal parts, which may be erased
- the last uses of keys are stored outside the logs: they change, and only forwards
- jobs are stored outside the logs: they change, and may be deleted
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from audit.log.merkle import EMPTY_ROOT, Frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from audit.entry import Entry, PersonalData
    from audit.stores.signing import SigningKey, StoredCheckpoints

T = TypeVar("T")

ALREADY_DECIDED_MESSAGE = "the event has its decision already"
"""The message of AlreadyDecidedError, and of the trigger that refuses a second decision."""


CommitCallback: TypeAlias = "Callable[[int, float], object]"
"""A function that is called with the number of works in a commit, and its seconds."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """The stored head of a log: its size, its root, and the frontier to append to."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    frontier: Frontier = field(default_factory=Frontier)


class RawEntry(NamedTuple):
    """An entry as bytes, with the members that replay needs: cheap to read by the million.

    `rest` is the leaf's canonical JSON without its `event`, the version and the members given here.
    `id` is taken out only if the leaf has actions. `rest` is empty if the leaf cannot be read.
    """

    position: int
    """The entry's index in the log."""
    kind: bytes
    at: bytes
    conversation: bytes | None
    id: bytes | None
    outcome: bytes | None
    reason: bytes | None
    rule: bytes | None
    rest: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """A requested job that outlives a process; its owner defines the format of `body`."""

    id: str
    log: str
    finished: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The number of entries of all logs, and the bytes that the store takes."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """A filter of entries: an entry must match every member that is given.

    `contact` finds entries by their personal part, so no entries of an erased contact. `version` is
    the version that made a decision, or that a version entry is about. `since` is inclusive,
    `until` exclusive; both have an offset and are compared with `at`.
    """

    kind: str | None = None
    conversation: str | None = None
    contact: str | None = None
    outcome: str | None = None
    reason: str | None = None
    rule: str | None = None
    version: int | None = None
    has_actions: bool = False
    """True for decisions with actions only."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreparedEntry:
    """An append, prepared as far as possible without its index in the log."""

    log: str
    leaf: dict[str, Any]
    personal: PersonalData | None
    leaf_hash: bytes
    row: tuple[object, ...] = ()
    """Additional data of the store that prepared the entry."""


class LookupKey(NamedTuple):
    """The names that a work looks up, so that a store can prefetch for many works at once."""

    log: str
    event: str
    conversation: str
    pseudonym: str
    """The name under which the store finds the contact."""
    contact: str


class Snapshot(Protocol):
    """A store as it was at one moment.

    Methods return None, an empty value or `LogHead()` if nothing is stored.
    """

    def logs(self) -> list[str]:
        """Return the names of all logs that have an entry, sorted."""

    def sizes(self) -> dict[str, int]:
        """Return the stored size of each log; cheap."""

    def head(self, log: str) -> LogHead:
        """Return the stored head of the log."""

    def entry(self, log: str, index: int) -> Entry | None:
        """Return the entry at this index."""

    def entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the entries from `start` up to before `stop`, in order, read on demand."""

    def raw_entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        """Yield the same entries, in order, as bytes that are hardly processed."""

    def decision(self, log: str, event_id: str) -> Entry | None:
        """Return the decision of the event."""

    def latest_decision(self, log: str, conversation: str) -> Entry | None:
        """Return the last decision of the conversation."""

    def latest_index(self, log: str, conversation: str) -> int | None:
        """Return the index of the conversation's last decision."""

    def acting_decision(self, log: str, decision: str) -> Entry | None:
        """Return the decision with this id, if it has actions."""

    def receipts(self, log: str, conversation: str) -> list[Entry]:
        """Return the `action.*` entries of a conversation, in order."""

    def latest_entry(self, log: str, prefix: str) -> Entry | None:
        """Return the last entry of a family of kinds, such as `version.`; cheap."""

    def entries_of_family(self, log: str, prefix: str) -> list[Entry]:
        """Return all entries of a family of kinds, such as `version.`, in order."""

    def search(
        self, log: str, entry_filter: EntryFilter, after_index: int | None, limit: int
    ) -> list[Entry]:
        """Return the first `limit` entries after index `after_index` that match, in order."""

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Return the stored leaf hashes from `start` up to before `stop`, in order."""

    def reversed_entries(self, log: str, kind: str) -> Iterator[Entry]:
        """Yield the entries of a kind other than `decision`, last first, read on demand."""

    def integrity_errors(self) -> Iterator[str]:
        """Yield a description of each stored item that belongs to no log."""

    def personal(self, log: str, index: int) -> PersonalData | None:
        """Return the personal part of the entry.

        Raises PersonalDataErasedError if it was erased after the snapshot was opened.
        """

    def document(self, digest: str) -> bytes | None:
        """Return the document with this digest."""

    def last_uses(self) -> dict[str, str]:
        """Return the recorded last uses of keys, by key id, as times of leaves."""

    def job(self, identity: str) -> Job | None:
        """Return the job with this id."""

    def jobs(self, log: str | None = None) -> list[Job]:
        """Return the jobs of this log, or of all logs, in the order of their first save."""

    def size(self) -> StoreSize:
        """Return the size of the store; cheap."""


class Transaction(Snapshot, Protocol):
    """A snapshot that can write; it sees its own writes."""

    @property
    def now(self) -> datetime:
        """The time of this transaction, UTC; the clock is read once."""

    def append(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Entry:
        """Append the leaf.

        Raises BadLeafError if the leaf belongs to another log or does not commit to the personal
        part, and AlreadyDecidedError if the event of a decision has one already.
        """

    def append_prepared(self, prepared: PreparedEntry) -> Entry:
        """Append an entry that the store prepared before."""

    def erase(self, log: str, contact: str) -> list[int]:
        """Destroy all personal parts of the contact, and its key; return their entries' indices.

        Return an empty list if no personal part of the contact is stored. The caller appends the
        entry about the erasure.
        """

    def add_document(self, body: bytes) -> str:
        """Store the document outside the logs and return its digest.

        Adding it again changes nothing.
        """

    def save_job(self, job: Job) -> None:
        """Store the job, in place of a job with the same id."""

    def delete_job(self, identity: str) -> None:
        """Delete the job with this id, if there is one."""

    def record_key_uses(self, uses: Mapping[str, str]) -> None:
        """Store the last uses of keys, as times of leaves. An earlier time changes nothing."""


class LeaderLock(Protocol):
    """A lock that at most one process of the store holds; the end of its holder releases it."""

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting; return True if this object holds it."""

    def release(self) -> None:
        """Release the lock if this object holds it."""


class Store(Protocol):
    """A ledger; safe to share between threads. A process opens its own store after a fork."""

    @property
    def checkpoints(self) -> StoredCheckpoints:
        """The newest checkpoint of each log, stored outside the logs."""

    def signing_key(self, *, create: bool = False) -> SigningKey:
        """Return the key that signs checkpoints; if it is missing and `create` is set, create it.

        Raises NoSigningKeyError if it is missing and not created, or cannot be read. A transaction
        must not create it.
        """

    def leader_lock(self, name: str) -> LeaderLock:
        """Return a lock of this name, not yet taken. Locks of different names are independent."""

    def now(self) -> datetime:
        """Return the time of the store's clock, which gives transactions their time, in UTC."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """Open a snapshot until the block ends. Raises StorageUnavailableError."""

    def prepare(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> PreparedEntry:
        """Prepare an append outside a transaction, so that other commits need not wait for it.

        Raises BadLeafError as `append` does.
        """

    def lookup_key(self, log: str, event: str, conversation: str, contact: str) -> LookupKey:
        """Return the names that deciding the event looks up; they affect only the speed."""

    def transact(self, work: Callable[[Transaction], T], lookup_key: LookupKey | None = None) -> T:
        """Run the work, and return its result once everything it did is on disk.

        Raises the work's own error, BusyError or StorageUnavailableError; then nothing of the work
        is stored. A work may share a commit with other works. It is never run twice, and must not
        call `transact`.
        """

    def transact_each(
        self, works: Sequence[Callable[[Transaction], T]], lookup_keys: Sequence[LookupKey] = ()
    ) -> list[T | Exception]:
        """Run many works in order, in few commits; return the result or the error of each.

        If a work cannot be run (BusyError, a failed commit), all later works get the same error and
        are not run, so that no work overtakes an earlier one.
        """

    def on_commit(self, callback: CommitCallback) -> None:
        """Call the callback after each successful commit from now on."""

    def close(self) -> None:
        """Close the store, after the commit under way."""
