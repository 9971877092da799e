"""Example conversations lead to the facts of the example, and its rule decides the last event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.analysis.lints.lint import LintSubject
from rules.engine.evaluator import explain_ruling
from rules.engine.facts import Conversation, derive_facts, sample_bucket
from rules.model import builtin
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.test_defaults import add_default_redirect, complete_facts, overridden_settings
from rules.model.vocabulary import ActionType
from tests.properties.random_documents import Drawing
from tests.properties.strategies import STEADY

if TYPE_CHECKING:
    from random import Random

    from rules.analysis.example import DecidedExample

BUILTIN = LintSubject(Document(builtin.load_tree()))
NOTED = {"outcome": "noted", "reason": "noted"}


def example_of(subject: LintSubject, rule: str) -> DecidedExample:
    reaching_facts = subject.facts_reaching(rule)
    assert reaching_facts is not None
    return subject.build_example(reaching_facts)


def subject_of(*rules: dict[str, Any], **parts: Any) -> LintSubject:
    written = [{"id": f"r-{number}", **NOTED, **rule} for number, rule in enumerate(rules)]
    return LintSubject(Document({"format": 1, "rules": written, "otherwise": NOTED, **parts}))


def decide_conversation(document: Document, example: DecidedExample) -> tuple[str, dict[str, Any]]:
    """Return the rule that decides the last event, and its facts, after all events are decided."""
    bound = document.bind(
        {**document.settings, **overridden_settings(add_default_redirect(example.given))}
    )
    state = Conversation()
    assert example.conversation
    for event in example.conversation:
        last_facts = derive_facts(document, parse_event(event), state)
        ruling = explain_ruling(bound, last_facts).ruling
        question = any(action.type is ActionType.ASK for action in ruling.actions)
        state = Conversation(ruling.stage or state.stage, state.asks + question)
    return ruling.rule, last_facts


@pytest.mark.parametrize("rule", [rule.id for rule in BUILTIN.document.own_binding.rules])
def test_example_conversation_exists_for_every_built_in_rule(rule: str) -> None:
    example = example_of(BUILTIN, rule)
    decided, last_facts = decide_conversation(BUILTIN.document, example)
    assert decided == rule
    expected_facts = complete_facts(example.given)
    ignored = {"conversation.asks", "sample.bucket"}
    assert {n: v for n, v in last_facts.items() if n not in ignored} == {
        n: v for n, v in expected_facts.items() if n not in ignored
    }


def draw_document(random: Random, rules: int) -> dict[str, Any]:
    return Drawing(random).document(rules)


@settings(STEADY, max_examples=100)
@given(st.builds(draw_document, st.randoms(use_true_random=True), st.integers(1, 5)))
def test_example_conversation_of_random_document_is_decided_by_its_rule(
    tree: dict[str, Any],
) -> None:
    subject = LintSubject(Document(tree))
    for rule in subject.document.own_binding.rules:
        reaching_facts = subject.facts_reaching(rule.id)
        if (
            reaching_facts is not None
            and subject.build_example(reaching_facts).conversation is not None
        ):
            example = subject.build_example(reaching_facts)
            decided, last_facts = decide_conversation(subject.document, example)
            assert decided == rule.id
            assert len({event["id"] for event in example.conversation or ()}) == len(
                example.conversation or ()
            )
            for name in subject.any_search.space.examples:
                if not name.startswith("settings."):
                    of = subject.any_search.space.class_of
                    assert of(name, last_facts.get(name)) == of(name, reaching_facts.get(name))


def test_example_has_no_conversation_when_no_event_leads_to_its_stage() -> None:
    subject = subject_of({"when": {"conversation.stage": "qualifying"}})
    assert example_of(subject, "r-0").conversation is None


def test_conversation_id_matches_the_sample_bucket() -> None:
    subject = subject_of({"when": {"sample.bucket": {"gte": 9_990}}})
    [event] = example_of(subject, "r-0").conversation or ()
    assert sample_bucket(event["workspace"]["id"], event["conversation"]["id"]) >= 9_990


def test_unclear_reply_is_not_a_phrase_of_the_document() -> None:
    """The document may list the default unclear texts as phrases."""
    answers = {"customer": ["What do you mean?"], "not_customer": ["Tell me more!"]}
    ask = {"when": {"conversation.stage": "new"}, "stage": "awaiting_answer", "actions": ["ask"]}
    unclear = {"when": {"conversation.stage": "awaiting_answer", "answer": "unclear"}}
    subject = subject_of(ask, unclear, answers=answers)
    assert decide_conversation(subject.document, example_of(subject, "r-1"))[0] == "r-1"


def test_conversation_contains_as_many_asks_as_the_fact() -> None:
    ask = {"when": {"conversation.asks": {"lt": 4}}, "stage": "awaiting_answer", "actions": ["ask"]}
    subject = subject_of(ask, {"when": {"conversation.stage": "awaiting_answer"}})
    assert len(example_of(subject, "r-1").conversation or ()) == 5


def test_example_ids_are_unique_and_deterministic() -> None:
    rules = [rule.id for rule in BUILTIN.document.own_binding.rules]
    conversations = [example_of(BUILTIN, rule).conversation or () for rule in rules]
    assert len({events[0]["conversation"]["id"] for events in conversations}) == len(rules)
    ids = [event["id"] for events in conversations for event in events]
    assert len(set(ids)) == len(ids)
    again = LintSubject(Document(builtin.load_tree()))
    assert [example_of(again, rule).conversation for rule in rules] == conversations


def test_earlier_events_have_the_language_of_the_last_event() -> None:
    """Earlier events have a different language if their rules need it."""
    question = {"stage": "awaiting_answer", "actions": ["ask"]}
    answer = {"when": {"conversation.stage": "awaiting_answer", "message.language": "fr"}}
    new = {"conversation.stage": "new"}
    english = {"message.language": {"language": "en"}}
    for when, languages in (new, ["fr", "fr"]), ({**new, **english}, ["en", "fr"]):
        subject = subject_of({"when": when, **question}, answer)
        events = example_of(subject, "r-1").conversation or ()
        conversations = [{**event["contact"], **event.get("message", {})} for event in events]
        assert [each["language"] for each in conversations] == languages
