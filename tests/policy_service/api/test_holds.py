"""Holds: set by one key, released by another, every step an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, read
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

PATH = f"{ACME}/holds"


def put(api: Api, **body: Any) -> dict[str, Any]:
    answered = api.post(PATH, {"reason": "A case", **body}, Role.AUDITOR)
    assert answered.status_code == 201, answered.text
    return read(answered)


def release(api: Api, hold: str, token: str | None = None) -> TestResponse:
    sent = token or api.new_key(Role.AUDITOR)[1]
    return api.send("POST", f"{PATH}/{hold}/release", b'{"reason": "Over"}', sent)


def listed(api: Api, query: str = "") -> dict[str, Any]:
    return read(api.get(f"{PATH}{query}"))


def test_hold_entry_does_not_name_contact(api: Api) -> None:
    held = put(api, contact="ct-1")
    [entry] = api.entries("?kind=hold.set")
    assert entry["personal"]["part"] == {"contact": "ct-1"}
    assert entry["entry"].pop("commitment")
    assert entry["entry"] == {
        "format": 1,
        "kind": "hold.set",
        "at": "2026-11-22T12:00:00.000Z",
        "workspace": "acme",
        "hold": held["id"],
        "by": api.keys["auditor"].id,
        "reason": "A case",
    }
    assert held == {
        "id": held["id"],
        "scope": "contact",
        "contact": "ct-1",
        "status": "active",
        "reason": "A case",
        "set_by": api.keys["auditor"].id,
        "set_at": "2026-11-22T12:00:00.000Z",
        "index": entry["index"],
        "released": None,
    }
    assert api.entries("?contact=ct-1")[0]["index"] == entry["index"]


@pytest.mark.parametrize("body", [{}, {"contact": None}], ids=["absent", "null"])
def test_hold_without_contact_is_for_workspace(api: Api, body: dict[str, Any]) -> None:
    held = put(api, **body)
    assert (held["scope"], held["contact"]) == ("workspace", None)
    [entry] = api.entries("?kind=hold.set")
    assert "commitment" not in entry["entry"]
    assert entry["personal"] is None


def test_hold_is_released_by_another_key(api: Api) -> None:
    held = put(api, contact="ct-1")
    key, token = api.new_key(Role.AUDITOR)
    api.clock.move(seconds=5)
    released = read(release(api, held["id"], token))
    [entry] = api.entries("?kind=hold.released")
    assert entry["entry"] == {
        "format": 1,
        "kind": "hold.released",
        "at": "2026-11-22T12:00:05.000Z",
        "workspace": "acme",
        "hold": held["id"],
        "by": key.id,
        "reason": "Over",
    }
    by = {"by": key.id, "at": "2026-11-22T12:00:05.000Z", "index": entry["index"]}
    assert released == {**held, "status": "released", "released": {**by, "reason": "Over"}}
    assert listed(api)["items"] == [released]


def test_hold_is_not_released_by_its_own_key(api: Api) -> None:
    held = put(api)
    written = api.log_heads()
    answered = release(api, held["id"], api.tokens["auditor"])
    assert code(answered) == (403, "setter_may_not_release")
    assert api.log_heads() == written


def test_hold_is_released_once(api: Api) -> None:
    held = put(api)
    assert release(api, held["id"]).status_code == 200
    written = api.log_heads()
    assert code(release(api, held["id"])) == (409, "hold_released")
    assert api.log_heads()["acme"] == written["acme"]


def test_release_is_not_found_for_unknown_hold(api: Api) -> None:
    held = put(api)
    assert code(release(api, "hold-000000000000")) == (404, "not_found")
    _, token = api.new_key(Role.AUDITOR)
    elsewhere = f"/v1/workspaces/globex/holds/{held['id']}/release"
    answered = api.send("POST", elsewhere, b'{"reason": "Over"}', token)
    assert code(answered) == (404, "not_found")


def test_pages_of_holds_keep_order_of_setting(api: Api) -> None:
    held = [put(api, contact=f"ct-{number}") for number in range(3)]
    release(api, held[0]["id"])
    assert listed(api)["next"] is None
    first = listed(api, "?limit=2")
    assert [each["id"] for each in first["items"]] == [each["id"] for each in held[:2]]
    assert listed(api, f"?limit=2&after={first['next']}") == {"items": held[2:], "next": None}


def test_list_of_holds_is_empty_by_default(api: Api) -> None:
    assert listed(api) == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, ("/reason", "missing_field")),
        ({"contact": "ct-1"}, ("/reason", "missing_field")),
        ({"contact": "", "reason": "A case"}, ("/contact", "too_short")),
        ({"reason": "x" * 501}, ("/reason", "too_long")),
        ({"reason": "A case", "until": "2027-01-01"}, ("/until", "unknown_field")),
    ],
)
def test_hold_is_refused_when_its_body_is_wrong(
    api: Api, body: dict[str, Any], complaint: tuple[str, str]
) -> None:
    written = api.log_heads()
    answered = api.post(PATH, body, Role.AUDITOR)
    assert code(answered) == (400, "invalid_request")
    assert complaint in errors(answered)
    assert api.log_heads() == written


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": 1}])
def test_release_is_refused_without_reason(api: Api, body: dict[str, Any]) -> None:
    held = put(api)
    answered = api.post(f"{PATH}/{held['id']}/release", body, Role.AUDITOR)
    assert code(answered) == (400, "invalid_request")
