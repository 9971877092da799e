"""What is refused: each with its status, code and pointer, nothing written, nothing echoed.

Every body carries planted personal data; no refusal may hold any of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest

from policy_service.keys import Role
from rules.event import LARGEST_EVENT
from tests.policy_service.api import ACME, document, event, read
from tests.policy_service.problems import code, errors, problem
from tests.scenarios.runner import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.policy_service.api import Api

PLANTED = "planted"
FULL = event(
    "ev-planted",
    contact={
        "id": "planted-contact",
        "email": "planted@example.com",
        "phone": "+43 planted",
        "name": "Planted planted",
        "identity": "claimed",
        "language": "de-planted",
    },
    conversation={"channel": "messenger", "assigned": False},
    message={"text": "planted text"},
    attributes={"planted_attribute": "planted value"},
)
ANSWER = {**FULL, "type": "contact.replied", "answer": {"choice": "customer"}}
EXPIRED = {**FULL, "type": "question.expired", "question": {"id": "dec-1.0"}}

OBJECTS = {
    "/workspace": FULL,
    "/conversation": FULL,
    "/contact": FULL,
    "/message": FULL,
    "/answer": ANSWER,
    "/question": EXPIRED,
    "/attributes": FULL,
}
WORDS = {
    "/type": FULL,
    "/conversation/direction": FULL,
    "/contact/kind": FULL,
    "/contact/identity": FULL,
    "/answer/choice": ANSWER,
}
TEXTS = {
    "/id": FULL,
    "/occurred_at": FULL,
    "/workspace/id": FULL,
    "/workspace/plan": FULL,
    "/conversation/id": FULL,
    "/conversation/channel": FULL,
    "/contact/id": FULL,
    "/contact/email": FULL,
    "/contact/phone": FULL,
    "/contact/name": FULL,
    "/contact/language": FULL,
    "/message/text": FULL,
    "/message/language": FULL,
    "/question/id": EXPIRED,
}
REQUIRED = {
    "/id": FULL,
    "/type": FULL,
    "/occurred_at": FULL,
    "/workspace": FULL,
    "/workspace/id": FULL,
    "/workspace/plan": FULL,
    "/conversation": FULL,
    "/conversation/id": FULL,
    "/contact": FULL,
    "/contact/id": FULL,
    "/contact/kind": FULL,
    "/answer/choice": ANSWER,
    "/question/id": EXPIRED,
}
BAD_TIMES = [
    "",
    "now",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "2026-11-22T10:00Z",
    "2026-11-22 10:00:00Z",
    "2026-11-22T10:00:00 +01:00",
    "2026-11-22T10:00:00+0100",
    "2026-11-22T10:00:00+01",
    "2026-11-22T10:00:00+24:00",
    "2026-11-22T10:00:00.Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T10:60:00Z",
    "2026-11-22T10:00:60Z",
    "2026-02-29T10:00:00Z",
    "2026-13-01T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9998-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-01:00",
    "+2026-11-22T10:00:00Z",
    "2026-W47-7T10:00:00Z",
    "1795341600",
    "\uff12026-11-22T10:00:00Z",
    "2026-11-22T10:00:00Z\n",
]


@dataclass(frozen=True)
class Case:
    """A body, and how it must be refused."""

    name: str
    body: bytes
    code: str
    errors: tuple[tuple[str, str], ...]


def with_member(base: dict[str, Any], at: str, value: Any) -> dict[str, Any]:
    """The event with another value at a pointer, which null does not take away."""
    *above, last = at[1:].split("/")
    changed: dict[str, Any] = json.loads(json.dumps(base))
    inner = changed
    for name in above:
        inner = inner[name]
    inner[last] = value
    return changed


def without_member(base: dict[str, Any], at: str) -> dict[str, Any]:
    *above, last = at[1:].split("/")
    gone: Any = {last: None}
    for name in reversed(above):
        gone = {name: gone}
    return merged(base, gone)


def refused_event(name: str, sent: Any, *expected: tuple[str, str]) -> Case:
    return Case(name, json.dumps(sent).encode(), "invalid_event", expected)


def not_ijson(name: str, body: bytes, why: str = "not_json") -> Case:
    return Case(name, body, "invalid_json", (("", why),))


def raw(changed: str, instead: str) -> bytes:
    """The full event's text, with something else in a place."""
    text = json.dumps(FULL)
    assert changed in text
    return text.replace(changed, instead).encode()


