"""One event of one conversation, decided: the definition of a decision.

The service decides events, replay and backtests decide recorded facts; all of them come here. The
functions are pure: the same policy, event and conversation give the same decision, on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.engine.actions import render_actions
from rules.engine.facts import Conversation, OpenQuestion, derive_facts
from rules.model.vocabulary import QUESTION_ACTIONS, WAITING_STAGES, ActionType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.engine.compiler import CompiledPolicy
    from rules.model.document import Facts, Json, Scalar
    from rules.model.event import Event

    RenderedAction = Mapping[str, Json]
    """One action of a decision, as it is carried out."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one event.

    `language` is that of the conversation's first decision, None while it is unknown. `stage` is
    the stage after the decision. `question` is the question that is open then.
    """

    id: str
    facts: Mapping[str, Scalar]
    outcome: str
    reason: str
    rule: str
    stage: str
    actions: Sequence[RenderedAction]
    question: OpenQuestion | None
    language: str | None

    @property
    def conversation(self) -> Conversation:
        """The conversation after this decision."""
        return Conversation(
            stage=self.stage,
            asks=count_asks(self.facts, self.actions),
            question=self.question,
            language=self.language,
            begun=True,
        )


def decide(
    policy: CompiledPolicy, event: Event, conversation: Conversation, decision_id: str
) -> Decision:
    """Return the decision of a policy on an event, with the facts that it rests on."""
    facts = derive_facts(policy.document, event, conversation)
    language = conversation.language if conversation.begun else facts.get("message.language")
    return decide_facts(
        policy,
        facts,
        decision_id,
        event["occurred_at"],
        language=None if language is None else str(language),
        question=conversation.question,
    )


def decide_facts(  # noqa: PLR0913 - each argument is a part of the record
    policy: CompiledPolicy,
    facts: Mapping[str, Scalar],
    decision_id: str,
    occurred_at: str,
    *,
    language: str | None,
    question: OpenQuestion | None = None,
) -> Decision:
    """Return the decision of a policy on facts that are known already.

    `language` is that of the conversation, `question` the open question before the decision.
    """
    ruling = policy.decide(facts)
    stage = ruling.stage or str(facts["conversation.stage"])
    languages = facts.get("message.language"), language
    rendered_actions = render_actions(
        ruling, policy.bound_document, decision_id, occurred_at, languages
    )
    return Decision(
        decision_id,
        facts,
        ruling.outcome,
        ruling.reason,
        ruling.rule,
        stage,
        rendered_actions,
        find_open_question(stage, rendered_actions, question),
        language,
    )


def find_open_question(
    stage: str, rendered_actions: Sequence[RenderedAction], earlier_question: OpenQuestion | None
) -> OpenQuestion | None:
    """Return the question that is open after a decision, None if none is.

    That is the newest question while the stage waits for an answer, or else `earlier_question`.
    """
    if stage not in WAITING_STAGES:
        return None
    for action in reversed(rendered_actions):
        if action["type"] in QUESTION_ACTIONS:
            return OpenQuestion(str(action["id"]), str(action["expires_at"]))
    return earlier_question


def count_asks(facts: Facts, rendered_actions: Sequence[RenderedAction]) -> int:
    """Return the number of decisions with an `ask`, after one with these facts and actions."""
    has_ask = any(action["type"] == ActionType.ASK for action in rendered_actions)
    return int(facts["conversation.asks"]) + has_ask
