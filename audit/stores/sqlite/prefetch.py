"""Prefetch for a commit: few statements look up the names that all its works need.

The results stay valid until the commit ends, since no other connection can write. Appends of the
works themselves are added to them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import orjson

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from audit.entry import Entry
    from audit.stores.contract import LookupKey

LOOKUPS_PER_STATEMENT = 256
"""Works that one statement looks up for, a power of two; SQLite limits its parameters."""

NameInLog: TypeAlias = tuple[str, str]
"""A log, and a name in it."""


class Prefetched:
    """The looked up events, conversations and contacts; a name that is absent is unknown."""

    __slots__ = ("contacts", "decided_events", "latest_decisions")

    def __init__(self) -> None:
        self.decided_events: dict[NameInLog, bool] = {}  # by event
        self.latest_decisions: dict[NameInLog, Entry | int | None] = {}  # or its index
        self.contacts: dict[NameInLog, tuple[str, int | None]] = {}  # pseudonym and key

    def update(self, other: Prefetched) -> None:
        """Add the results of another lookup."""
        self.decided_events.update(other.decided_events)
        self.latest_decisions.update(other.latest_decisions)
        self.contacts.update(other.contacts)


def prefetch(connection: sqlite3.Connection, lookup_keys: Sequence[LookupKey]) -> Prefetched:
    """Return the stored data about the names. Raises sqlite3.Error."""
    prefetched = Prefetched()
    for start in range(0, len(lookup_keys), LOOKUPS_PER_STATEMENT):
        _add_lookups(prefetched, connection, lookup_keys[start : start + LOOKUPS_PER_STATEMENT])
    return prefetched


def _add_lookups(
    prefetched: Prefetched, connection: sqlite3.Connection, lookup_keys: Sequence[LookupKey]
) -> None:
    size = 1 << (len(lookup_keys) - 1).bit_length()  # so that there are few statements
    padded_keys = [*lookup_keys, *[lookup_keys[-1]] * (size - len(lookup_keys))]
    values = [value for lookup_key in padded_keys for value in lookup_key[:4]]
    [answer] = connection.execute(_lookup_statement(size), values).fetchone()
    for position, is_decided, latest, key in orjson.loads(answer):
        log, event, conversation, pseudonym, contact = padded_keys[position]
        prefetched.decided_events[log, event] = bool(is_decided)
        prefetched.latest_decisions[log, conversation] = latest
        prefetched.contacts[log, contact] = pseudonym, key


@cache
def _lookup_statement(size: int) -> str:
    """Return a statement with one row of results, so that the GIL is released only once."""
    placeholders = ", ".join(f"({place}, ?, ?, ?, ?)" for place in range(size))
    return f"""
        WITH asked (place, log, event, conversation, contact) AS (VALUES {placeholders})
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