def not_json() -> Iterator[Case]:
    text = json.dumps(FULL)
    nested = '{"attributes":' * 10
    yield not_ijson("an empty body", b"")
    yield not_ijson("white space", b" \r\n")
    yield not_ijson("a word", b"planted")
    yield not_ijson("an unfinished object", text[:-1].encode())
    yield not_ijson("two objects", (text + text).encode())
    yield not_ijson("something behind it", (text + "planted").encode())
    yield not_ijson("a form", b"id=planted&type=conversation.started")
    yield not_ijson("single quotes", text.replace('"', "'").encode())
    yield not_ijson("a comma too many", (text[:-1] + ",}").encode())
    yield not_ijson("a comment", (text + "// planted").encode())
    yield not_ijson("a byte order mark", b"\xef\xbb\xbf" + text.encode())
    yield not_ijson("a control character in a text", raw("planted text", "planted \n text"))
    yield not_ijson("a NUL byte behind it", text.encode() + b"\0")
    yield not_ijson("an unknown escape", raw("planted text", "planted \\x text"))
    yield not_ijson("NaN", raw('"planted value"', "NaN"))
    yield not_ijson("Infinity", raw('"planted value"', "Infinity"))
    yield not_ijson("-Infinity", raw('"planted value"', "-Infinity"))
    yield not_ijson("a number with a leading zero", raw('"planted value"', "007"))
    yield not_ijson("a number with a plus", raw('"planted value"', "+7"))
    yield not_ijson("digits of another script", raw('"planted value"', "\u0667"))
    yield not_ijson("bad UTF-8", text.encode() + b"\xff", "not_utf_8")
    yield not_ijson("overlong UTF-8", text.encode() + b"\xc0\xaf", "not_utf_8")
    yield not_ijson("a surrogate as UTF-8", text.encode() + b"\xed\xa0\x80", "not_utf_8")
    yield not_ijson("UTF-16", text.encode("utf-16"), "not_utf_8")
    yield not_ijson(
        "Latin-1", raw("planted text", "plänted").decode().encode("latin-1"), "not_utf_8"
    )
    yield not_ijson("1e400", raw('"planted value"', "1e400"), "number_out_of_range")
    yield not_ijson("-1e400", raw('"planted value"', "-1e400"), "number_out_of_range")
    yield not_ijson("2^53", raw('"planted value"', str(2**53)), "number_out_of_range")
    yield not_ijson("-2^53", raw('"planted value"', str(-(2**53))), "number_out_of_range")
    yield not_ijson("10,000 digits", raw('"planted value"', "9" * 10_000), "number_out_of_range")
    yield not_ijson("half a pair", raw("planted text", "planted \\ud800"), "lone_surrogate")
    yield not_ijson("the other half", raw("planted text", "\\udc00 planted"), "lone_surrogate")
    yield not_ijson("halves swapped", raw("planted text", "\\udc00\\ud800"), "lone_surrogate")
    yield not_ijson("half a pair in a key", raw("planted_attribute", "\\ud800"), "lone_surrogate")
    again = raw('"id": "ev-planted"', '"id": "ev-planted", "id": "ev-planted"')
    yield not_ijson("a key twice", again, "duplicate_key")
    again = raw('"id": "ev-planted"', '"\\u0069d": null, "id": "ev-planted"')
    yield not_ijson("a key twice, once null, once escaped", again, "duplicate_key")
    again = raw('"planted value"', '{"planted": 1, "planted": 1}')
    yield not_ijson("a key twice deep inside", again, "duplicate_key")
    lists = raw('"planted value"', "[" * 5_000 + "]" * 5_000)
    yield not_ijson("lists 5,000 deep", lists, "too_deep")
    objects = raw('"planted value"', '{"a":' * 5_000 + "1" + "}" * 5_000)
    yield not_ijson("objects 5,000 deep", objects, "too_deep")
    yield not_ijson("lists 65,000 deep and unfinished", b"[" * 65_000, "too_deep")
    yield not_ijson("objects that do not end", nested.encode())


