"""Servers on stores that break the promise, which the tests of durability must find.

The functions make applications for granian.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from audit.stores.group_commit import GroupCommit
from audit.stores.sqlite.store import SqliteStore
from audit.stores.sqlite.transaction import SqliteTransaction
from policy_service.app import create_app
from policy_service.settings import Settings
from tests.served import COMMAND, Server

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from flask import Flask

    from audit.stores.contract import LookupKey
    from audit.stores.group_commit import WorkFailure, WorkResult
    from audit.stores.sqlite.writer import SqliteCommit, SqliteWriter

T = TypeVar("T")


class BrokenServer(Server):
    """A server of one worker on the store that `application` makes."""

    application: Callable[[], Flask]

    @property
    def command(self) -> list[str]:
        return [
            *(*self.wrapper, "env", f"POLICY_SERVICE_DATA={self.data}"),
            *(str(COMMAND.with_name("granian")), "--interface=wsgi", "--factory"),
            *(f"--port={self.port}", "--workers=1", f"--blocking-threads={self.threads}"),
            f"{self.application.__module__}:{self.application.__name__}",
        ]


class Uncommitted:
    """A commit that only pretends to be made."""

    def __init__(self, commit: SqliteCommit) -> None:
        self._commit = commit

    def prefetch(self, about: Sequence[LookupKey]) -> None:
        """Do nothing: a transaction that is given out again and again would look up the same."""

    def attempt(self, work: Callable[[SqliteTransaction], T]) -> WorkResult[T] | WorkFailure:
        return self._commit.attempt(work)

    def commit(self) -> None:
        pass


class Late:
    """A source that gives out the same transaction again and again and commits it too late."""

    def __init__(self, writer: SqliteWriter) -> None:
        self._writer = writer
        self._begun: AbstractContextManager[SqliteCommit] | None = None

    @contextmanager
    def begin(self) -> Iterator[Uncommitted]:
        if self._begun is None:
            self._begun = self._writer.begin()
            self._commit = Uncommitted(self._begun.__enter__())
        yield self._commit


class LateStore(SqliteStore):
    """A store that answers before it commits."""

    def commit_later(self) -> None:
        self._group = GroupCommit[SqliteTransaction](Late(self._writer).begin)


class UnsyncedStore(SqliteStore):
    """A store that commits and leaves it to the system when that reaches the disk."""

    def _connect_writer(self) -> sqlite3.Connection:
        connection = super()._connect_writer()
        connection.execute("PRAGMA synchronous = OFF")
        return connection


def late() -> Flask:
    settings = Settings.load()
    store = LateStore.open(settings.data)
    store.commit_later()
    return create_app(settings, store)


def unsynced() -> Flask:
    settings = Settings.load()
    return create_app(settings, UnsyncedStore.open(settings.data))


class LateServer(BrokenServer):
    application = staticmethod(late)


class UnsyncedServer(BrokenServer):
    application = staticmethod(unsynced)
