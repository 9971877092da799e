"""Events that only `otherwise` decides, by type and stage. That may be intended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.model.document import OTHERWISE, OneOfCondition
from rules.model.vocabulary import EVENT_TYPE_FACT, STAGE_FACT, EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject
    from rules.model.document import Conditions

CODE = "otherwise_decides"


def find_uncovered_events(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each type and stage without a rule."""
    [otherwise] = subject.own_search.cases[0][-1:]
    for event_type in EventType:
        facts_by_stage = {}
        for stage in Stage:
            facts = subject.own_search.find_reaching_facts(
                otherwise, subject.own_search.space.box_where(_event_conditions(event_type, stage))
            )
            if facts is not None:
                facts_by_stage[stage.value] = facts
        if facts_by_stage:
            message = (
                f"otherwise decides some {event_type} events in {', '.join(facts_by_stage)}: "
                "no rule matches them"
            )
            example = subject.build_example(next(iter(facts_by_stage.values())))
            type_box = (
                subject.own_search.space.box_where(
                    ((EVENT_TYPE_FACT, OneOfCondition((event_type.value,))),)
                )
                or {}
            )
            region = subject.own_search.region(type_box, otherwise.earlier_bits)
            pointer = subject.pointers[OTHERWISE]
            yield Finding(pointer, CODE, message, example, region=region)


def _event_conditions(event_type: EventType, stage: Stage) -> Conditions:
    return (
        (EVENT_TYPE_FACT, OneOfCondition((event_type.value,))),
        (STAGE_FACT, OneOfCondition((stage.value,))),
    )
