"""Keys over HTTP: made, listed, expired, revoked, each within its owner's reach."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, NOON, event, read
from tests.policy_service.command_line import as_json, call
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Api

PATH = "/v1/keys"
WANTED = {"role": "auditor", "workspace": "acme", "name": "The yearly audit"}


def create(api: Api, token: str | None = None, **changes: Any) -> dict[str, Any]:
    token = token or api.tokens[Role.OWNER]
    answered = api.send("POST", PATH, json.dumps({**WANTED, **changes}), token)
    assert answered.status_code == 201, answered.text
    return read(answered)


def listed(api: Api, token: str | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(
        api.send("GET", PATH, None, token or api.tokens[Role.OWNER])
    )["items"]
    return items


def works(api: Api, token: str) -> bool:
    return api.send("GET", f"{ACME}/policy", None, token).status_code == 200


def test_new_key_works_and_its_secret_is_shown_once(api: Api) -> None:
    created = create(api)
    assert created == {
        "id": created["id"],
        **WANTED,
        "created_at": "2026-11-22T12:00:00.000Z",
        "created_by": api.keys["owner"].id,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "secret": created["secret"],
    }
    secret = created.pop("secret").partition(".")[2]
    assert listed(api)[-1] == created
    text = json.dumps(listed(api)) + json.dumps(api.entries(workspace="system"))
    assert secret not in text
    assert works(api, f"{created['id']}.{secret}")


def test_answer_with_secret_forbids_caching(api: Api) -> None:
    answered = api.post(PATH, WANTED, Role.OWNER)
    assert answered.headers["Cache-Control"] == "no-store"


def test_ledger_names_creator_and_revoker_of_key(api: Api) -> None:
    key = create(api)["id"]
    api.send("DELETE", f"{PATH}/{key}", None, api.tokens[Role.OWNER])
    *_, made, revoked = api.entries(workspace="system")
    assert (made["kind"], revoked["kind"]) == ("key.created", "key.revoked")
    assert made["entry"]["by"] == revoked["entry"]["by"] == api.keys["owner"].id


def test_pages_of_keys_hold_every_key(api: Api) -> None:
    for number in range(4):
        create(api, name=f"key {number}")
    found: list[Any] = []
    path = f"{PATH}?limit=2"
    while True:
        answered = read(api.get(path, Role.OWNER))
        assert len(answered["items"]) <= 2
        found += answered["items"]
        if answered["next"] is None:
            break
        path = f"{PATH}?limit=2&after={answered['next']}"
    assert found == listed(api)
    assert len(found) == len(Role) + 4
    assert read(api.get(f"{PATH}?after=99", Role.OWNER)) == {"items": [], "next": None}


def test_key_is_revoked_for_good(api: Api) -> None:
    created = create(api)
    path = f"{PATH}/{created['id']}"
    revoked = api.send("DELETE", path, None, api.tokens[Role.OWNER])
    assert revoked.status_code == 200
    assert read(revoked)["revoked_at"] == "2026-11-22T12:00:00.000Z"
    assert not works(api, created["secret"])
    api.clock.move(hours=1)
    written = api.log_heads()
    again = api.send("DELETE", path, None, api.tokens[Role.OWNER])
    assert (again.status_code, again.data) == (200, revoked.data)
    assert api.log_heads() == written


@pytest.mark.parametrize("identity", ["key-none", "*", "%20", "x" * 300])
def test_revocation_is_not_found_for_unknown_key(shared: Api, identity: str) -> None:
    answered = shared.send("DELETE", f"{PATH}/{identity}", None, shared.tokens[Role.OWNER])
    assert code(answered) == (404, "not_found")


def test_key_can_expire_on_last_possible_day(api: Api) -> None:
    created = create(api, expires_at="9999-12-31T23:59:59Z")
    assert created["expires_at"] == "9999-12-31T23:59:59.000Z"
    assert works(api, created["secret"])


# Within reach.


def test_owner_of_workspace_manages_only_its_keys(api: Api) -> None:
    other = create(api, workspace="globex")["id"]
    _, token = api.new_key(Role.OWNER, "acme")
    mine = create(api, token)
    assert [key["workspace"] for key in listed(api, token)] == ["acme", "acme"]
    written = api.log_heads()
    for workspace in ("globex", "*"):
        sent = json.dumps({**WANTED, "workspace": workspace})
        assert code(api.send("POST", PATH, sent, token)) == (404, "not_found")
    none = api.send("DELETE", f"{PATH}/key-none", None, token)
    for identity in (other, api.keys["owner"].id):
        refused = api.send("DELETE", f"{PATH}/{identity}", None, token)
        assert (refused.status_code, refused.data) == (404, none.data)
    assert api.log_heads() == written
    assert api.send("DELETE", f"{PATH}/{mine['id']}", None, token).status_code == 200


def test_pages_for_owner_of_workspace_count_only_its_keys(api: Api) -> None:
    _, token = api.new_key(Role.OWNER, "acme")
    create(api, workspace="globex")
    create(api)
    first = read(api.send("GET", f"{PATH}?limit=1", None, token))
    assert first["next"] == "1"
    second = read(api.send("GET", f"{PATH}?limit=1&after=1", None, token))
    assert (second["items"][0]["name"], second["next"]) == (WANTED["name"], None)


def test_last_owner_key_for_every_workspace_is_not_revoked(api: Api) -> None:
    last = api.keys["owner"].id
    create(api, role="owner", workspace="acme")
    create(api, role="auditor", workspace="*")
    soon = create(api, role="owner", workspace="*", expires_at="2026-11-22T13:00:00Z")
    api.clock.move(hours=1)
    written = api.log_heads()
    refused = api.send("DELETE", f"{PATH}/{last}", None, api.tokens[Role.OWNER])
    assert code(refused) == (409, "last_owner_key")
    assert api.log_heads() == written
    assert (
        api.send("DELETE", f"{PATH}/{soon['id']}", None, api.tokens[Role.OWNER]).status_code == 200
    )
    second = create(api, role="owner", workspace="*")
    gone = api.send("DELETE", f"{PATH}/{last}", None, second["secret"])
    assert gone.status_code == 200
    assert code(api.send("DELETE", f"{PATH}/{second['id']}", None, second["secret"])) == (
        409,
        "last_owner_key",
    )


# Expiry.


def test_expired_key_is_unauthorized(api: Api) -> None:
    created = create(api, expires_at="2026-11-22T14:00:00+01:00")
    assert created["expires_at"] == "2026-11-22T13:00:00.000Z"
    api.clock.move(minutes=59, seconds=59, milliseconds=999)
    assert works(api, created["secret"])
    api.clock.move(milliseconds=1)
    answered = api.send("GET", f"{ACME}/policy", None, created["secret"])
    assert code(answered) == (401, "unauthorized")
    assert listed(api)[-1]["revoked_at"] is None


def test_expired_key_decides_nothing(api: Api) -> None:
    """A decision's key is asked about in its transaction."""
    created = create(api, role="platform", expires_at="2026-11-22T13:00:00Z")
    sent = json.dumps(event())
    first = api.send("POST", "/v1/decisions", sent, created["secret"])
    assert first.status_code == 200
    api.clock.move(hours=1)
    written = api.log_heads()
    for body in (sent, json.dumps(event("ev-2"))):
        refused = api.send("POST", "/v1/decisions", body, created["secret"])
        assert code(refused) == (401, "unauthorized")
    assert api.log_heads() == written


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"role": "king"}, "/role", "not_allowed"),
    ({"role": None}, "/role", "not_allowed"),
    ({"workspace": "ACME"}, "/workspace", "not_allowed"),
    ({"workspace": "system"}, "/workspace", "reserved_workspace"),
    ({"workspace": ""}, "/workspace", "not_allowed"),
    ({"workspace": "**"}, "/workspace", "not_allowed"),
    ({"workspace": "acme\n"}, "/workspace", "not_allowed"),
    ({"workspace": 7}, "/workspace", "wrong_type"),
    ({"name": ""}, "/name", "too_short"),
    ({"name": "x" * 201}, "/name", "too_long"),
    ({"name": "\x1b[31m"}, "/name", "not_printable"),
    ({"name": "two\nlines"}, "/name", "not_printable"),
    ({"expires_at": "tomorrow"}, "/expires_at", "invalid_time"),
    ({"expires_at": "2026-12-31"}, "/expires_at", "invalid_time"),
    ({"expires_at": 7}, "/expires_at", "wrong_type"),
    ({"expires_at": NOON.isoformat()}, "/expires_at", "not_in_future"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "not_in_future"),
    ({"secret": "mine"}, "/secret", "unknown_field"),
]


