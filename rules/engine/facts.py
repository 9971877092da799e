"""The facts of an event. They are derived once and recorded with the decision."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.engine.evaluator import is_number
from rules.formats.contact_details import is_email_address, is_phone_number
from rules.formats.language_tags import derive_language
from rules.formats.phrases import find_choice
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.formats.timestamps import parse_timestamp
from rules.model.vocabulary import (
    BUCKET_COUNT,
    DEFAULT_CHANNEL,
    WAITING_STAGES,
    AnswerChoice,
    FactType,
    Stage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.model.document import Document, Json, Scalar
    from rules.model.event import Event


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for an answer: the id of the action that asked, and its deadline.

    `expires_at` is None if an older leaf did not record it.
    """

    id: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The state of a conversation after its earlier decisions. The defaults are a new one.

    `asks` counts the decisions with an `ask`. `question` is the open question. `language` is that
    of the first decision. `begun` is true after the first decision.
    """

    stage: str = Stage.NEW.value
    asks: int = 0
    question: OpenQuestion | None = None
    language: str | None = None
    begun: bool = False


def derive_facts(document: Document, event: Event, conversation: Conversation) -> dict[str, Scalar]:
    """Return every known fact of the event under this document, by name."""
    facts = {
        "event.type": event["type"],
        "workspace.plan": event["workspace"]["plan"],
        "conversation.direction": event["conversation"].get("direction"),
        "conversation.channel": event["conversation"].get("channel", DEFAULT_CHANNEL),
        "conversation.assigned": event["conversation"].get("assigned", False),
        "conversation.stage": conversation.stage,
        "conversation.asks": conversation.asks,
        "contact.kind": event["contact"]["kind"],
        "contact.identity": event["contact"].get("identity", "none"),
        "contact.reachable": _is_reachable(event),
        "message.language": _derive_language(event),
        "answer": _derive_answer(document, event, conversation.stage),
        "question.open": _is_question_open(event, conversation),
        "office.open": True,
        "sample.bucket": sample_bucket(event["workspace"]["id"], event["conversation"]["id"]),
    }
    known_facts: dict[str, Scalar] = {
        name: fact for name, fact in facts.items() if fact is not None
    }
    known_facts.update(_derive_attributes(document, event))
    return known_facts


def sample_bucket(workspace: str, conversation: str) -> int:
    """Return a number from 0 to 9,999 from SHA-256 alone, equal on every machine."""
    hashed = hashlib.sha256(f"{workspace}/{conversation}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") % BUCKET_COUNT


def _is_reachable(event: Event) -> bool:
    contact = event["contact"]
    return is_email_address(contact.get("email", "")) or is_phone_number(contact.get("phone", ""))


def _derive_language(event: Event) -> str | None:
    message = event.get("message", {})
    contact = event["contact"]
    return derive_language(message.get("language")) or derive_language(contact.get("language"))


def _derive_answer(document: Document, event: Event, stage: str) -> str | None:
    if event["type"] != "contact.replied":
        return None
    if "answer" in event:
        return event["answer"]["choice"]
    if stage == Stage.AWAITING_ANSWER:
        text = event.get("message", {}).get("text", "")
        return find_choice(document.phrases, text) or AnswerChoice.UNCLEAR.value
    return AnswerChoice.UNCLEAR.value


def _is_question_open(event: Event, conversation: Conversation) -> bool | None:
    """Return True if the expired question is open.

    An expiry without an id means the open question, unless it occurred before the deadline of that
    question: then it belongs to an earlier one.
    """
    if event["type"] != "question.expired":
        return None
    question = conversation.question
    expired = event.get("question", {}).get("id")
    if expired is not None:
        return question is not None and expired == question.id
    if conversation.stage not in WAITING_STAGES:
        return False
    if question is None or question.expires_at is None:
        return True
    return parse_timestamp(event["occurred_at"]) >= parse_timestamp(question.expires_at)


def _derive_attributes(document: Document, event: Event) -> Iterator[tuple[str, Scalar]]:
    """Yield the declared attributes that are not personal and have their declared type."""
    attributes = event.get("attributes", {})
    for name, declaration in document.declared_attributes.items():
        value = attributes.get(name.removeprefix("attributes."))
        if (
            value is not None
            and not declaration.get("personal")
            and _is_of_type(value, declaration)
        ):
            yield name, int(value) if declaration["type"] == FactType.INTEGER else value


def _is_of_type(value: Json, declaration: dict[str, Json]) -> bool:
    match declaration["type"]:
        case FactType.BOOLEAN:
            return isinstance(value, bool)
        case FactType.INTEGER:
            is_in_range = is_number(value) and abs(value) <= MAX_SAFE_INTEGER
            return is_in_range and value == int(value)
        case FactType.ENUM:
            return isinstance(value, str) and bool(value in declaration["values"])
        case _:
            return isinstance(value, str)
