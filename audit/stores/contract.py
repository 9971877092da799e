"""The contract of a store: append-only logs of entries, and what stands beside them.

Laws, for every store (tests/contracts holds them):
- what `transact` has returned is on disk and in the tree, whatever happens to the process after it
- a log's indices count from 0 without gaps, in the order of its appends
- a work that raises leaves nothing behind, and takes nothing of anyone else's with it
- a snapshot does not change while it is open; a transaction sees its own appends
- nothing that was appended is ever changed or removed, except personal parts, which may be erased
- when a key was last used stands beside the logs and is no entry: it changes, and only forwards
- work that is kept stands beside the logs, too: it changes, and may be forgotten
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
"""Is told how many works one commit held, and how many seconds it took."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """What a log says of itself: its size, the root over it, and the frontier to append to."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    frontier: Frontier = field(default_factory=Frontier)


class RawEntry(NamedTuple):
    """A line of a log as far as deciding again needs it, in bytes: cheap to read by the million.

    `rest` is the leaf's canonical JSON without its `event`, the version and the members given here,
    of which `id` is taken out only where the leaf has actions; empty where no leaf can be read.
    """

    position: int
    """Its index in the log."""
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
    """Work that was asked for and outlives a process; what `body` says is whoever keeps it's."""

    id: str
    log: str
    finished: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class StoreSize:
    """How much there is in all: entries of all logs, and the bytes that the store takes."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to find: those for which everything that is given holds.

    `contact` finds entries by the personal part beside them, so none of an erased contact.
    `version` is the version that a decision was made by, or that a version entry is about.
    `since` is inclusive, `until` exclusive; both carry an offset and are compared with `at`.
    """

    kind: str | None = None
    conversation: str | None = None
    contact: str | None = None
    outcome: str | None = None
    reason: str | None = None
    rule: str | None = None
    version: int | None = None
    has_actions: bool = False
    """Only decisions that ask for actions."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreparedEntry:
    """An append, worked out as far as it can be without its place in the log."""

    log: str
    leaf: dict[str, Any]
    personal: PersonalData | None
    leaf_hash: bytes
    row: tuple[object, ...] = ()
    """What the store that made it ready needs beside this."""


class LookupKey(NamedTuple):
    """What a work is about, for a store that looks up what many works need at once."""

    log: str
    event: str
    conversation: str
    pseudonym: str
    """What the store finds the contact by."""
    contact: str


class Snapshot(Protocol):
    """A store as it was at one moment. What is not there is None, empty, or `Head()`."""

    def logs(self) -> list[str]:
        """The names of all logs that have an entry, sorted."""

    def sizes(self) -> dict[str, int]:
        """How many entries each log says it has; cheap."""

    def head(self, log: str) -> LogHead: ...

    def entry(self, log: str, index: int) -> Entry | None: ...

    def entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """The entries from `start` up to before `stop`, in order, read as they are used."""

    def raw_entries(self, log: str, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        """The same entries, in order, hardly touched."""

    def decision(self, log: str, event_id: str) -> Entry | None:
        """The decision that answered the event."""

    def latest_decision(self, log: str, conversation: str) -> Entry | None: ...

    def latest_index(self, log: str, conversation: str) -> int | None:
        """Where the conversation's last decision stands."""

    def acting_decision(self, log: str, decision: str) -> Entry | None:
        """The decision with this id, if it asks for actions."""

    def receipts(self, log: str, conversation: str) -> list[Entry]:
        """The `action.*` entries of a conversation, in order."""

    def latest_entry(self, log: str, prefix: str) -> Entry | None:
        """The last entry of a family of kinds, such as `version.`; cheap."""

    def entries_of_family(self, log: str, prefix: str) -> list[Entry]:
        """All entries of a family of kinds, such as `version.`, in order."""

    def search(
        self, log: str, entry_filter: EntryFilter, after_index: int | None, limit: int
    ) -> list[Entry]:
        """The first `limit` entries that the filter finds after index `after_index`, in order."""

    def leaf_hashes(self, log: str, start: int, stop: int) -> list[bytes]:
        """Those from `start` up to before `stop` as they are stored, in order."""

    def reversed_entries(self, log: str, kind: str) -> Iterator[Entry]:
        """The entries of a kind that is no decision, last first, read as they are used."""

    def integrity_errors(self) -> Iterator[str]:
        """What is stored and fits no log, in words; nothing where all is well."""

    def personal(self, log: str, index: int) -> PersonalData | None:
        """What stands beside the entry; PersonalDataErasedError where it was erased since."""

    def document(self, digest: str) -> bytes | None: ...

    def last_uses(self) -> dict[str, str]:
        """When keys were last used, by id, as times of leaves; only what was recorded."""

    def job(self, identity: str) -> Job | None: ...

    def jobs(self, log: str | None = None) -> list[Job]:
        """Of this log, or of all; in the order in which they were first kept."""

    def size(self) -> StoreSize:
        """How much there is; cheap."""


class Transaction(Snapshot, Protocol):
    @property
    def now(self) -> datetime:
        """The time of this transaction, UTC; it is read once."""

    def append(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> Entry:
        """Append the leaf as it is given.

        BadLeafError where it is not one of this log or does not belong to the personal part;
        AlreadyDecidedError where it decides an event that has its decision.
        """

    def append_prepared(self, prepared: PreparedEntry) -> Entry:
        """The same for what the store made ready before."""

    def erase(self, log: str, contact: str) -> list[int]:
        """Destroy every personal part of the contact, and their key; the indices of its entries.

        None where nothing of theirs is kept. The entry that says so is the caller's to append.
        """

    def add_document(self, body: bytes) -> str:
        """Keep the document beside the logs; its digest. Adding it again changes nothing."""

    def save_job(self, job: Job) -> None:
        """Keep it beside the logs, in the place of what is kept under its id."""

    def delete_job(self, identity: str) -> None: ...

    def record_key_uses(self, uses: Mapping[str, str]) -> None:
        """Keep when keys were last used, as times of leaves. An earlier time changes nothing."""


class LeaderLock(Protocol):
    """A lock that at most one process of the store holds; the end of its holder releases it."""

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting; return True if this object holds it."""

    def release(self) -> None:
        """Release the lock if this object holds it."""


class Store(Protocol):
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
        """The time by the clock that transactions are given theirs from, UTC."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """A view that stays as it is until the block ends; StorageUnavailableError."""

    def prepare(
        self, log: str, leaf: Mapping[str, Any], personal: PersonalData | None = None
    ) -> PreparedEntry:
        """What of an append can be done before its transaction, and so while others commit.

        BadLeafError as `append` raises it.
        """

    def lookup_key(self, log: str, event: str, conversation: str, contact: str) -> LookupKey:
        """What a work that decides the event is about. Saying it changes how fast the work is."""

    def transact(self, work: Callable[[Transaction], T], lookup_key: LookupKey | None = None) -> T:
        """Run the work; what it returns is given back once everything it did is on disk.

        Raises what the work raised, BusyError or StorageUnavailableError; then nothing of it is
        stored. A work may be run in one commit with others', never twice, and must not call
        `transact`.
        """

    def transact_each(
        self, works: Sequence[Callable[[Transaction], T]], lookup_keys: Sequence[LookupKey] = ()
    ) -> list[T | Exception]:
        """Run many works in order, in few commits: for each what it returned or raised.

        After a refusal that is not a work's own (BusyError, a failed commit) the works that are
        left are not run and have the same outcome, so that none overtakes one before it.
        """

    def on_commit(self, callback: CommitCallback) -> None:
        """From now on tell of each commit that went through."""

    def close(self) -> None: ...
