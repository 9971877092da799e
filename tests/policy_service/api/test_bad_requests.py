"""Bad proposals, steps, addresses, parameters and methods: refused, and nothing written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest

from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, document, event
from tests.policy_service.bad_events import FULL, PLANTED
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

# Rule documents and steps.

PROPOSALS: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("nothing", {}, [("/document", "missing_field")]),
    ("null", {"document": None}, [("/document", "wrong_type")]),
    ("a number", {"document": 7}, [("/document", "wrong_type")]),
    ("a list", {"document": [document()]}, [("/document", "wrong_type")]),
    ("true", {"document": True}, [("/document", "wrong_type")]),
    ("no object", [], [("", "wrong_type")]),
    ("a text", "document", [("", "wrong_type")]),
    ("unknown", {"document": {}, "colour": 1}, [("/colour", "unknown_field")]),
    ("a note of 501", {"document": {}, "note": "x" * 501}, [("/note", "too_long")]),
    ("a note that is none", {"document": {}, "note": 7}, [("/note", "wrong_type")]),
]


@pytest.mark.parametrize(
    ("sent", "expected"), [case[1:] for case in PROPOSALS], ids=[case[0] for case in PROPOSALS]
)
def test_proposal_is_refused_when_its_body_is_wrong(
    shared: Api, sent: Any, expected: list[tuple[str, str]]
) -> None:
    written = shared.log_heads()
    refused = shared.post(f"{ACME}/versions", sent, Role.AUTHOR)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == expected
    assert shared.log_heads() == written


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"planted", "not_json"),
        (b'{"document": {"a": 1, "a": 2}}', "duplicate_key"),
        (b'{"document": {"a": 1e400}}', "number_out_of_range"),
        (b'{"document": "\\ud800"}', "lone_surrogate"),
        (b'{"document": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "too_deep"),
        (b'{"document": "\xff"}', "not_utf_8"),
    ],
    ids=["not JSON", "a key twice", "1e400", "half a pair", "200,000 deep", "bad UTF-8"],
)
def test_proposal_is_refused_when_it_is_not_i_json(shared: Api, body: bytes, expected: str) -> None:
    written = shared.log_heads()
    token = shared.tokens[Role.AUTHOR]
    refused = shared.send("POST", f"{ACME}/versions", body, token)
    assert code(refused) == (400, "invalid_json")
    assert errors(refused) == [("", expected)]
    assert shared.log_heads() == written


@pytest.mark.parametrize("as_text", [False, True], ids=["JSON", "YAML"])
def test_document_is_refused_when_larger_than_1_mib(shared: Api, *, as_text: bool) -> None:
    written = shared.log_heads()
    large = document("x" * (1024 * 1024))
    sent = {"document": json.dumps(large) if as_text else large}
    refused = shared.post(f"{ACME}/versions", sent, Role.AUTHOR)
    assert code(refused) == (413, "too_large")
    assert errors(refused) == [("", "document_too_large")]
    assert shared.log_heads() == written


def test_proposal_is_refused_when_body_is_too_large(shared: Api) -> None:
    body = b" " * (4 * 1024 * 1024)
    refused = shared.send("POST", f"{ACME}/versions", body, shared.tokens[Role.AUTHOR])
    assert code(refused) == (413, "too_large")


def test_unknown_members_are_refused_in_the_order_they_were_sent(shared: Api) -> None:
    """The order is equal in every worker, so equal requests get equal answers."""
    names = [f"colour-{number}" for number in range(50)]
    refused = shared.post(f"{ACME}/versions", dict.fromkeys(names, 1), Role.AUTHOR)
    assert [pointer for pointer, _ in errors(refused)] == ["/document", *(f"/{n}" for n in names)]


STEPS = [
    ("approve", {}, [("/digest", "missing_field")]),
    ("approve", {"digest": None}, [("/digest", "wrong_type")]),
    ("approve", {"digest": 7}, [("/digest", "wrong_type")]),
    ("approve", {"digest": "", "reason": ""}, [("/reason", "unknown_field")]),
    ("reject", {}, [("/reason", "missing_field")]),
    ("reject", {"reason": 7}, [("/reason", "wrong_type")]),
    ("reject", {"reason": "x" * 501}, [("/reason", "too_long")]),
    ("activate", {"colour": 1}, [("/colour", "unknown_field")]),
    ("activate", {"percent": "10"}, [("/percent", "wrong_type")]),
    ("activate", {"shadow": 1}, [("/shadow", "wrong_type")]),
    ("activate", [], [("", "wrong_type")]),
]


@pytest.mark.parametrize(("step", "sent", "expected"), STEPS)
def test_version_step_is_refused_when_its_body_is_wrong(
    shared: Api, step: str, sent: Any, expected: list[tuple[str, str]]
) -> None:
    written = shared.log_heads()
    refused = shared.post(f"{ACME}/versions/1/{step}", sent, Role.APPROVER)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == expected
    assert shared.log_heads() == written


# Addresses and methods.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/decisions", event()),
        ("GET", f"{ACME}/decisions/ev-1", None),
        ("GET", f"{ACME}/policy", None),
        ("GET", f"{ACME}/versions", None),
        ("GET", f"{ACME}/versions/1", None),
        ("POST", f"{ACME}/versions", {"document": document()}),
        ("POST", f"{ACME}/versions/1/approve", {"digest": ""}),
        ("POST", f"{ACME}/versions/1/reject", {"reason": ""}),
        ("POST", f"{ACME}/versions/1/activate", {}),
        ("GET", f"{ACME}/ledger/entries", None),
        ("GET", f"{ACME}/ledger/entries/0", None),
    ],
)
def test_unknown_parameter_is_refused_by_each_call(
    shared: Api, method: str, path: str, body: Any
) -> None:
    roles = [Role.PLATFORM, Role.AUTHOR, Role.APPROVER, Role.AUDITOR]
    written = shared.log_heads()
    sent = None if body is None else json.dumps(body)
    answers = [
        shared.send(method, f"{path}?colour=planted", sent, shared.tokens[role]) for role in roles
    ]
    refused = [answer for answer in answers if answer.status_code != 403]
    assert refused
    for answer in refused:
        assert code(answer) == (400, "invalid_request")
        assert errors(answer) == [("/colour", "unknown_parameter")]
        assert PLANTED not in answer.text
    assert shared.log_heads() == written


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/decisions/",
        "/v1//decisions",
        "/V1/decisions",
        "/v1/decisions%20",
        "/v1/./decisions",
        "/v1/../v1/decisions",
        "/v1/decisions;x=1",
        "/healthz/",
        "/favicon.ico",
        "/v1/workspaces",
        "/v1/workspaces/",
        "/v1/workspaces/acme",
        "/v1/workspaces//policy",
        "/v1/workspaces/acme/policy/",
        "/v1/workspaces/acme//policy",
        "/v1/workspaces/acme/decisions/",
        "/v1/workspaces/acme/versions/1/",
        "/v1/workspaces/acme/versions/01",
        "/v1/workspaces/acme/versions/1.0",
        "/v1/workspaces/acme/versions/-1",
        "/v1/workspaces/acme/versions/x",
        "/v1/workspaces/acme/ledger",
        "/static/x",
        "/%00",
        "/%FF",
        "/" + "x" * 5000,
    ],
)
def test_unknown_path_is_not_found_without_redirect(shared: Api, path: str) -> None:
    written = shared.log_heads()
    for method in ("GET", "POST"):
        answered = shared.client.open(
            method=method,
            path="/",
            headers={"Authorization": f"Bearer {shared.tokens[Role.PLATFORM]}"},
            environ_overrides={"PATH_INFO": _path_info(path)},
        )
        assert code(answered) == (404, "not_found")
        assert "Location" not in answered.headers
    assert shared.log_heads() == written


def _path_info(path: str) -> str:
    """The path as a WSGI server hands it over, without what a client would tidy up."""
    return unquote_to_bytes(path).decode("latin-1")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X-Y"])
def test_wrong_method_is_refused_with_allowed_methods(shared: Api, method: str) -> None:
    written = shared.log_heads()
    refused = shared.send(method, "/v1/decisions", json.dumps(FULL))
    assert code(refused) == (405, "method_not_allowed")
    assert "POST" in refused.headers["Allow"]
    assert shared.log_heads() == written


def test_head_answers_like_get_without_body(shared: Api) -> None:
    path = f"{ACME}/policy"
    head = shared.send("HEAD", path, token=shared.tokens[Role.AUDITOR])
    assert (head.status_code, head.data) == (200, b"")
    assert shared.send("HEAD", path).status_code == 401
