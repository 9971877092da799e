"""Entries of the ledger, for compliance."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from marshmallow import INCLUDE

from audit.entry import EntryKind
from audit.log.csv_rows import format_header, format_row
from audit.stores.contract import EntryFilter
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DOCUMENT_DIGEST
from policy_service.api.media import CSV
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import (
    DEFAULT_ITEMS,
    AnswerSchema,
    QuerySchema,
    page_after,
    page_limit,
)
from policy_service.api.schemas.common import PersonalPartSchema
from policy_service.privacy.personal_data import personal_view, read_personal
from policy_service.problems import ProblemCode, ProblemError
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.formats.timestamps import parse_timestamp
from rules.model.vocabulary import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from policy_service.access.keys import Key
    from policy_service.services import Services


@dataclass(frozen=True, slots=True)
class EntryParameters:
    """The entries that a caller asks for; an entry must match all filters that are given."""

    kind: EntryKind | None = None
    conversation: str | None = None
    contact: str | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    rule: str | None = None
    version: int | None = None
    since: str | None = None
    until: str | None = None
    after: int | None = None
    limit: int = DEFAULT_ITEMS

    def filter(self) -> EntryFilter:
        """Return the filter for the store."""
        return EntryFilter(
            kind=self.kind.value if self.kind else None,
            conversation=self.conversation,
            contact=self.contact,
            outcome=self.outcome.value if self.outcome else None,
            reason=self.reason,
            rule=self.rule,
            version=self.version,
            since=parse_timestamp(self.since) if self.since else None,
            until=parse_timestamp(self.until) if self.until else None,
        )

    def next_page(self, after: int) -> str:
        """Return the query of the page after an index."""
        renamed = {"since": "from", "until": "to"}
        given = {**asdict(self), "after": after}
        return urlencode(
            [(renamed.get(name, name), each) for name, each in given.items() if each is not None]
        )


class EntryQuery(QuerySchema):
    """The filters of the list of entries."""

    value = EntryParameters
    kind = fields.choice(EntryKind, "The kind of entry.", optional=True, example="decision")
    conversation = fields.text("The id of a conversation.", optional=True, example="c-1")
    contact = fields.text(
        "The id of a contact; finds nothing that was erased.", optional=True, example="ct-1"
    )
    outcome = fields.choice(Outcome, "The outcome of a decision.", optional=True, example="ask")
    reason = fields.text("The reason of a decision.", optional=True, example="anonymous_contact")
    rule = fields.text("The rule that decided.", optional=True, example="ask-if-customer")
    version = fields.number_text(
        "The version that decided, or that the entry is about.", optional=True, example=1
    )
    since = fields.time_text(
        "Entries of this time and later.",
        data_key="from",
        optional=True,
        example="2026-11-22T10:00:00Z",
    )
    until = fields.time_text(
        "Entries before this time.",
        data_key="to",
        optional=True,
        example="2026-11-23T10:00:00+01:00",
    )
    after = page_after()
    limit = page_limit()


class LeafSchema(AnswerSchema):
    """A leaf of the tree as it was hashed; its other members depend on `kind`."""

    class Meta:
        unknown = INCLUDE

    format = fields.number(least=1, most=1)
    kind = fields.choice(EntryKind)
    at = fields.time()
    workspace = fields.text()


class LedgerEntrySchema(AnswerSchema):
    """One entry of a log."""

    index = fields.number()
    kind = fields.choice(EntryKind)
    at = fields.time()
    leaf_hash = fields.sha256("The SHA-256 of a zero byte and the leaf's canonical JSON.")
    entry = fields.nested(LeafSchema)
    personal = fields.nested(
        PersonalPartSchema,
        "Null if there are no personal data, or if they were erased.",
        nullable=True,
    )


class LedgerPageSchema(AnswerSchema):
    """A page of entries."""

    items = fields.list_of(LedgerEntrySchema)
    next = fields.cursor()


_ENTRY: dict[str, Any] = {
    "index": 4,
    "kind": "version.approved",
    "at": "2026-11-22T12:30:00.000Z",
    "leaf_hash": "Mn1fzdh6fetbX9pmZRhm5sIj4mu/QGP15hUlIxruIqo=",
    "entry": {
        "at": "2026-11-22T12:30:00.000Z",
        "by": "key-43993dbdf818",
        "digest": DOCUMENT_DIGEST,
        "format": 1,
        "kind": "version.approved",
        "version": 2,
        "workspace": "acme",
    },
    "personal": None,
}
_TABLE = (
    "index,kind,at,leaf_hash,event,conversation,outcome,reason,rule,stage,version,by,entry\r\n"
    f"4,version.approved,2026-11-22T12:30:00.000Z,{_ENTRY['leaf_hash']},,,,,,,2,key-43993dbdf818,"
    '"{""at"":""2026-11-22T12:30:00.000Z"",""by"":""key-43993dbdf818"", ...}"\r\n'
)
_LINK = fields.text(
    "The address of the next page (RFC 8288); absent on the last page.",
    example='</v1/workspaces/acme/ledger/entries?after=4>; rel="next"',
)


def list_entries(
    services: Services, _: Key, *, workspace: str, query: EntryParameters, media: str
) -> Reply:
    """List entries.

    The entries match all filters and come in order. A table comes without personal data, and its
    header `Link` leads to the next page. In a table, a cell that a spreadsheet would take for a
    formula has an apostrophe in front.
    """
    with services.store.read() as snapshot:
        found = snapshot.search(workspace, query.filter(), query.after, query.limit + 1)
        page = found[: query.limit]
        more = page[-1].index if len(found) > query.limit else None
        if media != CSV:
            return page_reply([_view(snapshot, entry) for entry in page], more)
    if more is None:
        return Reply(table(page))
    path = WORKSPACE.replace("<workspace>", workspace)
    link = f'<{path}/ledger/entries?{query.next_page(more)}>; rel="next"'
    return Reply(table(page), {"Link": link})


def get_entry(services: Services, _: Key, *, workspace: str, index: int) -> Reply:
    """Get an entry."""
    with services.store.read() as snapshot:
        found = snapshot.entry(workspace, index) if index <= MAX_SAFE_INTEGER else None
        if found is None:
            raise ProblemError(ProblemCode.NOT_FOUND, f"The log has no entry {index}")
        return Reply(_view(snapshot, found))


def table(entries: Iterable[Entry]) -> str:
    """Return the entries as CSV: a header, and a row for each entry."""
    rows = (format_row(each.index, each.value, each.leaf, each.leaf_hash) for each in entries)
    return "".join([format_header(), *rows])


def _view(snapshot: Snapshot, entry: Entry) -> dict[str, Any]:
    leaf = entry.value
    return {
        "index": entry.index,
        "kind": leaf["kind"],
        "at": leaf["at"],
        "leaf_hash": base64.b64encode(entry.leaf_hash).decode(),
        "entry": dict(sorted(leaf.items())),  # the order of RFC 8785, so that it can be hashed
        "personal": personal_view(read_personal(snapshot, entry.log, entry.index)),
    }


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries",
        list_entries,
        Permission.READ_LEDGER,
        Content(LedgerPageSchema, {"items": [_ENTRY], "next": "4"}),
        Content(
            {"type": "string"},
            _TABLE,
            content_type=f"{CSV}; charset=utf-8; header=present",
            headers={"Link": _LINK},
        ),
        query=EntryQuery(),
        names_system=True,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries/<number:index>",
        get_entry,
        Permission.READ_LEDGER,
        Content(LedgerEntrySchema, _ENTRY),
        names_system=True,
    ),
)
