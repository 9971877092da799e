"""Events that are refused, nothing written and nothing echoed; and odd ones that are not."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from rules.model.event import MAX_EVENT_BYTES
from tests.policy_service.api_client import event, read
from tests.policy_service.bad_events import CASES, FULL, PLANTED, Case
from tests.policy_service.problems import code, errors, problem

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_event_is_refused_with_every_complaint(shared: Api, case: Case) -> None:
    written = shared.log_heads()
    refused = shared.send("POST", "/v1/decisions", case.body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (400, case.code)
    assert errors(refused) == list(case.errors)
    assert PLANTED not in refused.text.lower()
    assert shared.log_heads() == written


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_bad_event_is_unauthorized_without_key(shared: Api, case: Case) -> None:
    assert code(shared.send("POST", "/v1/decisions", case.body)) == (401, "unauthorized")


# What is odd and still an event.


def test_event_is_accepted_with_longest_ids(api: Api) -> None:
    sent = event("🙂" * 128, conversation={"id": "ä" * 200}, contact={"id": "x" * 200})
    assert api.decide(sent)["conversation"] == "ä" * 200


def test_event_is_accepted_with_deepest_nesting(api: Api) -> None:
    deep: Any = "bottom"
    for _ in range(62):
        deep = [deep]
    api.decide(event(attributes={"deep": deep}))
    refused = api.post("/v1/decisions", event("ev-2", attributes={"deep": [deep]}), Role.PLATFORM)
    assert errors(refused) == [("", "too_deep")]


@pytest.mark.parametrize("number", ["-0", "-0.0", "1e-400", "1e308", "0.1", "9007199254740991"])
def test_event_is_accepted_with_each_number_of_i_json(api: Api, number: str) -> None:
    body = json.dumps(event(attributes={"number": "here"})).replace('"here"', number)
    for replayed in (None, "true"):
        answered = api.send("POST", "/v1/decisions", body, api.tokens[Role.PLATFORM])
        assert answered.status_code == 200, answered.text
        assert answered.headers.get("Idempotency-Replayed") == replayed


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-22T10:00:00.123456789Z",
        "2026-11-22t10:00:00z",
        "2026-11-22T10:00:00-00:00",
        "2026-11-22T10:00:00+23:59",
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60+01:00",
        "0001-01-01T00:00:00Z",
        "9997-12-31T23:59:59Z",
    ],
)
def test_event_is_accepted_with_each_form_of_rfc_3339_time(api: Api, at: str) -> None:
    assert api.decide(event(occurred_at=at))["outcome"] == "ask"


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "?"]
)
def test_event_is_read_as_json_with_any_content_type(api: Api, content_type: str) -> None:
    body = json.dumps(event())
    answered = api.send(
        "POST", "/v1/decisions", body, api.tokens[Role.PLATFORM], **{"Content-Type": content_type}
    )
    assert read(answered)["outcome"] == "ask"


# Sizes.


def padded(size: int) -> bytes:
    body = json.dumps(FULL).encode()
    return body + b" " * (size - len(body))


def test_event_of_64_kib_is_accepted(api: Api) -> None:
    body = padded(MAX_EVENT_BYTES)
    assert len(body) == 65_536
    answered = api.send("POST", "/v1/decisions", body, api.tokens[Role.PLATFORM])
    assert answered.status_code == 200


def test_event_of_64_kib_and_one_byte_is_refused(shared: Api) -> None:
    written = shared.log_heads()
    body = padded(MAX_EVENT_BYTES + 1)
    refused = shared.send("POST", "/v1/decisions", body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (413, "too_large")
    assert PLANTED not in refused.text
    assert shared.log_heads() == written


def test_body_of_200_000_brackets_is_refused_by_its_size(shared: Api) -> None:
    body = b"[" * 200_000
    refused = shared.send("POST", "/v1/decisions", body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (413, "too_large")


CHUNKED: dict[str, Any] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}


def streamed(
    api: Api, body: bytes | BytesIO, role: Role | None = Role.PLATFORM, **environ: Any
) -> Any:
    """A request whose length is not what the body's is."""
    return api.client.open(
        "/v1/decisions",
        method="POST",
        input_stream=BytesIO(body) if isinstance(body, bytes) else body,
        headers={"Authorization": f"Bearer {api.tokens[role]}"} if role else {},
        environ_overrides=environ,
    )


def test_chunked_body_is_read_to_its_end(api: Api) -> None:
    assert streamed(api, padded(MAX_EVENT_BYTES), **CHUNKED).status_code == 200


def test_chunked_body_is_refused_when_longer_than_64_kib(shared: Api) -> None:
    written = shared.log_heads()
    refused = streamed(shared, padded(MAX_EVENT_BYTES + 1), **CHUNKED)
    assert code(refused) == (413, "too_large")
    assert shared.log_heads() == written


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.AUDITOR])
def test_refused_body_is_drained(shared: Api, role: Role) -> None:
    """One who is still sending when the connection closes may never see why it was refused."""
    body = BytesIO(padded(10 * MAX_EVENT_BYTES))
    refused = streamed(shared, body, role, **{"wsgi.input_terminated": True})
    assert refused.status_code in {403, 413}
    assert body.read() == b""


@pytest.mark.parametrize(
    ("role", "environ"),
    [
        (None, {"wsgi.input_terminated": True}),
        (Role.AUDITOR, {"wsgi.input_terminated": True, "HTTP_EXPECT": "100-continue"}),
        (Role.AUDITOR, {}),
    ],
    ids=["without a key", "waits to be asked", "has no end"],
)
def test_refused_body_is_not_drained_without_key_or_when_client_waits(
    shared: Api, role: Role | None, environ: dict[str, Any]
) -> None:
    body = BytesIO(padded(MAX_EVENT_BYTES))
    assert streamed(shared, body, role, **environ).status_code in {401, 403}
    assert body.tell() == 0


@pytest.mark.parametrize("length", ["10", "0", "70000", "-1", "x", "9" * 400])
def test_event_is_refused_when_content_length_is_wrong(shared: Api, length: str) -> None:
    written = shared.log_heads()
    refused = streamed(shared, json.dumps(FULL).encode(), CONTENT_LENGTH=length)
    assert refused.status_code in {400, 413}
    assert problem(refused)["code"] in {"invalid_json", "invalid_request", "too_large"}
    assert shared.log_heads() == written