def not_an_event() -> Iterator[Case]:
    for value in (None, True, 7, 1.5, PLANTED, [], [FULL]):
        yield refused_event(f"{str(value)[:20]} is no object", value, ("", "wrong_type"))
    for at, base in REQUIRED.items():
        yield refused_event(f"no {at}", without_member(base, at), (at, "missing_field"))
        yield refused_event(f"null for {at}", with_member(base, at, None), (at, "missing_field"))
    for at, base in {"": FULL, **OBJECTS}.items():
        changed = with_member(base, f"{at}/colour", PLANTED)
        if at != "/attributes":
            yield refused_event(f"{at}/colour", changed, (f"{at}/colour", "unknown_field"))


def wrong(fields: dict[str, dict[str, Any]], values: Iterable[Any], why: str) -> Iterator[Case]:
    """Each of the values in each of the fields."""
    for at, base in fields.items():
        for value in values:
            yield refused_event(f"{value!r} for {at}", with_member(base, at, value), (at, why))


def wrong_types() -> Iterator[Case]:
    objects = [[PLANTED], {PLANTED: PLANTED}]
    yield from wrong(TEXTS, [7, 1.5, True, *objects], "wrong_type")
    yield from wrong(OBJECTS, [7, True, PLANTED, [], [PLANTED]], "wrong_type")
    yield from wrong(WORDS, [7, True, *objects, PLANTED, "", "Inbound", "lead "], "not_allowed")
    yield from wrong(
        {"/conversation/assigned": FULL}, [0, 1, "true", PLANTED, *objects], "wrong_type"
    )
    yield from wrong({"/occurred_at": FULL}, BAD_TIMES, "invalid_time")


