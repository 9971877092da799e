"""The properties of a document, proved over all facts there can be.

A property says what may be decided of all facts that its `for_all` holds for, under the settings
of the document as they stand. It holds where no such facts get another decision; where it does
not, facts are shown that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.analysis.example import DecidedExample, build_example, describe_example
from rules.analysis.fact_space import intersect
from rules.analysis.reachability import ReachabilitySearch
from rules.analysis.solver import StepLimitError
from rules.model.document import OneOfCondition, When, parse_when, resolve_references
from rules.model.document_tree import TreeNode
from rules.model.vocabulary import STAGE_FACT, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.analysis.fact_space import Box
    from rules.errors import Complaint
    from rules.model.document import Document, Rule


@dataclass(frozen=True, slots=True)
class PropertyProof:
    """What came of one property: it holds, or an example breaks it, or neither could be told."""

    node: TreeNode
    holds: bool
    example: DecidedExample | None

    @property
    def id(self) -> str:
        property_id: str = self.node.value["id"]
        return property_id

    @property
    def complaint(self) -> Complaint | None:
        """What the document is refused with."""
        if self.holds:
            return None
        if self.example is None:
            message = f"{self.id} could be neither proved nor broken: simplify it, or the rules"
            return self.node.complain("property_undecided", message)
        message = f"{self.id} does not hold: {describe_example(self.example)}"
        return self.node.complain("property_broken", message)


def prove_properties(document: Document) -> tuple[PropertyProof, ...]:
    """Each property of a document in which nothing else is wrong, in order."""
    nodes = list(TreeNode("", document.tree).member("properties").items())
    if not nodes:
        return ()
    binding = document.own_binding
    whens = [
        parse_when(resolve_references(node.value["for_all"], binding.settings)) for node in nodes
    ]
    search = ReachabilitySearch(binding, extra_whens=(*whens, *map(_stage_condition, Stage)))
    return tuple(
        _prove_property(search, *node_and_when) for node_and_when in zip(nodes, whens, strict=True)
    )


def _prove_property(search: ReachabilitySearch, node: TreeNode, when: When) -> PropertyProof:
    try:
        facts = next(_find_counterexamples(search, node.value, when), None)
    except StepLimitError:
        return PropertyProof(node, holds=False, example=None)
    if facts is None:
        return PropertyProof(node, holds=True, example=None)
    return PropertyProof(node, holds=False, example=build_example(search.documents[0], facts))


def _find_counterexamples(
    search: ReachabilitySearch, property_: Mapping[str, Any], when: When
) -> Iterator[dict[str, Any]]:
    """Facts that get a decision that the property does not allow."""
    for case in search.cases[0]:
        forbidden = _disallowed_box(search, property_, case.rule)
        if forbidden is None:
            continue
        for box in search.boxes_where(when):
            disallowed = intersect(box, forbidden)
            facts = None if disallowed is None else search.find_reaching_facts(case, disallowed)
            if facts is not None:
                yield facts


def _disallowed_box(
    search: ReachabilitySearch, property_: Mapping[str, Any], rule: Rule
) -> Box | None:
    """Where the property does not allow what this rule says; None: nowhere."""
    decided = {"outcome_in": rule.outcome, "reason_in": rule.reason, "rule_in": rule.id}
    if rule.stage is not None:
        decided["stage_in"] = rule.stage
    if any(value not in property_[key] for key, value in decided.items() if key in property_):
        return {}
    if rule.stage is not None or "stage_in" not in property_:
        return None
    return _other_stages_box(search, property_["stage_in"])


def _other_stages_box(search: ReachabilitySearch, stages: Sequence[str]) -> Box | None:
    """The facts in no such stage, of a conversation that stays in its stage."""
    stage_mask = 0
    for stage in Stage:
        if stage.value not in stages:
            stage_mask |= search.space.classes_where(STAGE_FACT, OneOfCondition((stage.value,)))
    return {STAGE_FACT: stage_mask} if stage_mask else None


def _stage_condition(stage: Stage) -> When:
    return When(((STAGE_FACT, OneOfCondition((stage.value,))),))
