"""Translation of errors of SQLite and the operating system into errors of this package."""

from __future__ import annotations

import sqlite3

from audit.errors import AlreadyDecidedError, AuditError, StorageUnavailableError
from audit.stores.contract import ALREADY_DECIDED_MESSAGE

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full, or the ledger has reached the size it may have",
    sqlite3.SQLITE_READONLY: "the ledger's file or its folder is read-only",
    sqlite3.SQLITE_BUSY: "another program keeps the ledger locked",
    sqlite3.SQLITE_LOCKED: "another program keeps the ledger locked",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write, or a quota is used up",
    sqlite3.SQLITE_CANTOPEN: "the ledger's file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the ledger's file is damaged",
    sqlite3.SQLITE_NOTADB: "the ledger's file is damaged",
    sqlite3.SQLITE_CONSTRAINT: "the ledger's entries and its head contradict each other",
}


def translate_error(error: sqlite3.Error | OSError | UnicodeError) -> AuditError:
    """Return the error to raise in place of this one."""
    if isinstance(error, OSError):
        return StorageUnavailableError(
            f"the ledger's files cannot be used: {error.strerror or error}"
        )
    if str(error) == ALREADY_DECIDED_MESSAGE:
        return AlreadyDecidedError(ALREADY_DECIDED_MESSAGE)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    words = _WORDS.get(code, "the database refused")
    return StorageUnavailableError(f"{words} ({error})")