@pytest.mark.parametrize(("changes", "pointer", "expected"), BAD)
def test_new_key_is_refused_when_its_body_is_wrong(
    shared: Api, changes: dict[str, Any], pointer: str, expected: str
) -> None:
    written = shared.log_heads()
    refused = shared.post(PATH, {**WANTED, **changes}, Role.OWNER)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == [(pointer, expected)]
    assert shared.log_heads() == written


def test_new_key_is_refused_with_every_missing_member(shared: Api) -> None:
    refused = shared.post(PATH, {}, Role.OWNER)
    assert errors(refused) == [
        ("/role", "missing_field"),
        ("/workspace", "missing_field"),
        ("/name", "missing_field"),
    ]


# At the command line.


def test_keys_command_creates_and_lists_key_with_expiry(data: Path) -> None:
    options = ["--role", "auditor", "--name", "x", "--expires-at", "2999-01-01T00:00:00+01:00"]
    created = as_json("keys", "create", "--data", data, *options)
    assert created["expires_at"] == "2998-12-31T23:00:00.000Z"
    said = call("keys", "list", "--data", data).stdout
    assert "expires 2998-12-31T23:00:00.000Z" in said


@pytest.mark.parametrize("given", ["2020-01-01T00:00:00Z", "tomorrow", ""])
def test_keys_command_fails_when_expiry_is_not_a_time(data: Path, given: str) -> None:
    before = as_json("keys", "list", "--data", data)
    options = ["--role", "auditor", "--name", "x", "--expires-at", given]
    call("keys", "create", "--data", data, *options, code=2)
    assert as_json("keys", "list", "--data", data) == before
