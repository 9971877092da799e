"""Who may do what: every route with every role, every key that is none, every workspace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from policy_service.access.keys import Role, enter_revocation
from policy_service.api.route import Route
from policy_service.api.routes import ROUTES
from tests.policy_service.api_client import event
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

GUARDED = [route for route in ROUTES if route.roles]
OPEN = [route for route in ROUTES if not route.roles]
OF_A_WORKSPACE = [route for route in GUARDED if "<workspace>" in route.path]
PARTS = {
    "key": "key-none",
    "workspace": "acme",
    "event": "ev-1",
    "conversation": "c-1",
    "number": "2",
    "index": "0",
    "action": "dec-i7ryxcqtpg5kxrxm655gb7qnve.0",
    "hold": "hold-none",
    "replay": "rep-none",
}

ROLES_BY_CALL = {
    ("POST", "/v1/keys"): "owner",
    ("GET", "/v1/keys"): "owner",
    ("DELETE", "/v1/keys/{}"): "owner",
    ("POST", "/v1/decisions"): "platform",
    ("POST", "/v1/decisions/batch"): "platform",
    ("POST", "/v1/decisions/dry-run"): "platform author",
    ("GET", "/v1/workspaces/{}/decisions/{}"): "platform auditor",
    ("GET", "/v1/workspaces/{}/decisions/{}/explanation"): "platform auditor",
    ("GET", "/v1/workspaces/{}/conversations/{}"): "platform auditor",
    ("GET", "/v1/workspaces/{}/policy"): "platform author approver auditor owner",
    ("POST", "/v1/workspaces/{}/versions"): "author",
    ("GET", "/v1/workspaces/{}/versions"): "platform author approver auditor owner",
    ("GET", "/v1/workspaces/{}/versions/{}"): "platform author approver auditor owner",
    ("GET", "/v1/workspaces/{}/versions/{}/diff"): "platform author approver auditor owner",
    ("GET", "/v1/workspaces/{}/versions/{}/report"): "platform author approver auditor owner",
    ("POST", "/v1/workspaces/{}/versions/{}/approve"): "approver",
    ("POST", "/v1/workspaces/{}/versions/{}/reject"): "approver",
    ("POST", "/v1/workspaces/{}/versions/{}/activate"): "approver",
    ("DELETE", "/v1/workspaces/{}/versions/{}/schedule"): "approver",
    ("GET", "/v1/workspaces/{}/approvals"): "platform author approver auditor owner",
    ("PUT", "/v1/workspaces/{}/approvals"): "owner",
    ("GET", "/v1/workspaces/{}/guardrails"): "platform author approver auditor owner",
    ("PUT", "/v1/workspaces/{}/guardrails"): "auditor owner",
    ("GET", "/v1/workspaces/{}/directory"): "platform author approver auditor owner",
    ("PUT", "/v1/workspaces/{}/directory"): "platform owner",
    ("GET", "/v1/workspaces/{}/ledger/entries"): "auditor",
    ("GET", "/v1/workspaces/{}/ledger/entries/{}"): "auditor",
    ("GET", "/v1/workspaces/{}/ledger/entries/{}/proof"): "auditor",
    ("GET", "/v1/workspaces/{}/ledger/checkpoint"): "auditor",
    ("GET", "/v1/workspaces/{}/ledger/key"): "auditor",
    ("GET", "/v1/workspaces/{}/ledger/consistency"): "auditor",
    ("POST", "/v1/workspaces/{}/replays"): "author auditor",
    ("GET", "/v1/workspaces/{}/replays/{}"): "author auditor",
    ("POST", "/v1/workspaces/{}/erasures"): "auditor",
    ("POST", "/v1/workspaces/{}/holds"): "auditor",
    ("GET", "/v1/workspaces/{}/holds"): "auditor",
    ("POST", "/v1/workspaces/{}/holds/{}/release"): "auditor",
    ("GET", "/v1/workspaces/{}/actions"): "platform",
    ("POST", "/v1/workspaces/{}/actions/{}/receipt"): "platform",
    ("POST", "/v1/workspaces/{}/actions/{}/retry"): "platform",
    ("GET", "/healthz"): "",
    ("GET", "/readyz"): "",
    ("GET", "/metrics"): "",
    ("GET", "/openapi.json"): "",
    ("GET", "/docs"): "",
}
"""Which roles may call what, as clients were told."""


def path(route: Route, **parts: str) -> str:
    """The route's path with something in the place of each of its parts."""
    named = {**PARTS, **parts}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: named[part[1]], route.path)


def ask(api: Api, route: Route, token: str | None = None, **headers: str) -> TestResponse:
    body = b"{}" if route.method == "POST" else None
    return api.send(route.method, path(route), body, token, **headers)