def bad_texts() -> Iterator[Case]:
    ids = {"/id": (FULL, 128), "/conversation/id": (FULL, 200), "/question/id": (EXPIRED, 200)}
    for at, (base, longest) in ids.items():
        yield refused_event(f"an empty {at}", with_member(base, at, ""), (at, "too_short"))
        long = "x" * (longest + 1)
        yield refused_event(f"a long {at}", with_member(base, at, long), (at, "too_long"))
        for character in ("\0", "\n", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u200b", "\xa0"):
            sent = with_member(base, at, f"planted{character}")
            yield refused_event(f"{character!r} in {at}", sent, (at, "not_printable"))
    for at in ("/workspace/plan", "/contact/id", "/conversation/channel"):
        yield refused_event(f"an empty {at}", with_member(FULL, at, ""), (at, "too_short"))
        yield refused_event(f"a long {at}", with_member(FULL, at, "x" * 201), (at, "too_long"))
    for workspace in ("", "Acme", "-acme", "_acme", "a.b", "a/b", "a" * 64, "acme\n", "ä", "*"):
        sent = with_member(FULL, "/workspace/id", workspace)
        yield refused_event(f"the workspace {workspace!r}", sent, ("/workspace/id", "not_allowed"))
    system = with_member(FULL, "/workspace/id", "system")
    yield refused_event("the workspace system", system, ("/workspace/id", "reserved_workspace"))


def contradictions() -> Iterator[Case]:
    empty = {**without_member(FULL, "/message"), "type": "contact.replied"}
    yield refused_event("a reply that says nothing", empty, ("/message", "missing_field"))
    asks = {**FULL, "question": {"id": "dec-1.0"}}
    yield refused_event("a question where none expired", asks, ("/question", "not_allowed"))
    several = {**FULL, "id": 7, "type": PLANTED, "colour": PLANTED, "contact": {"id": PLANTED}}
    yield refused_event(
        "everything at once",
        several,
        ("/id", "wrong_type"),
        ("/type", "not_allowed"),
        ("/contact/kind", "missing_field"),
        ("/colour", "unknown_field"),
    )


CASES = [*not_json(), *not_an_event(), *wrong_types(), *bad_texts(), *contradictions()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_event_is_refused(shared: Api, case: Case) -> None:
    written = shared.written()
    refused = shared.send("POST", "/v1/decisions", case.body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (400, case.code)
    assert errors(refused) == list(case.errors)
    assert PLANTED not in refused.text.lower()
    assert shared.written() == written


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_without_a_key_nobody_learns_what_is_wrong(shared: Api, case: Case) -> None:
    assert code(shared.send("POST", "/v1/decisions", case.body)) == (401, "unauthorized")


# What is odd and still an event.


def test_the_longest_ids_are_accepted(api: Api) -> None:
    sent = event("🙂" * 128, conversation={"id": "ä" * 200}, contact={"id": "x" * 200})
    assert api.decide(sent)["conversation"] == "ä" * 200


def test_the_deepest_nesting_is_accepted(api: Api) -> None:
    deep: Any = "bottom"
    for _ in range(62):
        deep = [deep]
    api.decide(event(attributes={"deep": deep}))
    refused = api.post("/v1/decisions", event("ev-2", attributes={"deep": [deep]}), Role.PLATFORM)
    assert errors(refused) == [("", "too_deep")]


@pytest.mark.parametrize("number", ["-0", "-0.0", "1e-400", "1e308", "0.1", "9007199254740991"])
def test_numbers_of_i_json_are_accepted(api: Api, number: str) -> None:
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
def test_every_time_of_rfc_3339_is_accepted(api: Api, at: str) -> None:
    assert api.decide(event(occurred_at=at))["outcome"] == "ask"


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "", "?"]
)
def test_the_body_is_json_whatever_its_type_is_said_to_be(api: Api, content_type: str) -> None:
    body = json.dumps(event())
    answered = api.send(
        "POST", "/v1/decisions", body, api.tokens[Role.PLATFORM], **{"Content-Type": content_type}
    )
    assert read(answered)["outcome"] == "ask"


# Sizes.


def padded(size: int) -> bytes:
    body = json.dumps(FULL).encode()
    return body + b" " * (size - len(body))


def test_a_body_of_64_kib_is_accepted(api: Api) -> None:
    body = padded(LARGEST_EVENT)
    assert len(body) == 65_536
    answered = api.send("POST", "/v1/decisions", body, api.tokens[Role.PLATFORM])
    assert answered.status_code == 200


def test_a_body_of_one_byte_more_is_refused(shared: Api) -> None:
    written = shared.written()
    body = padded(LARGEST_EVENT + 1)
    refused = shared.send("POST", "/v1/decisions", body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (413, "too_large")
    assert PLANTED not in refused.text
    assert shared.written() == written


def test_a_body_of_200_000_brackets_is_refused_by_its_size(shared: Api) -> None:
    body = b"[" * 200_000
    refused = shared.send("POST", "/v1/decisions", body, shared.tokens[Role.PLATFORM])
    assert code(refused) == (413, "too_large")


def streamed(api: Api, body: bytes, **environ: Any) -> Any:
    """A request whose length is not what the body's is."""
    return api.client.open(
        "/v1/decisions",
        method="POST",
        input_stream=BytesIO(body),
        headers={"Authorization": f"Bearer {api.tokens[Role.PLATFORM]}"},
        environ_overrides=environ,
    )


def test_a_body_in_chunks_is_read_to_its_end(api: Api) -> None:
    terminated = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert streamed(api, padded(LARGEST_EVENT), **terminated).status_code == 200


def test_chunks_beyond_64_kib_are_refused(shared: Api) -> None:
    written = shared.written()
    terminated = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    refused = streamed(shared, padded(LARGEST_EVENT + 1), **terminated)
    assert code(refused) == (413, "too_large")
    assert shared.written() == written


@pytest.mark.parametrize("length", ["10", "0", "70000", "-1", "x", "9" * 400])
def test_a_length_that_lies_is_refused(shared: Api, length: str) -> None:
    written = shared.written()
    refused = streamed(shared, json.dumps(FULL).encode(), CONTENT_LENGTH=length)
    assert refused.status_code in {400, 413}
    assert problem(refused)["code"] in {"invalid_json", "invalid_request", "too_large"}
    assert shared.written() == written


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
def test_a_bad_proposal_is_refused(shared: Api, sent: Any, expected: list[tuple[str, str]]) -> None:
    written = shared.written()
    refused = shared.post(f"{ACME}/versions", sent, Role.AUTHOR)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == expected
    assert shared.written() == written


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
def test_a_proposal_that_is_not_i_json_is_refused(shared: Api, body: bytes, expected: str) -> None:
    written = shared.written()
    token = shared.tokens[Role.AUTHOR]
    refused = shared.send("POST", f"{ACME}/versions", body, token)
    assert code(refused) == (400, "invalid_json")
    assert errors(refused) == [("", expected)]
    assert shared.written() == written


@pytest.mark.parametrize("as_text", [False, True], ids=["JSON", "YAML"])
def test_a_document_of_more_than_1_mib_is_refused(shared: Api, *, as_text: bool) -> None:
    written = shared.written()
    large = document("x" * (1024 * 1024))
    sent = {"document": json.dumps(large) if as_text else large}
    refused = shared.post(f"{ACME}/versions", sent, Role.AUTHOR)
    assert code(refused) == (413, "too_large")
    assert errors(refused) == [("", "document_too_large")]
    assert shared.written() == written


def test_a_proposal_beyond_all_bounds_is_refused(shared: Api) -> None:
    body = b" " * (4 * 1024 * 1024)
    refused = shared.send("POST", f"{ACME}/versions", body, shared.tokens[Role.AUTHOR])
    assert code(refused) == (413, "too_large")


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
def test_a_bad_step_is_refused(
    shared: Api, step: str, sent: Any, expected: list[tuple[str, str]]
) -> None:
    written = shared.written()
    refused = shared.post(f"{ACME}/versions/1/{step}", sent, Role.APPROVER)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == expected
    assert shared.written() == written


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
def test_an_unknown_parameter_is_refused_everywhere(
    shared: Api, method: str, path: str, body: Any
) -> None:
    roles = [Role.PLATFORM, Role.AUTHOR, Role.APPROVER, Role.AUDITOR]
    written = shared.written()
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
    assert shared.written() == written


@pytest.mark.parametrize(
    "path",
    [
        "/",
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
def test_an_address_of_nothing_is_not_found_and_leads_nowhere_else(shared: Api, path: str) -> None:
    written = shared.written()
    for method in ("GET", "POST"):
        answered = shared.client.open(
            method=method,
            path="/",
            headers={"Authorization": f"Bearer {shared.tokens[Role.PLATFORM]}"},
            environ_overrides={"PATH_INFO": _path_info(path)},
        )
        assert code(answered) == (404, "not_found")
        assert "Location" not in answered.headers
    assert shared.written() == written


def _path_info(path: str) -> str:
    """The path as a WSGI server hands it over, without what a client would tidy up."""
    return unquote_to_bytes(path).decode("latin-1")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X-Y"])
def test_a_method_that_is_not_for_an_address_is_refused_naming_those_that_are(
    shared: Api, method: str
) -> None:
    written = shared.written()
    refused = shared.send(method, "/v1/decisions", json.dumps(FULL))
    assert code(refused) == (405, "method_not_allowed")
    assert "POST" in refused.headers["Allow"]
    assert shared.written() == written


def test_head_is_get_without_its_body(shared: Api) -> None:
    path = f"{ACME}/policy"
    head = shared.send("HEAD", path, token=shared.tokens[Role.AUDITOR])
    assert (head.status_code, head.data) == (200, b"")
    assert shared.send("HEAD", path).status_code == 401
