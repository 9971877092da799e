"""Invalid events: each body with the complaints that it must get.

Every body has planted personal data, which must not appear in a refusal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.policy_service.api_client import event
from tests.scenarios.runner import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """A body, and the code and complaints of its refusal."""

    name: str
    body: bytes
    code: str
    errors: tuple[tuple[str, str], ...]


def with_member(base: dict[str, Any], at: str, value: Any) -> dict[str, Any]:
    """Return the event with another value at a pointer; null is set, not removed."""
    *above, last = at[1:].split("/")
    changed: dict[str, Any] = json.loads(json.dumps(base))
    inner = changed
    for name in above:
        inner = inner[name]
    inner[last] = value
    return changed


def without_member(base: dict[str, Any], at: str) -> dict[str, Any]:
    *above, last = at[1:].split("/")
    removed: Any = {last: None}
    for name in reversed(above):
        removed = {name: removed}
    return merged(base, removed)


def refused_event(name: str, sent: Any, *expected: tuple[str, str]) -> Case:
    return Case(name, json.dumps(sent).encode(), "invalid_event", expected)


def not_ijson(name: str, body: bytes, why: str = "not_json") -> Case:
    return Case(name, body, "invalid_json", (("", why),))


def raw(changed: str, instead: str) -> bytes:
    """Return the text of the full event with one part replaced."""
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
    yield not_ijson("two byte order marks", b"\xef\xbb\xbf" * 2 + text.encode())
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
    """Yield a case for each of the values in each of the fields."""
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