def name(value: object) -> str | None:
    return value.endpoint if isinstance(value, Route) else None


def test_rows_have_documented_roles() -> None:
    table = {
        (route.method, re.sub("<[^>]*>", "{}", route.path)): set(route.roles) for route in ROUTES
    }
    assert table == {call: set(map(Role, roles.split())) for call, roles in ROLES_BY_CALL.items()}


@pytest.mark.parametrize("route", GUARDED, ids=name)
@pytest.mark.parametrize("role", list(Role))
def test_role_makes_only_its_calls(shared: Api, route: Route, role: Role) -> None:
    """What may be called fails later, on what was sent; nothing is written either way."""
    written = shared.log_heads()
    answered = ask(shared, route, shared.tokens[role])
    if role in route.roles:
        assert answered.status_code not in {401, 403}
    else:
        assert code(answered) == (403, "role_not_allowed")
    assert shared.log_heads() == written


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_call_is_unauthorized_without_key(shared: Api, route: Route) -> None:
    written = shared.log_heads()
    assert code(ask(shared, route)) == (401, "unauthorized")
    assert shared.log_heads() == written


MALFORMED = {
    "empty": "",
    "a scheme alone": "Bearer",
    "a scheme and a blank": "Bearer ",
    "another scheme": "Basic {token}",
    "no scheme": "{token}",
    "two schemes": "Bearer Bearer {token}",
    "more behind it": "Bearer {token} more",
    "in quotes": 'Bearer "{token}"',
    "two tokens": "Bearer {token}, Bearer {token}",
    "no secret": "Bearer {id}",
    "an empty secret": "Bearer {id}.",
    "another secret": "Bearer {id}.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "a secret too long": "Bearer {token}A",
    "a secret too short": "Bearer {short}",
    "a secret alone": "Bearer .{secret}",
    "another key's id": "Bearer {other}.{secret}",
    "characters beyond ASCII": "Bearer {id}.é",
    "bytes that are no text": "Bearer {id}.\udcff",
    "very long": "Bearer " + "A" * 6000,
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_authorization_header_is_unauthorized(shared: Api, header: str) -> None:
    token = shared.tokens[Role.PLATFORM]
    identity, _, secret = token.partition(".")
    other = shared.keys[Role.AUDITOR].id
    sent = header.format(token=token, id=identity, secret=secret, other=other, short=token[:-1])
    written = shared.log_heads()
    for route in GUARDED:
        answered = shared.client.open(
            path(route),
            method=route.method,
            environ_overrides={"HTTP_AUTHORIZATION": sent},
        )
        assert code(answered) == (401, "unauthorized")
    assert shared.log_heads() == written


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_of_authorization_is_read_in_any_case(shared: Api, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {shared.tokens[Role.AUDITOR]}"}
    found = shared.client.get("/v1/workspaces/acme/policy", headers=headers)
    assert found.status_code == 200


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_revoked_key_is_unauthorized(api: Api, route: Route) -> None:
    key, token = api.new_key(min(route.roles))
    assert ask(api, route, token).status_code not in {401, 403}
    api.store.transact(lambda tx: enter_revocation(tx, key.id))
    written = api.log_heads()
    assert code(ask(api, route, token)) == (401, "unauthorized")
    assert api.log_heads() == written


@pytest.mark.parametrize("route", OF_A_WORKSPACE, ids=name)
def test_call_is_not_found_for_key_of_another_workspace(api: Api, route: Route) -> None:
    """The same answer whether the workspace has anything in it or not."""
    _, token = api.new_key(min(route.roles), "globex")
    before = ask(api, route, token)
    assert code(before) == (404, "not_found")
    api.decide(event())
    written = api.log_heads()
    assert ask(api, route, token).data == before.data
    assert api.log_heads() == written


@pytest.mark.parametrize("route", OF_A_WORKSPACE, ids=name)
@pytest.mark.parametrize(
    "workspace",
    ["ACME", "-acme", "acme.", "a" * 64, "*", "acme%20", "acme%0A", "%C3%A4", "%00", "..", "%25"],
)
def test_call_is_not_found_for_malformed_workspace(
    shared: Api, route: Route, workspace: str
) -> None:
    written = shared.log_heads()
    token = shared.tokens[min(route.roles)]
    asked = path(route, workspace=workspace)
    answered = shared.send(route.method, asked, None, token)
    assert code(answered) == (404, "not_found")
    assert shared.log_heads() == written


@pytest.mark.parametrize("route", OPEN, ids=name)
def test_open_call_ignores_any_key(shared: Api, route: Route) -> None:
    written = shared.log_heads()
    for token in (None, "nonsense", shared.tokens[Role.OWNER]):
        answered = ask(shared, route, token)
        assert (answered.status_code, answered.mimetype) == (200, route.response.media)
    assert shared.log_heads() == written
