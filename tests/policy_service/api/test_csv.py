"""The ledger as a table: what is listed as JSON, in rows that a spreadsheet opens safely."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import Entry
from audit.log.csv_rows import COLUMNS
from policy_service.access.keys import Role
from policy_service.api.resources.ledger import table
from rules.formats.canonical_json import encode_canonical
from tests.policy_service.api_client import ACME, document, event, open_api, reply
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api, KeyedLedger

ENTRIES = f"{ACME}/ledger/entries"
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1"]


@pytest.fixture(scope="module")
def busy(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(first, tmp_path_factory.mktemp("busy") / "data") as api:
        api.decide(event("ev-1"))
        api.decide(reply("ev-2", "customer"))
        rejected = api.propose(document("Two"))
        api.step(rejected["version"], "reject", reason="=HYPERLINK(1)")
        for number, identity in enumerate(HOSTILE):
            api.decide(event(identity, conversation={"id": f'"{number}", ä'}))
        yield api


def ask(api: Api, query: str = "", accept: str = "text/csv", path: str = ENTRIES) -> TestResponse:
    return api.send("GET", f"{path}{query}", token=api.tokens[Role.AUDITOR], Accept=accept)


def rows(answered: TestResponse) -> list[dict[str, str]]:
    assert answered.status_code == 200, answered.text
    assert answered.content_type == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(StringIO(answered.text, newline="")))


def test_table_has_header_and_line_ends_of_rfc_4180(busy: Api) -> None:
    text = ask(busy).text
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert text.endswith("\r\n")
    assert re.search(r"[^\r]\n", text) is None


def test_table_has_row_for_each_listed_entry(busy: Api) -> None:
    listed = busy.entries()
    found = rows(ask(busy))
    assert len(found) == len(listed)
    for row, item in zip(found, listed, strict=True):
        leaf = item["entry"]
        assert json.loads(row["entry"]) == leaf
        assert row["entry"].encode() == encode_canonical(leaf)
        assert row["index"] == str(item["index"])
        version = leaf.get("version", leaf.get("policy", {}).get("version"))
        assert row["version"] == str(version)
        for name in ("event", "conversation", "outcome", "rule", "stage", "by", "kind", "at"):
            assert row[name].removeprefix("'") == leaf.get(name, "")


def test_row_has_leaf_hash_of_its_entry(busy: Api) -> None:
    for row in rows(ask(busy)):
        hashed = hashlib.sha256(b"\0" + row["entry"].encode()).digest()
        assert row["leaf_hash"] == base64.b64encode(hashed).decode()


def test_leaf_hash_that_starts_with_plus_is_not_escaped() -> None:
    entry = Entry("acme", 0, b"\xf8" * 32, {"kind": "decision", "reason": "+1"})
    [row] = csv.DictReader(StringIO(table([entry]), newline=""))
    assert row["leaf_hash"] == "+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pg="
    assert row["reason"] == "'+1"


def test_cells_never_start_a_formula(busy: Api) -> None:
    found = rows(ask(busy))
    cells = [cell for row in found for name, cell in row.items() if name != "leaf_hash"]
    assert [
        cell for cell in cells if re.match("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", cell)
    ] == []
    assert [row["event"] for row in found[-len(HOSTILE) :]] == [f"'{each}" for each in HOSTILE]
    assert "'=HYPERLINK(1)" in [row["reason"] for row in found]


def test_table_has_no_personal_data(busy: Api) -> None:
    text = ask(busy).text
    assert "Hi there" not in text
    assert "ct-1" not in text


@pytest.mark.parametrize("given", ["kind=decision", "conversation=c-1", "reason=nothing"])
def test_table_supports_each_filter(busy: Api, given: str) -> None:
    listed = [str(item["index"]) for item in busy.entries(f"?{given}")]
    assert [row["index"] for row in rows(ask(busy, f"?{given}"))] == listed


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_links_of_tables_lead_through_every_entry_in_order(busy: Api, limit: int) -> None:
    found: list[Any] = []
    path = f"{ENTRIES}?from=2026-11-22T11:00:00%2B01:00&limit={limit}"
    while True:
        answered = ask(busy, path=path)
        found += rows(answered)
        link = answered.headers.get("Link")
        if link is None:
            break
        [path] = re.findall(r'^<(.*)>; rel="next"$', link)
    assert [row["index"] for row in found] == [str(item["index"]) for item in busy.entries()]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV; header=present", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv, application/json;q=0.9", "text/csv"),
        ("text/csv;q=0.1, application/json", "application/json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html", "application/json"),
        ("text/csv;q=0", "application/json"),
    ],
)
def test_media_type_follows_accept_header(busy: Api, accept: str, expected: str) -> None:
    answered = ask(busy, accept=accept)
    assert answered.mimetype == expected
    assert answered.headers["Vary"] == "Accept"


def test_empty_table_has_only_header(busy: Api) -> None:
    answered = ask(busy, "?reason=nothing")
    assert (rows(answered), answered.headers.get("Link")) == ([], None)


def test_table_of_system_log_lists_keys(busy: Api) -> None:
    found = rows(ask(busy, path="/v1/workspaces/system/ledger/entries"))
    assert {row["kind"] for row in found} == {"key.created"}
    assert {row["version"] for row in found} == {""}


def test_refusal_is_a_problem_with_any_accept_header(busy: Api) -> None:
    assert code(ask(busy, "?limit=0")) == (400, "invalid_request")
