"""Events that no rule decides, by type and stage: `otherwise` does. It may well be meant."""

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
    [last] = subject.own_search.cases[0][-1:]
    for kind in EventType:
        left = {}
        for stage in Stage:
            facts = subject.own_search.find_reaching_facts(
                last, subject.own_search.space.box_where(_event_conditions(kind, stage))
            )
            if facts is not None:
                left[stage.value] = facts
        if left:
            message = f"No rule decides every {kind} in {', '.join(left)}: otherwise does"
            example = subject.build_example(next(iter(left.values())))
            of_kind = (
                subject.own_search.space.box_where(
                    ((EVENT_TYPE_FACT, OneOfCondition((kind.value,))),)
                )
                or {}
            )
            region = subject.own_search.region(of_kind, last.earlier_bits)
            at = subject.pointers[OTHERWISE]
            yield Finding(at, CODE, message, example, region=region)


def _event_conditions(kind: EventType, stage: Stage) -> Conditions:
    return (
        (EVENT_TYPE_FACT, OneOfCondition((kind.value,))),
        (STAGE_FACT, OneOfCondition((stage.value,))),
    )
