"""Decide in this process, with conversations kept in memory by the laws of the service.

The earlier decisions determine the state of a conversation: its stage, the number of questions,
the open question, and the language of the first decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.engine.actions import render_actions
from rules.engine.compiler import compile_document
from rules.engine.evaluator import explain_ruling
from rules.engine.facts import Conversation, OpenQuestion, derive_facts
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.vocabulary import QUESTION_ACTIONS, WAITING_STAGES, ActionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.engine.ruling import Ruling
    from rules.model.document import Scalar


@dataclass(frozen=True)
class ConversationState:
    """The state of a conversation after its last decision."""

    conversation: Conversation
    language: str | None


class Conversations:
    """A decider of events under one document, each conversation in order of arrival."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._policy = compile_document(Document(tree))
        self._kept: dict[str, ConversationState] = {}

    def decide(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The decision on the event, without what only the ledger can add."""
        checked = parse_event(event)
        name = checked["conversation"]["id"]
        before = self._kept.get(name)
        conversation = before.conversation if before else Conversation()
        facts = derive_facts(self._policy.document, checked, conversation)
        ruling = self._policy.decide(facts)
        assert ruling == explain_ruling(self._policy.bound_document, facts).ruling
        language = _text_of(facts, "message.language")
        first = before.language if before else language
        identity = f"dec-{checked['id']}"
        asked = render_actions(
            ruling, self._policy.bound_document, identity, checked["occurred_at"], (language, first)
        )
        after = _after(conversation, ruling, asked)
        self._kept[name] = ConversationState(after, first)
        return {
            "id": identity,
            "event": checked["id"],
            "conversation": name,
            "outcome": ruling.outcome,
            "reason": ruling.reason,
            "rule": ruling.rule,
            "stage": after.stage,
            "actions": asked,
        }


def _after(
    before: Conversation, ruling: Ruling, asked: Sequence[Mapping[str, Any]]
) -> Conversation:
    stage = ruling.stage or before.stage
    questions = [
        OpenQuestion(action["id"], action["expires_at"])
        for action in asked
        if action["type"] in QUESTION_ACTIONS
    ]
    question = questions[-1] if questions else before.question
    return Conversation(
        stage=stage,
        asks=before.asks + any(action["type"] == ActionType.ASK for action in asked),
        question=question if stage in WAITING_STAGES else None,
    )


def _text_of(facts: Mapping[str, Scalar], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) else None
