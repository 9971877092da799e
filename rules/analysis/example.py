"""An example: one set of facts and its decision. It illustrates each answer over all facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.engine.evaluator import explain_rules
from rules.model.test_defaults import BASE_FACTS, SETTING_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.engine.evaluator import RulingExplanation
    from rules.model.document import BoundDocument, Scalar
    from rules.model.event import Event

_MAX_VALUE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """A decision, as a test of a document would expect it."""

    outcome: str
    reason: str
    rule: str
    stage: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecidedExample:
    """Facts, as a test of a document gives them, and their decision."""

    given: Mapping[str, Scalar | None]
    """The facts that differ from those of a test without `given`; None for an unknown fact."""
    decision: DecisionSummary
    conversation: tuple[Event, ...] | None = None
    """Events of which the last has these facts, under the given settings if there are any.
    None if no conversation was searched for, or none was found.
    """


def build_example(bound_document: BoundDocument, facts: Mapping[str, Scalar]) -> DecidedExample:
    """Return the facts as an example, decided by the reference evaluator.

    If the facts contain settings, these replace the document's own, and any other is unknown.
    """
    all_facts = facts if contains_settings(facts) else {**bound_document.setting_facts, **facts}
    given_facts = build_given(facts, {**BASE_FACTS, **bound_document.setting_facts})
    return DecidedExample(
        given_facts, summarise_decision(explain_rules(bound_document.rules, all_facts), facts)
    )


def contains_settings(facts: Mapping[str, Scalar]) -> bool:
    """Return True if the facts contain settings; then they contain all known settings."""
    return any(name.startswith(SETTING_PREFIX) for name in facts)


def build_given(
    facts: Mapping[str, Scalar], base: Mapping[str, Scalar] = BASE_FACTS
) -> dict[str, Scalar | None]:
    """Return the `given` of a test that starts from these facts."""
    unknown = [
        name for name in (base if contains_settings(facts) else BASE_FACTS) if name not in facts
    ]
    return {n: facts.get(n) for n in (*facts, *unknown) if facts.get(n) != base.get(n)}


def summarise_decision(
    explanation: RulingExplanation, facts: Mapping[str, Scalar]
) -> DecisionSummary:
    """Return the decision as a test of a document would expect it."""
    ruling = explanation.ruling
    stage = ruling.stage or str(facts["conversation.stage"])
    names = tuple(action.type.value for action in ruling.actions)
    return DecisionSummary(ruling.outcome, ruling.reason, ruling.rule, stage, names)


def describe_example(example: DecidedExample) -> str:
    """Return the example in one line: the facts and their decision."""
    decision = example.decision
    result = f"outcome {decision.outcome}, rule {decision.rule}, stage {decision.stage}"
    return f"{describe_given(example.given)} -> {result}"


def describe_given(given_facts: Mapping[str, Scalar | None]) -> str:
    """Return facts in one line, as a document writes them."""
    if not given_facts:
        return "the default facts of tests"
    return ", ".join(f"{name}: {_format_value(value)}" for name, value in given_facts.items())


def _format_value(value: Scalar | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value if len(value) <= _MAX_VALUE_LENGTH else f"{value[:_MAX_VALUE_LENGTH]}…"
    return json.dumps(value)
