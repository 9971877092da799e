"""The facts of an event, fact by fact."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from rules.engine.facts import Conversation, OpenQuestion, derive_facts, sample_bucket
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


DEADLINE = "2026-11-22T10:03:00Z"
LOCAL = "2026-11-22T11:03:00+01:00"


def event_with(**members: Any) -> Any:
    nested = {
        name: {**EVENT[name], **member} if isinstance(EVENT.get(name), dict) else member
        for name, member in members.items()
    }
    return EVENT | nested


def derive_fact(name: str, sent_value: Any = EVENT, **conversation: Any) -> Any:
    return derive_facts(BUILT_IN, sent_value, Conversation(**conversation)).get(name)


def test_minimal_event_has_only_required_and_default_facts() -> None:
    """Other facts are unknown."""
    assert derive_facts(BUILT_IN, event_with(), Conversation()) == {
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


def test_complete_event_has_all_facts() -> None:
    sent_value = event_with(
        type="contact.replied",
        conversation={"direction": "inbound", "channel": "mail", "assigned": True},
        contact={"kind": "user", "email": "a@b.example", "identity": "verified", "language": "fr"},
        message={"text": "no", "language": "en_GB"},
        answer={"choice": "customer"},
    )
    fact_values = derive_facts(BUILT_IN, sent_value, Conversation("awaiting_answer", 2))
    assert fact_values == {
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


def test_every_fact_of_the_vocabulary_can_be_derived() -> None:
    replied = event_with(
        type="contact.replied",
        conversation={"direction": "inbound"},
        message={"text": "yes", "language": "en"},
    )
    expired = event_with(type="question.expired")
    names = {
        name
        for sent_value in (replied, expired)
        for name in derive_facts(BUILT_IN, sent_value, Conversation())
    }
    assert names == set(FACTS)


@pytest.mark.parametrize(
    ("contact", "reachable"),
    [
        ({}, False),
        ({"email": "a@b.example"}, True),
        ({"phone": "+43 1 23"}, True),
        ({"email": "n/a", "phone": "+43 1 23"}, True),
        ({"phone": "+43 1 2"}, False),
        ({"phone": "+"}, False),
        ({"email": "n/a"}, False),
        ({"email": "\u200b"}, False),
        ({"email": ""}, False),
        ({"email": " ", "phone": "\t"}, False),
        ({"name": "Eve"}, False),
    ],
)
def test_contact_is_reachable_when_an_email_or_a_phone_is_known(
    contact: dict[str, str],
    reachable: bool,  # noqa: FBT001
) -> None:
    assert derive_fact("contact.reachable", event_with(contact=contact)) is reachable


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
def test_language_of_the_contact_counts_when_the_message_has_none(
    message: dict[str, str], contact: dict[str, str], language: str | None
) -> None:
    assert derive_fact("message.language", event_with(message=message, contact=contact)) == language


@pytest.mark.parametrize("kind", ["conversation.started", "contact.identified", "question.expired"])
def test_answer_is_unknown_when_the_event_is_not_a_reply(kind: str) -> None:
    sent_value = event_with(type=kind, answer={"choice": "customer"}, message={"text": "yes"})
    assert derive_fact("answer", sent_value, stage="awaiting_answer") is None


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
def test_phrase_is_an_answer_only_in_stage_awaiting_answer(stage: str, answer: str) -> None:
    sent_value = event_with(type="contact.replied", message={"text": "Yes!"})
    assert derive_fact("answer", sent_value, stage=stage) == answer


@pytest.mark.parametrize("stage", ["new", "awaiting_answer", "qualifying"])
def test_choice_is_an_answer_in_every_stage_and_overrides_the_phrase(stage: str) -> None:
    sent_value = event_with(
        type="contact.replied", message={"text": "yes"}, answer={"choice": "not_customer"}
    )
    assert derive_fact("answer", sent_value, stage=stage) == "not_customer"


def test_message_without_text_is_an_unclear_answer() -> None:
    sent_value = event_with(type="contact.replied", message={})
    assert derive_fact("answer", sent_value, stage="awaiting_answer") == "unclear"


@pytest.mark.parametrize(
    ("sent_value", "stage", "question", "is_open"),
    [
        ({"type": "question.expired"}, "awaiting_answer", "q-1", False),
        ({"type": "question.expired", "occurred_at": DEADLINE}, "awaiting_answer", "q-1", True),
        ({"type": "question.expired", "occurred_at": LOCAL}, "awaiting_answer", "q-1", True),
        ({"type": "question.expired"}, "qualifying", None, True),
        ({"type": "question.expired"}, "new", None, False),
        ({"type": "question.expired", "occurred_at": DEADLINE}, "routed", "q-1", False),
        ({"type": "question.expired", "question": {"id": "q-1"}}, "awaiting_contact", "q-1", True),
        ({"type": "question.expired", "question": {"id": "q-2"}}, "awaiting_contact", "q-1", False),
        ({"type": "question.expired", "question": {"id": "q-1"}}, "routed", None, False),
        ({"type": "contact.identified"}, "awaiting_contact", "q-1", None),
    ],
)
def test_expired_question_is_open_only_when_it_is_the_open_one(
    sent_value: dict[str, Any],
    stage: str,
    question: str | None,
    is_open: bool | None,  # noqa: FBT001
) -> None:
    """An expiry without an id means the open question, from its deadline on."""
    open_question = OpenQuestion(question, DEADLINE) if question else None
    assert (
        derive_fact("question.open", event_with(**sent_value), stage=stage, question=open_question)
        is is_open
    )


def test_expiry_without_an_id_means_the_open_question_when_its_deadline_is_unknown() -> None:
    open_question = OpenQuestion("q-1", None)
    sent_value = event_with(type="question.expired")
    assert (
        derive_fact("question.open", sent_value, stage="qualifying", question=open_question) is True
    )


def test_sample_bucket_is_derived_from_sha_256() -> None:
    """It is equal on any machine: the first 8 bytes, big-endian, modulo 10,000."""
    hashed = hashlib.sha256(b"acme/c-\xc3\xbc").digest()
    assert sample_bucket("acme", "c-ü") == int.from_bytes(hashed[:8], "big") % 10_000
    assert sample_bucket("acme", "c-1") == 9041
    assert sample_bucket("acme", "c-2") != sample_bucket("acme", "c-1")


def test_sample_buckets_are_spread_evenly() -> None:
    buckets = [sample_bucket("acme", f"c-{number}") for number in range(10_000)]
    assert min(buckets) < 10
    assert max(buckets) > 9_989
    assert 4_700 < sum(number < 5_000 for number in buckets) < 5_300


@pytest.mark.parametrize(
    ("name", "sent_value", "expected"),
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
def test_attribute_is_known_only_when_declared_and_of_its_type(
    name: str, sent_value: Any, expected: Any
) -> None:
    """A different type is unknown and not refused.

    Personal and undeclared attributes are not facts.
    """
    fact_values = derive_facts(DECLARING, event_with(attributes={name: sent_value}), Conversation())
    value = fact_values.get(f"attributes.{name}")
    assert value == expected
    assert type(value) is type(expected)


def test_attribute_is_unknown_when_it_is_not_sent() -> None:
    assert not any(
        name.startswith("attributes.")
        for name in derive_facts(DECLARING, event_with(), Conversation())
    )
