"""Checks of acknowledged decisions against the ledger, shared by all tests of durability.

Each function returns the mistakes that it finds, in words; a service that keeps its promises
gives none.
"""

from __future__ import annotations

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING

from audit.entry import EntryKind
from audit.stores.sqlite.store import SqliteStore
from tests.served import NoResponseError, patiently, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from audit.entry import Entry
    from tests.durability.load import Acknowledged
    from tests.served import Client, Server

_CLIENTS = 8


def broken_over_http(server: Server, acknowledged: Sequence[Acknowledged]) -> list[str]:
    """Return the events that are not answered with the same bytes when they are sent again."""

    def broken(part: Sequence[Acknowledged]) -> list[str]:
        with server.client() as client:
            return [f"lost or changed: {each.name}" for each in part if not _kept(client, each)]

    with ThreadPoolExecutor(_CLIENTS) as pool:
        parts = [acknowledged[start::_CLIENTS] for start in range(_CLIENTS)]
        return [found for part in pool.map(broken, parts) for found in part]


def _kept(client: Client, acknowledged: Acknowledged) -> bool:
    """Ask until there is an answer: a worker may be killed, or all may be busy."""
    for _ in patiently(f"there is no answer to {acknowledged.name}"):
        with suppress(NoResponseError):
            answer = client.decide(acknowledged.event)
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer.replayed and answer.body == acknowledged.body
    return False


def broken_in_ledger(data: Path, acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Return, in words, the decisions that are not in the ledger once at their index."""
    with SqliteStore.open(data) as store, store.read() as view:
        entries = {log: list(view.entries(log)) for log in view.logs()}
    found = [wrong for log, each in entries.items() for wrong in _misplaced(log, each)]
    return found + [wrong for each in acknowledged for wrong in _missing(entries, each)]


def decided_in(data: Path) -> set[tuple[str, str]]:
    """Return the workspace and the id of every event that has a decision."""
    with SqliteStore.open(data) as store, store.read() as view:
        entries = [
            entry
            for log in view.logs()
            for entry in view.entries_of_family(log, EntryKind.DECISION)
        ]
    return {(entry.log, entry.value["event"]) for entry in entries}


def verify_and_replay(data: Path) -> None:
    """Run both commands; raise AssertionError with their output if one fails."""
    run("verify", f"--data={data}")
    run("replay", f"--data={data}")


def _misplaced(log: str, entries: Sequence[Entry]) -> Iterator[str]:
    if [entry.index for entry in entries] != list(range(len(entries))):
        yield f"the indices of {log} are not 0, 1, 2 …"
    events = [e.value["event"] for e in entries if e.value["kind"] == EntryKind.DECISION]
    yield from (f"decided twice: {event}" for event, n in Counter(events).items() if n > 1)


def _missing(entries: dict[str, list[Entry]], acknowledged: Acknowledged) -> Iterator[str]:
    decision = acknowledged.decision
    place = decision["ledger"]
    log = entries.get(place["log"], [])
    entry = log[place["index"]] if place["index"] < len(log) else None
    if entry is None or base64.b64encode(entry.leaf_hash).decode() != place["leaf_hash"]:
        yield f"not in the ledger where it was said to be: {acknowledged.name}"
    elif entry.value["event"] != decision["event"]:
        yield f"the entry is another event's: {acknowledged.name}"


def out_of_order(acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Return the conversations whose events are not in the order of their acknowledgement."""
    conversations: dict[str, list[int]] = {}
    for each in acknowledged:
        decision = each.decision
        conversations.setdefault(decision["conversation"], []).append(decision["ledger"]["index"])
    return [
        f"out of order: {conversation}"
        for conversation, indices in conversations.items()
        if any(later <= earlier for earlier, later in pairwise(indices))
    ]
