"""The properties of a document, proved over all possible facts.

A property states which decisions are allowed for the facts that its `for_all` matches, under the
document's own settings. It holds if no such facts get another decision. Otherwise a counterexample
is returned.
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
    """The result for one property: it holds, an example breaks it, or it is undecided."""

    node: TreeNode
    holds: bool
    example: DecidedExample | None

    @property
    def id(self) -> str:
        """The id of the property."""
        property_id: str = self.node.value["id"]
        return property_id

    @property
    def complaint(self) -> Complaint | None:
        """The complaint that refuses the document; None if the property holds."""
        if self.holds:
            return None
        if self.example is None:
            message = f"{self.id} needs too many steps: simplify the property or the rules"
            return self.node.complain("property_undecided", message)
        message = f"{self.id} does not hold: {describe_example(self.example)}"
        return self.node.complain("property_broken", message)


def prove_properties(document: Document) -> tuple[PropertyProof, ...]:
    """Return the proof of each property of a document without other faults, in order."""
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
    """Yield facts with a decision that the property does not allow."""
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
    """Return the box in which the rule's decision is not allowed; None if there is none."""
    decided = {"outcome_in": rule.outcome, "reason_in": rule.reason, "rule_in": rule.id}
    if rule.stage is not None:
        decided["stage_in"] = rule.stage
    if any(value not in property_[key] for key, value in decided.items() if key in property_):
        return {}
    if rule.stage is not None or "stage_in" not in property_:
        return None
    return _other_stages_box(search, property_["stage_in"])


def _other_stages_box(search: ReachabilitySearch, stages: Sequence[str]) -> Box | None:
    """Return the box of facts in no such stage, for a decision that keeps the stage."""
    stage_mask = 0
    for stage in Stage:
        if stage.value not in stages:
            stage_mask |= search.space.classes_where(STAGE_FACT, OneOfCondition((stage.value,)))
    return {STAGE_FACT: stage_mask} if stage_mask else None


def _stage_condition(stage: Stage) -> When:
    return When(((STAGE_FACT, OneOfCondition((stage.value,))),))
