"""The ledger, read by compliance."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from flask import Response, request

from audit.entry import EntryKind
from audit.stores.contract import EntryFilter
from policy_service.api.requests import PAGE, Number, page, query, time, whole_number
from policy_service.api.responses import answer, listing
from policy_service.api.route import CSV, JSON, Parameter
from policy_service.api.schemas.common import Time
from policy_service.api.tables import table
from policy_service.privacy.personal_data import personal_view, read_personal
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.model.vocabulary import Outcome

if TYPE_CHECKING:
    from enum import StrEnum

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.access.keys import Key
    from policy_service.services import Services

TABLES = (CSV, f"{CSV};header=present", f"{CSV};charset=utf-8")
"""What a client may accept that wants a table."""
NEXT_PAGE = {
    "Link": Parameter(
        str,
        "Where the next page is (RFC 8288); not there on the last one.",
        '</v1/workspaces/acme/ledger/entries?after=4>; rel="next"',
    )
}
FILTERS = {
    "kind": Parameter(EntryKind, "What kind of entry.", "decision"),
    "conversation": Parameter(str, "A conversation's id.", "c-1"),
    "contact": Parameter(str, "A contact's id; finds nothing that was erased.", "ct-1"),
    "outcome": Parameter(Outcome, "The outcome of a decision.", "ask"),
    "reason": Parameter(str, "The reason of a decision.", "anonymous_contact"),
    "rule": Parameter(str, "The rule that decided.", "ask-if-customer"),
    "version": Parameter(Number, "The version that decided, or that the entry is about.", 1),
    "from": Parameter(Time, "Entries of this time and later.", "2026-11-22T10:00:00Z"),
    "to": Parameter(Time, "Entries before this time.", "2026-11-23T10:00:00+01:00"),
}
"""What entries may be asked for by; all that are given must hold."""

WORDS: dict[str, type[StrEnum]] = {"kind": EntryKind, "outcome": Outcome}
"""The filters whose values are known; another value would find nothing, and is a mistake."""


def entries(service: Services, _: Key, workspace: str) -> Response:
    """The entries that all given filters find, in order.

    As a table they come without what is personal, and `Link` leads to the next page. There, a cell
    that a spreadsheet would take for a formula has an apostrophe before it.
    """
    given = query(*FILTERS, *PAGE)
    after, limit = page(given, MAX_SAFE_INTEGER)
    wanted = _filter(given)
    with service.store.read() as snapshot:
        found = snapshot.search(workspace, wanted, after, limit + 1)
        shown = found[:limit]
        more = shown[-1].index if len(found) > limit else None
        if request.accept_mimetypes.best_match([JSON, *TABLES], JSON) != JSON:
            answered = _as_table(shown, None if more is None else {**given, "after": str(more)})
        else:
            answered = listing([_view(snapshot, entry) for entry in shown], more)
    answered.vary.add("Accept")
    return answered


def entry(service: Services, _: Key, workspace: str, index: int) -> Response:
    """One entry."""
    query()
    with service.store.read() as snapshot:
        found = snapshot.entry(workspace, index) if index <= MAX_SAFE_INTEGER else None
        if found is None:
            raise ProblemError(ProblemCode.NOT_FOUND, f"The log has no entry {index}")
        return answer(_view(snapshot, found))


def _as_table(shown: list[Entry], following: dict[str, str] | None) -> Response:
    """The entries as a table; `following` is the query for the next page."""
    answered = Response(table(shown), content_type=f"{CSV}; charset=utf-8; header=present")
    if following:
        answered.headers["Link"] = f'<{quote(request.path)}?{urlencode(following)}>; rel="next"'
    return answered


def _filter(given: dict[str, str]) -> EntryFilter:
    complaints = [
        Complaint(f"/{name}", "not_allowed", f"There are {', '.join(words)}")
        for name, words in WORDS.items()
        if name in given and given[name] not in set(words)
    ]
    if complaints:
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The query was refused", complaints)
    return EntryFilter(
        kind=given.get("kind"),
        conversation=given.get("conversation"),
        contact=given.get("contact"),
        outcome=given.get("outcome"),
        reason=given.get("reason"),
        rule=given.get("rule"),
        version=whole_number("version", given["version"], MAX_SAFE_INTEGER)
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
        "entry": dict(sorted(leaf.items())),  # as RFC 8785 has it, for who hashes what they see
        "personal": personal_view(read_personal(snapshot, entry.log, entry.index)),
    }
