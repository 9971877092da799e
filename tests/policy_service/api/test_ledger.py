"""The ledger over HTTP: every filter, alone and together; paging; what is refused; `system`."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from audit.entry import EntryKind
from policy_service.access.keys import Role
from rules.formats.canonical_json import encode_canonical
from rules.model.vocabulary import Outcome
from tests.policy_service.api_client import ACME, document, event, open_api, read, reply
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.policy_service.api_client import Api, KeyedLedger

ENTRIES = f"{ACME}/ledger/entries"
SYSTEM_ENTRIES = "/v1/workspaces/system/ledger/entries"


@pytest.fixture(scope="module")
def busy(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A workspace in which an hour passes between any two things; nobody writes any more."""
    with open_api(first, tmp_path_factory.mktemp("busy") / "data") as api:
        for sent in (
            event("ev-1"),
            reply("ev-2", "customer"),
            event("ev-3", conversation={"id": "c-2"}, contact={"id": "ct-2"}),
            event("ev-4", conversation={"id": "c-3"}, workspace={"plan": "starter"}),
        ):
            api.decide(sent)
            api.clock.move(hours=1)
        api.publish(document("Two", languages=["en", "fr"]))
        api.clock.move(hours=1)
        rejected = api.propose(document("Three"))
        api.step(rejected["version"], "reject", reason="No")
        api.clock.move(hours=1)
        api.decide(event("ev-5", conversation={"id": "c/ä 5"}, contact={"id": "ct & 5"}))
        api.decide(reply("ev-6", "not_customer", conversation={"id": "c-2"}))
        api.decide(event("ev-7", workspace={"id": "globex"}))
        yield api


