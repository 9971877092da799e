"""Locks between processes, on files of the ledger's folder (`flock`)."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FileLeaderLock:
    """A `LeaderLock` on a file: its holder keeps it until it releases it or its process ends."""

    def __init__(self, lock_file: Path) -> None:
        self._lock_file = lock_file
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting; return True if this process holds it."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Release the lock if this process holds it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def hold_lock(lock_file: Path) -> Iterator[None]:
    """Wait for the lock on a file and hold it; one thread of one process can hold it.

    The file is opened each time: a descriptor inherited through a fork would share the lock.
    Raises StorageUnavailableError if the file cannot be opened or locked.
    """
    try:
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise translate_error(error) from error
    try:
        _wait_for_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise translate_error(error) from error
