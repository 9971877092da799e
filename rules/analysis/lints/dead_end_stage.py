"""A stage that conversations come into and that no event leads out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.model.document import OneOfCondition
from rules.model.vocabulary import STAGE_FACT, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject

CODE = "stage_dead_end"
FINAL_STAGES = frozenset({Stage.ROUTED, Stage.NOT_ROUTED})
"""The stages in which routing is over, and nothing need lead on."""


def find_dead_end_stages(subject: LintSubject) -> Iterator[Finding]:
    come: dict[str, str] = {Stage.NEW.value: ""}
    waiting = [Stage.NEW.value]
    while waiting:
        stage = waiting.pop()
        onward = _next_stages(subject, stage)
        for to, rule in onward.items():
            if to not in come:
                come[to] = rule
                waiting.append(to)
        if not onward and stage not in FINAL_STAGES:
            facts = subject.any_search.find_facts(_stage_box(subject, stage), 0)
            at = f"{subject.pointers[come[stage]]}/stage" if come[stage] else ""
            message = f"Nothing leads on from {stage}: every event leaves the conversation there"
            example = None if facts is None else subject.build_example(facts)
            yield Finding(at, CODE, message, example)


def _next_stages(subject: LintSubject, stage: str) -> dict[str, str]:
    """The other stages that a conversation comes to from this one, each with a rule."""
    found: dict[str, str] = {}
    for case in subject.any_search.cases[0]:
        to = case.rule.stage
        if to is None or to == stage or to in found:
            continue
        if subject.any_search.find_reaching_facts(case, _stage_box(subject, stage)) is not None:
            found[to] = case.rule.id
    return found


def _stage_box(subject: LintSubject, stage: str) -> dict[str, int]:
    return {
        STAGE_FACT: subject.any_search.space.classes_where(STAGE_FACT, OneOfCondition((stage,)))
    }
