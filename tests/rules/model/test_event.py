"""Valid events, and each fault of an event with its place and code."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from rules.errors import InvalidEventError
from rules.model.event import parse_event
from rules.model.vocabulary import EventType

EVENT: dict[str, Any] = {
    "id": "ev-1",
    "type": "contact.replied",
    "occurred_at": "2026-11-22T10:00:00+01:00",
    "workspace": {"id": "acme", "plan": "pro"},
    "conversation": {
        "id": "c-1",
        "direction": "inbound",
        "channel": "messenger",
        "assigned": False,
    },
    "contact": {
        "id": "ct-1",
        "kind": "lead",
        "email": "a@b.example",
        "phone": "+1",
        "name": "Ann",
        "identity": "none",
        "language": "en",
    },
    "message": {"text": "Hi there", "language": "en-GB"},
    "answer": {"choice": "customer"},
    "attributes": {"company_size": 40, "tags": ["a", {"b": 1.5}], "nothing": ""},
}


def event_with(place: str, value: Any) -> dict[str, Any]:
    """Return the event with a different value at a JSON pointer."""
    event: dict[str, Any] = deepcopy(EVENT)
    *way, last = place.split("/")[1:]
    inside = event
    for step in way:
        inside = inside.setdefault(step, {})
    inside[last] = value
    return event


def event_without(place: str) -> dict[str, Any]:
    event = event_with(place, None)
    *way, last = place.split("/")[1:]
    inside = event
    for step in way:
        inside = inside[step]
    del inside[last]
    return event


def complaints_of(value: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidEventError) as refusal:
        parse_event(value)
    return [(complaint.pointer, complaint.code) for complaint in refusal.value.complaints]


def test_complete_event_is_returned_unchanged() -> None:
    """The canonical JSON of the event is therefore the sender's value."""
    assert parse_event(EVENT) is EVENT


OPTIONAL = """/conversation/direction /conversation/channel /conversation/assigned /contact/email
/contact/phone /contact/name /contact/identity /contact/language /message /message/text
/message/language /answer /attributes"""


@pytest.mark.parametrize("place", OPTIONAL.split())
def test_optional_field_may_be_omitted(place: str) -> None:
    assert parse_event(event_without(place))


REQUIRED = """/id /type /occurred_at /workspace /workspace/id /workspace/plan /conversation
/conversation/id /contact /contact/id /contact/kind /answer/choice"""


@pytest.mark.parametrize("place", REQUIRED.split())
def test_missing_required_field_is_reported(place: str) -> None:
    assert complaints_of(event_without(place)) == [(place, "missing_field")]


NESTED = """/nothing /workspace/name /conversation/stage /contact/company /message/html
/answer/text /question/text"""


