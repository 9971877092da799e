"""The facts of an event, one by one."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from rules.engine.facts import Conversation, derive_facts, sample_bucket
from rules.model import builtin
from rules.model.document import Document
from rules.model.vocabulary import FACTS

BUILT_IN = Document(builtin.load_tree())
DECLARING = Document(
    {
        **BUILT_IN.tree,
        "facts": {
            "attributes.size": {"type": "integer"},
            "attributes.tier": {"type": "enum", "values": ["gold", "silver"]},
            "attributes.trial": {"type": "boolean"},
            "attributes.source": {"type": "string"},
            "attributes.salary": {"type": "integer", "personal": True},
        },
    }
)
EVENT: dict[str, Any] = {
    "id": "ev-1",
    "type": "conversation.started",
    "occurred_at": "2026-11-22T10:00:00Z",
    "workspace": {"id": "acme", "plan": "pro"},
    "conversation": {"id": "c-1"},
    "contact": {"id": "ct-1", "kind": "lead"},
}


def event(**members: Any) -> Any:
    nested = {
        name: {**EVENT[name], **member} if isinstance(EVENT.get(name), dict) else member
        for name, member in members.items()
    }
    return EVENT | nested


def fact(name: str, sent: Any = EVENT, **conversation: Any) -> Any:
    return derive_facts(BUILT_IN, sent, Conversation(**conversation)).get(name)


def test_the_facts_of_an_event_that_says_as_little_as_possible() -> None:
    """What is not said is unknown, but for the defaults that the format of events gives."""
    assert derive_facts(BUILT_IN, event(), Conversation()) == {
        "event.type": "conversation.started",
        "workspace.plan": "pro",
        "conversation.channel": "messenger",
        "conversation.assigned": False,
        "conversation.stage": "new",
        "conversation.asks": 0,
        "contact.kind": "lead",
        "contact.identity": "none",
        "contact.reachable": False,
        "office.open": True,
        "sample.bucket": 9041,
    }


def test_the_facts_of_an_event_that_says_all() -> None:
    sent = event(
        type="contact.replied",
        conversation={"direction": "inbound", "channel": "mail", "assigned": True},
        contact={"kind": "user", "email": "a@b.example", "identity": "verified", "language": "fr"},
        message={"text": "no", "language": "en_GB"},
        answer={"choice": "customer"},
    )
    found = derive_facts(BUILT_IN, sent, Conversation("awaiting_answer", 2, "dec-1.0"))
    assert found == {
        "event.type": "contact.replied",
        "workspace.plan": "pro",
        "conversation.direction": "inbound",
        "conversation.channel": "mail",
        "conversation.assigned": True,
        "conversation.stage": "awaiting_answer",
        "conversation.asks": 2,
        "contact.kind": "user",
        "contact.identity": "verified",
        "contact.reachable": True,
        "message.language": "en-GB",
        "answer": "customer",
        "office.open": True,
        "sample.bucket": 9041,
    }


def test_every_fact_of_the_vocabulary_is_derived_somewhere() -> None:
    replied = event(
        type="contact.replied",
        conversation={"direction": "inbound"},
        message={"text": "yes", "language": "en"},
    )
    expired = event(type="question.expired")
    names = {
        name for sent in (replied, expired) for name in derive_facts(BUILT_IN, sent, Conversation())
    }
    assert names == set(FACTS)


@pytest.mark.parametrize(
    ("contact", "reachable"),
    [
        ({}, False),
        ({"email": "a@b.example"}, True),
        ({"phone": "+1"}, True),
        ({"email": "", "phone": "+1"}, True),
        ({"email": ""}, False),
        ({"email": " ", "phone": "\t"}, False),
        ({"name": "Eve"}, False),
    ],
)
def test_a_contact_is_reachable_by_an_email_or_a_phone(
    contact: dict[str, str],
    reachable: bool,  # noqa: FBT001
) -> None:
    assert fact("contact.reachable", event(contact=contact)) is reachable


@pytest.mark.parametrize(
    ("message", "contact", "language"),
    [
        ({"language": "en"}, {"language": "fr"}, "en"),
        ({}, {"language": "fr"}, "fr"),
        ({"language": "not a tag"}, {"language": "fr"}, "fr"),
        ({"language": ""}, {}, None),
        ({"language": "pt_BR"}, {}, "pt-BR"),
        ({"language": "-en"}, {}, None),
    ],
)
def test_the_language_is_the_messages_else_the_contacts(
    message: dict[str, str], contact: dict[str, str], language: str | None
) -> None:
    assert fact("message.language", event(message=message, contact=contact)) == language


@pytest.mark.parametrize("kind", ["conversation.started", "contact.identified", "question.expired"])
def test_only_a_reply_answers(kind: str) -> None:
    sent = event(type=kind, answer={"choice": "customer"}, message={"text": "yes"})
    assert fact("answer", sent, stage="awaiting_answer") is None


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("new", "unclear"),
        ("awaiting_answer", "customer"),
        ("awaiting_contact", "unclear"),
        ("qualifying", "unclear"),
        ("routed", "unclear"),
    ],
)
def test_a_phrase_answers_only_while_an_answer_is_awaited(stage: str, answer: str) -> None:
    sent = event(type="contact.replied", message={"text": "Yes!"})
    assert fact("answer", sent, stage=stage) == answer


@pytest.mark.parametrize("stage", ["new", "awaiting_answer", "qualifying"])
def test_a_choice_answers_in_any_stage_and_before_any_phrase(stage: str) -> None:
    sent = event(type="contact.replied", message={"text": "yes"}, answer={"choice": "not_customer"})
    assert fact("answer", sent, stage=stage) == "not_customer"


def test_a_message_without_text_is_no_clear_answer() -> None:
    sent = event(type="contact.replied", message={})
    assert fact("answer", sent, stage="awaiting_answer") == "unclear"


@pytest.mark.parametrize(
    ("sent", "stage", "question", "is_open"),
    [
        ({"type": "question.expired"}, "awaiting_answer", "q-1", True),
        ({"type": "question.expired"}, "qualifying", None, True),
        ({"type": "question.expired"}, "new", None, False),
        ({"type": "question.expired"}, "routed", "q-1", False),
        ({"type": "question.expired", "question": {"id": "q-1"}}, "awaiting_contact", "q-1", True),
        ({"type": "question.expired", "question": {"id": "q-2"}}, "awaiting_contact", "q-1", False),
        ({"type": "question.expired", "question": {"id": "q-1"}}, "routed", None, False),
        ({"type": "contact.identified"}, "awaiting_contact", "q-1", None),
    ],
)
def test_an_expired_question_is_open_where_it_is_the_one(
    sent: dict[str, Any],
    stage: str,
    question: str | None,
    is_open: bool | None,  # noqa: FBT001
) -> None:
    """An expiry that names no question means the open one."""
    assert fact("question.open", event(**sent), stage=stage, question=question) is is_open


def test_a_bucket_is_what_sha_256_says() -> None:
    """The same on any machine: the first 8 bytes, big-endian, modulo 10,000."""
    hashed = hashlib.sha256(b"acme/c-\xc3\xbc").digest()
    assert sample_bucket("acme", "c-ü") == int.from_bytes(hashed[:8], "big") % 10_000
    assert sample_bucket("acme", "c-1") == 9041
    assert sample_bucket("acme", "c-2") != sample_bucket("acme", "c-1")


def test_buckets_are_spread_evenly() -> None:
    drawn = [sample_bucket("acme", f"c-{number}") for number in range(10_000)]
    assert min(drawn) < 10
    assert max(drawn) > 9_989
    assert 4_700 < sum(number < 5_000 for number in drawn) < 5_300


@pytest.mark.parametrize(
    ("name", "sent", "known"),
    [
        ("size", 40, 40),
        ("size", 40.0, 40),
        ("size", -0.0, 0),
        ("size", 2**53 - 1, 2**53 - 1),
        ("size", 2.0**53, None),
        ("size", -(2.0**53), None),
        ("size", 1e300, None),
        ("size", 40.5, None),
        ("size", "40", None),
        ("size", True, None),
        ("size", [40], None),
        ("tier", "gold", "gold"),
        ("tier", "Gold", None),
        ("tier", 1, None),
        ("tier", ["gold"], None),
        ("trial", False, False),
        ("trial", 0, None),
        ("trial", "true", None),
        ("source", "", ""),
        ("source", "ads", "ads"),
        ("source", 5, None),
        ("source", {"a": 1}, None),
        ("salary", 9, None),
        ("unheard_of", 9, None),
    ],
)
def test_an_attribute_is_known_where_it_is_declared_and_of_its_type(
    name: str, sent: Any, known: Any
) -> None:
    """Another type is unknown and not refused; what is personal or not declared is no fact."""
    found = derive_facts(DECLARING, event(attributes={name: sent}), Conversation())
    value = found.get(f"attributes.{name}")
    assert value == known
    assert type(value) is type(known)


def test_attributes_that_are_not_sent_are_unknown() -> None:
    assert not any(
        name.startswith("attributes.") for name in derive_facts(DECLARING, event(), Conversation())
    )
