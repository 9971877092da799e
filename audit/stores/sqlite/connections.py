"""Connections to the ledger's file: opening it, checking its format, creating it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from audit.errors import LedgerExistsError, NotALedgerError, UnknownFormatError
from audit.stores.sqlite import schema
from audit.stores.storage_errors import translate_error

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_SECONDS = 5.0  # for a program that does not use our lock, such as the sqlite3 shell


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection for any thread, in autocommit: transactions begin explicitly."""
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise translate_error(error) from error


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raise NotALedgerError or UnknownFormatError if this release cannot read the file."""
    try:
        [application] = connection.execute("PRAGMA application_id").fetchone()
        version = schema.format_of(connection)
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise NotALedgerError(f"{path} is not a ledger") from error
        raise translate_error(error) from error
    if application != schema.APPLICATION_ID:
        raise NotALedgerError(f"{path} is the database of another program")
    if not 1 <= version <= schema.FORMAT:
        formats = f"1 to {schema.FORMAT}"
        raise UnknownFormatError(f"{path} has format {version}; this release reads {formats}")


def create_file(path: Path) -> None:
    """Create the ledger under another name, so that it exists completely or not at all.

    Raises LedgerExistsError if there is one.
    """
    if path.exists():
        raise LedgerExistsError(f"there is a ledger in {path.parent} already")
    unfinished = path.with_name(f"{path.name}.new")
    try:
        for leftover in path.parent.glob(f"{unfinished.name}*"):
            leftover.unlink()
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(connect(unfinished, "rw")) as connection:
            schema.create(connection)
        unfinished.rename(path)
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    except (OSError, sqlite3.Error) as error:
        raise translate_error(error) from error
