"""`decide`: facts, outcome and actions of one event, and the conversation after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rules.engine.compiler import compile_document
from rules.engine.decide import Decision, decide, decide_facts, find_open_question
from rules.engine.facts import Conversation, OpenQuestion
from rules.model import builtin
from rules.model.document import Document

if TYPE_CHECKING:
    from rules.model.event import Event

QUESTION = OpenQuestion("dec-1.0", "2026-11-22T10:03:00Z")
POLICY = compile_document(Document(builtin.load_tree()))


def event(kind: str = "conversation.started", **members: Any) -> Event:
    body = {
        "id": "ev-1",
        "type": kind,
        "occurred_at": "2026-11-22T10:00:00Z",
        "workspace": {"id": "acme", "plan": "pro"},
        "conversation": {"id": "c-1", "direction": "inbound"},
        "contact": {"id": "ct-1", "kind": "lead"},
        "message": {"text": "Hi", "language": "en-GB"},
    }
    return cast("Event", {**body, **members})


def asked() -> Decision:
    return decide(POLICY, event(), Conversation(), "dec-1")


def test_decision_has_outcome_facts_and_rendered_actions() -> None:
    decision = asked()
    assert (decision.outcome, decision.stage, decision.rule) == (
        "ask",
        "awaiting_answer",
        "ask-if-customer",
    )
    assert decision.facts["message.language"] == "en-GB"
    assert [action["id"] for action in decision.actions] == ["dec-1.0"]


def test_conversation_after_an_ask_has_its_question_and_language() -> None:
    assert asked().conversation == Conversation("awaiting_answer", 1, QUESTION, "en-GB", begun=True)


def test_conversation_keeps_the_language_of_its_first_decision() -> None:
    reply = event("contact.replied", message={"text": "no", "language": "fr"})
    decision = decide(POLICY, reply, asked().conversation, "dec-2")
    assert decision.language == "en-GB"


def test_recorded_facts_give_the_same_decision_as_the_event() -> None:
    decision = asked()
    again = decide_facts(
        POLICY, decision.facts, "dec-1", event()["occurred_at"], language=decision.language
    )
    assert again == decision


def test_noted_event_leaves_the_open_question_open() -> None:
    decision = decide(POLICY, event("conversation.started"), asked().conversation, "dec-2")
    assert (decision.outcome, decision.question) == ("noted", QUESTION)


def test_no_question_is_open_after_routing() -> None:
    assert find_open_question("routed", [{"type": "ask", "id": "dec-1.0"}], QUESTION) is None


def test_newest_question_is_the_open_one() -> None:
    deadline = "2026-11-22T10:05:00Z"
    actions = [
        {"type": kind, "id": f"dec-2.{number}", "expires_at": deadline}
        for number, kind in enumerate(("ask", "qualify"))
    ]
    found = find_open_question("qualifying", actions, QUESTION)
    assert found == OpenQuestion("dec-2.1", deadline)
