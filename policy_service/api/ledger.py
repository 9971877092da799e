"""The ledger, read by compliance."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from audit.entry import Kind
from audit.store import Filter
from policy_service.api.answers import answer, listing
from policy_service.api.requests import page, query, time, whole_number
from policy_service.problems import Problem
from rules.errors import Complaint
from rules.vocabulary import Outcome

if TYPE_CHECKING:
    from enum import StrEnum

    from flask import Response

    from audit.entry import Entry, Personal
    from audit.store import Snapshot
    from policy_service.keys import Key
    from policy_service.service import Service

LAST_INDEX = 2**53 - 1
FILTERS = (
    "kind", "conversation", "contact", "outcome", "reason", "rule", "version", "from", "to",
)  # fmt: skip

WORDS: dict[str, type[StrEnum]] = {"kind": Kind, "outcome": Outcome}
"""The filters whose values are known; another value would find nothing, and is a mistake."""


def entries(service: Service, _: Key, workspace: str) -> Response:
    """The entries that all given filters find, in order."""
    given = query(*FILTERS, "after", "limit")
    after, limit = page(given, LAST_INDEX)
    wanted = _filter(given)
    with service.store.read() as snapshot:
        found = snapshot.search(workspace, wanted, after, limit + 1)
        items = [_view(snapshot, entry) for entry in found[:limit]]
    return listing(items, items[-1]["index"] if len(found) > limit else None)


def entry(service: Service, _: Key, workspace: str, index: int) -> Response:
    """One entry."""
    query()
    with service.store.read() as snapshot:
        found = snapshot.entry(workspace, index) if index <= LAST_INDEX else None
        if found is None:
            raise Problem("not_found", f"The log has no entry {index}")
        return answer(_view(snapshot, found))


def _filter(given: dict[str, str]) -> Filter:
    complaints = [
        Complaint(f"/{name}", "not_allowed", f"There are {', '.join(words)}")
        for name, words in WORDS.items()
        if name in given and given[name] not in set(words)
    ]
    if complaints:
        raise Problem("invalid_request", "The query was refused", complaints)
    return Filter(
        kind=given.get("kind"),
        conversation=given.get("conversation"),
        contact=given.get("contact"),
        outcome=given.get("outcome"),
        reason=given.get("reason"),
        rule=given.get("rule"),
        version=whole_number("version", given["version"], LAST_INDEX)
        if "version" in given
        else None,
        since=time("from", given["from"]) if "from" in given else None,
        until=time("to", given["to"]) if "to" in given else None,
    )


def _view(snapshot: Snapshot, entry: Entry) -> dict[str, Any]:
    leaf = entry.value
    return {
        "index": entry.index,
        "kind": leaf["kind"],
        "at": leaf["at"],
        "leaf_hash": base64.b64encode(entry.leaf_hash).decode(),
        "entry": leaf,
        "personal": _personal_view(snapshot.personal(entry.log, entry.index)),
    }


def _personal_view(personal: Personal | None) -> dict[str, Any] | None:
    """Salt and personal part, so that the commitment can be opened; null where there is none."""
    if personal is None:
        return None
    salt = base64.b64encode(personal.salt).decode()
    return {"salt": salt, "part": orjson.loads(personal.part)}