@pytest.mark.parametrize("place", NESTED.split())
def test_unknown_field_is_refused(place: str) -> None:
    assert (place, "unknown_field") in complaints_of(event_with(place, "x"))


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        ("/id", "", "too_short"),
        ("/id", "x" * 129, "too_long"),
        ("/id", "a\nb", "not_printable"),
        ("/id", "a\u200bb", "not_printable"),
        ("/id", 1, "wrong_type"),
        ("/type", "conversation.ended", "not_allowed"),
        ("/type", "Contact.Replied", "not_allowed"),
        ("/type", 1, "not_allowed"),
        ("/occurred_at", "2026-11-22T10:00:00", "invalid_time"),
        ("/occurred_at", "yesterday", "invalid_time"),
        ("/occurred_at", 1763805600, "wrong_type"),
        ("/workspace", "acme", "wrong_type"),
        ("/workspace/id", "system", "reserved_workspace"),
        ("/workspace/id", "", "not_allowed"),
        ("/workspace/id", "Acme", "not_allowed"),
        ("/workspace/id", "-acme", "not_allowed"),
        ("/workspace/id", "_acme", "not_allowed"),
        ("/workspace/id", "acme\n", "not_allowed"),
        ("/workspace/id", "a" * 64, "not_allowed"),
        ("/workspace/id", "caf\u00e9", "not_allowed"),
        ("/workspace/id", 1, "wrong_type"),
        ("/workspace/plan", "", "too_short"),
        ("/workspace/plan", "p" * 201, "too_long"),
        ("/workspace/plan", 1, "wrong_type"),
        ("/conversation/id", "", "too_short"),
        ("/conversation/id", "c" * 201, "too_long"),
        ("/conversation/id", "c\t1", "not_printable"),
        ("/conversation/direction", "sideways", "not_allowed"),
        ("/conversation/channel", "", "too_short"),
        ("/conversation/assigned", "false", "wrong_type"),
        ("/conversation/assigned", 0, "wrong_type"),
        ("/contact/id", "", "too_short"),
        ("/contact/kind", "bot", "not_allowed"),
        ("/contact/email", 5, "wrong_type"),
        ("/contact/phone", 431234, "wrong_type"),
        ("/contact/name", ["Ann"], "wrong_type"),
        ("/contact/identity", "sure", "not_allowed"),
        ("/contact/language", 1, "wrong_type"),
        ("/message", "Hi", "wrong_type"),
        ("/message/text", 1, "wrong_type"),
        ("/message/language", {}, "wrong_type"),
        ("/answer", "customer", "wrong_type"),
        ("/answer/choice", "unclear", "not_allowed"),
        ("/attributes", [], "wrong_type"),
    ],
)
def test_invalid_value_is_reported_with_pointer_and_code(place: str, value: Any, code: str) -> None:
    assert complaints_of(event_with(place, value)) == [(place, code)]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/id", "x" * 128),
        ("/id", "a/b?c=%20 \u00e9"),
        ("/workspace/id", "0"),
        ("/workspace/id", "a" * 63),
        ("/workspace/id", "a_b-c9"),
        ("/conversation/id", "c" * 200),
        ("/message/text", ""),
        ("/message/language", "no tag at all"),
        ("/contact/email", "no address at all"),
        ("/attributes", {}),
    ],
)
def test_value_at_its_limit_is_accepted(place: str, value: Any) -> None:
    assert parse_event(event_with(place, value))


@pytest.mark.parametrize("value", [None, [], "event", 1, True])
def test_event_that_is_not_a_mapping_is_refused(value: Any) -> None:
    assert complaints_of(value) == [("", "wrong_type")]


def test_pointer_escapes_slash_and_tilde() -> None:
    """RFC 6901."""
    assert complaints_of({**EVENT, "a/b~c": 1}) == [("/a~1b~0c", "unknown_field")]


def test_all_faults_of_an_event_are_reported_at_once() -> None:
    event = {**EVENT, "id": "", "type": "x", "contact": {"kind": "bot"}, "extra": 1}
    assert set(complaints_of(event)) == {
        ("/id", "too_short"),
        ("/type", "not_allowed"),
        ("/contact/id", "missing_field"),
        ("/contact/kind", "not_allowed"),
        ("/extra", "unknown_field"),
    }


def test_complaint_contains_no_value_of_the_event() -> None:
    """Personal data stay out of logs and answers."""
    secret = "ann@secret.example"
    event = {**EVENT, "contact": {**EVENT["contact"], "email": [secret], "kind": secret}}
    with pytest.raises(InvalidEventError) as refusal:
        parse_event(event)
    assert secret not in str(refusal.value)
    assert not any(secret in complaint.message for complaint in refusal.value.complaints)


def test_reply_without_message_and_answer_is_refused() -> None:
    event = {name: member for name, member in EVENT.items() if name not in {"message", "answer"}}
    assert complaints_of(event) == [("/message", "missing_field")]
    assert parse_event({**event, "message": {"text": ""}})
    assert parse_event({**event, "answer": {"choice": "not_customer"}})


@pytest.mark.parametrize("kind", sorted(set(EventType) - {"contact.replied"}))
def test_event_other_than_a_reply_needs_no_message(kind: str) -> None:
    event = {name: member for name, member in EVENT.items() if name not in {"message", "answer"}}
    assert parse_event({**event, "type": kind})


def test_question_is_allowed_only_in_question_expired() -> None:
    assert parse_event({**EVENT, "type": "question.expired", "question": {"id": "dec-1.0"}})
    assert complaints_of({**EVENT, "question": {"id": "dec-1.0"}}) == [("/question", "not_allowed")]
    expired = {**EVENT, "type": "question.expired"}
    assert parse_event({**expired, "question": {}})
    assert complaints_of({**expired, "question": {"id": ""}}) == [("/question/id", "too_short")]
