"""The properties of a document, proved over all facts there can be.

A property says what may be decided of all facts that its `for_all` holds for, under the settings
of the document as they stand. It holds where no such facts get another decision; where it does
not, facts are shown that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.analysis.example import Example, example_of, in_words
from rules.analysis.fact_space import meet
from rules.analysis.reachability import Reach
from rules.analysis.solver import Undecided
from rules.model.document import OneOf, When, resolve, when_of
from rules.model.document_tree import Part
from rules.model.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.analysis.fact_space import Box
    from rules.errors import Complaint
    from rules.model.document import Document, Rule

STAGE = "conversation.stage"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one property: it holds, or an example breaks it, or neither could be told."""

    at: Part
    holds: bool
    example: Example | None

    @property
    def id(self) -> str:
        stated: str = self.at.value["id"]
        return stated

    @property
    def complaint(self) -> Complaint | None:
        """What the document is refused with."""
        if self.holds:
            return None
        if self.example is None:
            message = f"{self.id} could be neither proved nor broken: simplify it, or the rules"
            return self.at.complain("property_undecided", message)
        message = f"{self.id} does not hold: {in_words(self.example)}"
        return self.at.complain("property_broken", message)


def prove(document: Document) -> tuple[Proof, ...]:
    """Each property of a document in which nothing else is wrong, in order."""
    stated = list(Part("", document.tree).member("properties").items())
    if not stated:
        return ()
    bound = document.own
    whens = [when_of(resolve(part.value["for_all"], bound.settings)) for part in stated]
    reach = Reach(bound, asked=(*whens, *map(_in_stage, Stage)))
    return tuple(_proved(reach, *each) for each in zip(stated, whens, strict=True))


def _proved(reach: Reach, stated: Part, when: When) -> Proof:
    try:
        facts = next(_breaking(reach, stated.value, when), None)
    except Undecided:
        return Proof(stated, holds=False, example=None)
    if facts is None:
        return Proof(stated, holds=True, example=None)
    return Proof(stated, holds=False, example=example_of(reach.documents[0], facts))


def _breaking(reach: Reach, stated: Mapping[str, Any], when: When) -> Iterator[dict[str, Any]]:
    """Facts that get a decision that the property does not allow."""
    for case in reach.cases[0]:
        forbidden = _forbidden(reach, stated, case.rule)
        if forbidden is None:
            continue
        for box in reach.boxes(when):
            within = meet(box, forbidden)
            facts = None if within is None else reach.reaching(case, within)
            if facts is not None:
                yield facts


def _forbidden(reach: Reach, stated: Mapping[str, Any], rule: Rule) -> Box | None:
    """Where the property does not allow what this rule says; None: nowhere."""
    says = {"outcome_in": rule.outcome, "reason_in": rule.reason, "rule_in": rule.id}
    if rule.stage is not None:
        says["stage_in"] = rule.stage
    if any(said not in stated[key] for key, said in says.items() if key in stated):
        return {}
    if rule.stage is not None or "stage_in" not in stated:
        return None
    return _outside(reach, stated["stage_in"])


def _outside(reach: Reach, stages: Sequence[str]) -> Box | None:
    """The facts in no such stage, of a conversation that stays in its stage."""
    left = 0
    for stage in Stage:
        if stage.value not in stages:
            left |= reach.space.mask(STAGE, OneOf((stage.value,)))
    return {STAGE: left} if left else None


def _in_stage(stage: Stage) -> When:
    return When(((STAGE, OneOf((stage.value,))),))
