"""A stage that conversations enter and that no event leaves."""

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
"""The stages in which routing is finished, so that nothing needs to follow."""


def find_dead_end_stages(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each dead end."""
    rule_by_stage: dict[str, str] = {Stage.NEW.value: ""}
    queue = [Stage.NEW.value]
    while queue:
        stage = queue.pop()
        next_stages = _next_stages(subject, stage)
        for next_stage, rule in next_stages.items():
            if next_stage not in rule_by_stage:
                rule_by_stage[next_stage] = rule
                queue.append(next_stage)
        if not next_stages and stage not in FINAL_STAGES:
            facts = subject.any_search.find_facts(_stage_box(subject, stage), 0)
            pointer = (
                f"{subject.pointers[rule_by_stage[stage]]}/stage" if rule_by_stage[stage] else ""
            )
            message = f"No event leads out of {stage}: add a rule with a different stage"
            example = None if facts is None else subject.build_example(facts)
            yield Finding(pointer, CODE, message, example)


def _next_stages(subject: LintSubject, stage: str) -> dict[str, str]:
    """Return the other stages that a conversation can go to from this one, each with a rule."""
    rule_by_stage: dict[str, str] = {}
    for case in subject.any_search.cases[0]:
        next_stage = case.rule.stage
        if next_stage is None or next_stage == stage or next_stage in rule_by_stage:
            continue
        if subject.any_search.find_reaching_facts(case, _stage_box(subject, stage)) is not None:
            rule_by_stage[next_stage] = case.rule.id
    return rule_by_stage


def _stage_box(subject: LintSubject, stage: str) -> dict[str, int]:
    return {
        STAGE_FACT: subject.any_search.space.classes_where(STAGE_FACT, OneOfCondition((stage,)))
    }