def decided(name: str, value: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda item: item["entry"].get(name) == value


def about_version(number: int) -> Callable[[dict[str, Any]], bool]:
    def holds(item: dict[str, Any]) -> bool:
        leaf = item["entry"]
        return bool(leaf.get("version", leaf.get("policy", {}).get("version")) == number)

    return holds


def of_contact(identity: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: (
        item["personal"] is not None and item["personal"]["part"]["contact"]["id"] == identity
    )


FILTERS: dict[tuple[str, str], Callable[[dict[str, Any]], bool]] = {
    ("kind", "decision"): decided("kind", "decision"),
    ("kind", "version.proposed"): decided("kind", "version.proposed"),
    ("conversation", "c-1"): decided("conversation", "c-1"),
    ("conversation", "c/ä 5"): decided("conversation", "c/ä 5"),
    ("contact", "ct-1"): of_contact("ct-1"),
    ("contact", "ct & 5"): of_contact("ct & 5"),
    ("outcome", "ask"): decided("outcome", "ask"),
    ("outcome", "customer"): decided("outcome", "customer"),
    ("reason", "anonymous_contact"): decided("reason", "anonymous_contact"),
    ("reason", "plan_not_entitled"): decided("reason", "plan_not_entitled"),
    ("rule", "ask-if-customer"): decided("rule", "ask-if-customer"),
    ("version", "1"): about_version(1),
    ("version", "2"): about_version(2),
    ("from", "2026-11-22T13:00:00Z"): lambda item: item["at"] >= "2026-11-22T13:00:00.000Z",
    ("from", "2026-11-22T17:00:00+01:00"): lambda item: item["at"] >= "2026-11-22T16:00:00.000Z",
    ("to", "2026-11-22T13:00:00Z"): lambda item: item["at"] < "2026-11-22T13:00:00.000Z",
    ("to", "2026-11-22T16:00:00.001Z"): lambda item: item["at"] < "2026-11-22T16:00:00.001Z",
}
FINDS_NOTHING = (
    ("conversation", "C-1"),
    ("contact", "ct-9"),
    ("contact", "ct%"),
    ("reason", "' OR 1=1 --"),
    ("rule", "*"),
    ("rule", ""),
    ("version", "9"),
    ("kind", "contact.erased"),
    ("from", "2030-01-01T00:00:00Z"),
    ("to", "2020-01-01T00:00:00Z"),
    ("from", "9999-12-31T23:59:59Z"),
)


def query(*given: tuple[str, str]) -> str:
    return f"?{urlencode(given)}"


@pytest.mark.parametrize("given", FILTERS, ids="=".join)
def test_filter_finds_only_matching_entries(busy: Api, given: tuple[str, str]) -> None:
    everything = busy.entries()
    expected = [item for item in everything if FILTERS[given](item)]
    assert 0 < len(expected) < len(everything), "the filter would show nothing"
    assert busy.entries(query(given)) == expected


def test_combined_filters_find_common_entries(busy: Api) -> None:
    everything = busy.entries()
    for chosen in itertools.chain(
        itertools.combinations(FILTERS, 2), itertools.combinations(FILTERS, 3)
    ):
        if len({name for name, _ in chosen}) == len(chosen):
            expected = [item for item in everything if all(FILTERS[each](item) for each in chosen)]
            assert busy.entries(query(*chosen)) == expected, chosen


def test_all_filters_together_find_one_entry(busy: Api) -> None:
    chosen = (
        ("kind", "decision"),
        ("conversation", "c-1"),
        ("contact", "ct-1"),
        ("outcome", "customer"),
        ("reason", "contact_details_needed"),
        ("rule", "collect-contact"),
        ("version", "1"),
        ("from", "2026-11-22T13:00:00Z"),
        ("to", "2026-11-22T14:00:00Z"),
    )
    [found] = busy.entries(query(*chosen))
    assert found["entry"]["event"] == "ev-2"


@pytest.mark.parametrize("given", FINDS_NOTHING, ids="=".join)
def test_filter_without_match_finds_nothing(busy: Api, given: tuple[str, str]) -> None:
    assert busy.entries(query(given)) == []


def test_time_filter_accepts_unencoded_plus(busy: Api) -> None:
    plain = busy.entries("?from=2026-11-22T17:00:00+01:00")
    assert plain == busy.entries(query(("from", "2026-11-22T16:00:00Z")))


@pytest.mark.parametrize("limit", [1, 2, 5, 500])
def test_pages_of_entries_hold_every_entry_in_order(busy: Api, limit: int) -> None:
    assert pages(busy, ENTRIES, f"limit={limit}") == busy.entries()


def test_pages_of_filter_hold_every_match(busy: Api) -> None:
    found = busy.entries("?kind=decision")
    assert pages(busy, ENTRIES, "kind=decision&limit=2") == found
    assert len(found) == 6


def test_last_page_of_entries_has_no_next(busy: Api) -> None:
    last = busy.entries()[-1]["index"]
    exactly = read(busy.get(f"{ENTRIES}?limit={last + 1}"))
    assert (len(exactly["items"]), exactly["next"]) == (last + 1, None)
    assert read(busy.get(f"{ENTRIES}?after={last}")) == {"items": [], "next": None}


def pages(api: Api, path: str, given: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = read(api.get(f"{path}?{given}{after}"))
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_entry_equals_its_item_in_list(busy: Api) -> None:
    for item in busy.entries():
        assert list(item) == ["index", "kind", "at", "leaf_hash", "entry", "personal"]
        assert read(busy.get(f"{ENTRIES}/{item['index']}")) == item


def test_list_of_entries_is_empty_before_first_write(busy: Api) -> None:
    path = "/v1/workspaces/initech/ledger/entries"
    assert read(busy.get(path)) == {"items": [], "next": None}
    assert code(busy.get(f"{path}/0")) == (404, "not_found")


@pytest.mark.parametrize("index", ["17", "9007199254740991", "9007199254740992", "9" * 5000])
def test_entry_is_not_found_for_unknown_index(busy: Api, index: str) -> None:
    assert code(busy.get(f"{ENTRIES}/{index}")) == (404, "not_found")


@pytest.mark.parametrize("index", ["-1", "1.0", "00", "01", "x", "1x", "\u0661", "0x1", "+1", " 1"])
def test_entry_is_not_found_when_index_is_not_a_number(busy: Api, index: str) -> None:
    """Every entry has one address."""
    assert code(busy.get(f"{ENTRIES}/{index}")) == (404, "not_found")


BAD_QUERIES = [
    ("kind=nothing", "/kind", "not_allowed"),
    ("kind=", "/kind", "not_allowed"),
    ("outcome=nothing", "/outcome", "not_allowed"),
    ("version=one", "/version", "not_allowed"),
    ("version=-1", "/version", "not_allowed"),
    ("version=1.0", "/version", "not_allowed"),
    ("version=9007199254740992", "/version", "not_allowed"),
    ("version=" + "9" * 5000, "/version", "not_allowed"),
    ("version=%D9%A1", "/version", "not_allowed"),
    ("from=yesterday", "/from", "invalid_time"),
    ("from=2026-11-22", "/from", "invalid_time"),
    ("from=2026-11-22T10:00:00", "/from", "invalid_time"),
    ("to=2026-13-22T10:00:00Z", "/to", "invalid_time"),
    ("to=", "/to", "invalid_time"),
    ("limit=0", "/limit", "not_allowed"),
    ("limit=501", "/limit", "not_allowed"),
    ("limit=ten", "/limit", "not_allowed"),
    ("limit=", "/limit", "not_allowed"),
    ("after=-1", "/after", "not_allowed"),
    ("after=x", "/after", "not_allowed"),
    ("after=9007199254740992", "/after", "not_allowed"),
    ("kind=decision&kind=decision", "/kind", "duplicate_parameter"),
    ("colour=red", "/colour", "unknown_parameter"),
    ("Kind=decision", "/Kind", "unknown_parameter"),
    ("a~b/c=1", "/a~0b~1c", "unknown_parameter"),
]


@pytest.mark.parametrize(("given", "pointer", "expected"), BAD_QUERIES, ids=lambda v: v[:30])
def test_list_of_entries_is_refused_with_wrong_parameter(
    busy: Api, given: str, pointer: str, expected: str
) -> None:
    refused = busy.get(f"{ENTRIES}?{given}")
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == [(pointer, expected)]


def test_list_of_entries_is_refused_with_every_wrong_parameter(busy: Api) -> None:
    refused = busy.get(f"{ENTRIES}?colour=red&kind=decision&kind=decision&size=1")
    assert errors(refused) == [
        ("/colour", "unknown_parameter"),
        ("/kind", "duplicate_parameter"),
        ("/size", "unknown_parameter"),
    ]


@pytest.mark.parametrize("kind", list(EntryKind))
def test_filter_accepts_each_kind(busy: Api, kind: EntryKind) -> None:
    assert {item["kind"] for item in busy.entries(query(("kind", kind)))} <= {kind}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_filter_accepts_each_outcome(busy: Api, outcome: Outcome) -> None:
    found = busy.entries(query(("outcome", outcome)))
    assert {item["entry"]["outcome"] for item in found} <= {outcome}


# The log of the system.


def test_system_log_holds_keys_without_secrets(busy: Api) -> None:
    items = read(busy.get(SYSTEM_ENTRIES))["items"]
    assert [item["entry"]["role"] for item in items] == list(Role)
    assert {item["kind"] for item in items} == {"key.created"}
    text = busy.get(SYSTEM_ENTRIES).text
    for token in busy.tokens.values():
        assert token.partition(".")[2] not in text
    assert read(busy.get(f"{SYSTEM_ENTRIES}/0")) == items[0]


def test_system_log_is_not_found_for_key_of_one_workspace(api: Api) -> None:
    _, token = api.new_key(Role.AUDITOR, "acme")
    assert api.send("GET", ENTRIES, token=token).status_code == 200
    assert code(api.send("GET", SYSTEM_ENTRIES, token=token)) == (404, "not_found")
    assert code(api.send("GET", f"{SYSTEM_ENTRIES}/0", token=token)) == (404, "not_found")


@pytest.mark.parametrize("path", ["policy", "versions", "versions/1", "decisions/ev-1"])
def test_system_is_not_a_workspace(busy: Api, path: str) -> None:
    assert code(busy.get(f"/v1/workspaces/system/{path}")) == (404, "not_found")


def test_entry_has_members_in_hashed_order(api: Api) -> None:
    """So that what is read, without blanks, is the leaf byte for byte."""
    api.decide(event())
    for item in read(api.get(f"{ACME}/ledger/entries", Role.AUDITOR))["items"]:
        written = json.dumps(item["entry"], separators=(",", ":"), ensure_ascii=False)
        assert written.encode() == encode_canonical(item["entry"])
