"""What the works of a commit ask about, looked up for all of them by few statements.

What stands in it holds until the commit ends, since nobody else writes meanwhile; what the works
themselves append is put beside it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import orjson

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from audit.entry import Entry
    from audit.stores.contract import About

AT_ONCE = 256
"""Works that one statement looks up for, a power of two; SQLite has a limit to its values."""

Named: TypeAlias = tuple[str, str]
"""A log, and what is named in it."""


class Foreseen:
    """What is known of events, conversations and contacts; of others nothing is known."""

    __slots__ = ("contacts", "decided", "latest")

    def __init__(self) -> None:
        self.decided: dict[Named, bool] = {}  # by event
        self.latest: dict[Named, Entry | int | None] = {}  # by conversation: it, or its index
        self.contacts: dict[Named, tuple[str, int | None]] = {}  # what it is found by, and its key

    def update(self, more: Foreseen) -> None:
        self.decided.update(more.decided)
        self.latest.update(more.latest)
        self.contacts.update(more.contacts)


def foreseen(connection: sqlite3.Connection, asked: Sequence[About]) -> Foreseen:
    """What the ledger holds of what is asked about; an error of sqlite3."""
    found = Foreseen()
    for start in range(0, len(asked), AT_ONCE):
        _add(found, connection, asked[start : start + AT_ONCE])
    return found


def _add(found: Foreseen, connection: sqlite3.Connection, asked: Sequence[About]) -> None:
    size = 1 << (len(asked) - 1).bit_length()  # so that there are few statements
    padded = [*asked, *[asked[-1]] * (size - len(asked))]
    values = [value for each in padded for value in each[:4]]
    [answer] = connection.execute(_statement(size), values).fetchone()
    for place, decided, latest, key in orjson.loads(answer):
        log, event, conversation, found_by, contact = padded[place]
        found.decided[log, event] = bool(decided)
        found.latest[log, conversation] = latest
        found.contacts[log, contact] = found_by, key


@cache
def _statement(size: int) -> str:
    """One row comes back, so that other threads are let in once."""
    asked = ", ".join(f"({place}, ?, ?, ?, ?)" for place in range(size))
    return f"""
        WITH asked (place, log, event, conversation, contact) AS (VALUES {asked})
        SELECT json_group_array(json_array(
            place,
            EXISTS (
                SELECT 1 FROM entries
                WHERE log = logs.id AND event = asked.event AND kind = 'decision'
            ),
            (
                SELECT idx FROM entries
                WHERE log = logs.id AND conversation = asked.conversation AND kind = 'decision'
                ORDER BY seq DESC LIMIT 1
            ),
            (SELECT ref FROM contacts WHERE log = logs.id AND contact = asked.contact)
        ))
        FROM asked LEFT JOIN logs ON name = asked.log
    """  # noqa: S608 - the places are numbers
