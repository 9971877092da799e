"""Checkpoints and locks in memory, for the store in memory."""

from __future__ import annotations

from audit.stores.signing import StoredCheckpoint


class MemoryCheckpoints:
    """Stored checkpoints in dictionaries."""

    def __init__(self) -> None:
        self._newest: dict[str, StoredCheckpoint] = {}
        self._refusal = ""

    def logs(self) -> list[str]:
        return sorted(self._newest)

    def newest(self, log: str) -> StoredCheckpoint | None:
        return self._newest.get(log)

    def save(self, log: str, note: bytes) -> None:
        saved = StoredCheckpoint.parse(note)
        previous = self.newest(log)
        if previous is None or previous.checkpoint.size <= saved.checkpoint.size:
            self._newest[log] = saved

    def archive(self, log: str) -> None:
        self._newest.pop(log, None)

    def write_refusal(self, message: str) -> None:
        self._refusal = message

    def read_refusal(self) -> str:
        return self._refusal


class MemoryLeaderLock:
    """A lock on an entry of a dictionary: the name of the lock, and the object that holds it."""

    def __init__(self, holders: dict[str, object], name: str) -> None:
        self._holders, self._name = holders, name

    def try_acquire(self) -> bool:
        return self._holders.setdefault(self._name, self) is self

    def release(self) -> None:
        if self._holders.get(self._name) is self:
            del self._holders[self._name]
