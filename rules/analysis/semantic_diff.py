"""The semantic difference of two documents: the facts that they decide differently.

Facts that one document decides by one rule and the other by another are one group. A group is
reported if the decisions differ, whatever the names of the rules are. A difference in texts alone
is marked. Each document has its own settings, and both see the same stage and history.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any

from rules.analysis.domains import EVENT_TYPE_BY_FACT
from rules.analysis.example import build_given
from rules.analysis.example_conversations import ConversationSearch, collect_leading_facts
from rules.analysis.fact_space import intersect
from rules.analysis.reachability import MAX_STEPS, ReachabilitySearch
from rules.analysis.solver import StepLimitError
from rules.engine import actions
from rules.engine.ruling import Ruling
from rules.model.document import OneOfCondition, When
from rules.model.test_defaults import complete_facts
from rules.model.vocabulary import STAGE_FACT, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.analysis.fact_space import Box
    from rules.analysis.reachability import CaseVariant, RuleCase
    from rules.analysis.regions import Region
    from rules.model.document import BoundDocument, Document, Scalar
    from rules.model.event import Event

MAX_GROUPS = 200
"""Maximum number of reported groups."""
_SAMPLE_TIME = "2026-01-01T00:00:00Z"
_TEXT_MEMBERS = ("text", "choices")


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """One document's decision on the facts of a group; `stage` is None if the stage stays."""

    rule: str
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Mapping[str, Any], ...]
    """The actions as carried out, in the default language."""


@dataclass(frozen=True, slots=True)
class SemanticChange:
    """Facts that get another decision, or other texts."""

    texts_only: bool
    before: GroupDecision
    after: GroupDecision
    fact_values: Mapping[str, tuple[str, ...]]
    """The values of each fact that the group restricts, for a reader."""
    example: Mapping[str, Scalar | None]
    """Facts of the group, as a test of a document gives them."""
    region: Region = field(repr=False, compare=False)
    """All facts of the group."""
    conversation: tuple[Event, ...] | None = None
    """Events of which the last has these facts, if the earlier document decides them all.
    None if none was found.
    """


@dataclass(frozen=True, slots=True)
class SemanticDiff:
    """The changes; `complete` is False if there may be more."""

    changes: tuple[SemanticChange, ...]
    complete: bool


def compare_decisions(
    before: Document, after: Document, max_steps: int = MAX_STEPS
) -> SemanticDiff:
    """Return the changes in the later document, as far as the steps allow."""
    if before.digest == after.digest:
        return SemanticDiff((), complete=True)
    stages = tuple(When(((STAGE_FACT, OneOfCondition((stage.value,))),)) for stage in Stage)
    comparison = _DocumentComparison(
        ReachabilitySearch(
            before.own_binding, after.own_binding, extra_whens=stages, max_steps=max_steps
        )
    )
    changes: list[SemanticChange] = []
    complete = True
    try:
        changes.extend(islice(comparison.find_changes(), MAX_GROUPS + 1))
    except StepLimitError:
        complete = False
    complete_changes = tuple(comparison.add_conversations(changes[:MAX_GROUPS]))
    return SemanticDiff(complete_changes, complete and len(changes) <= MAX_GROUPS)


class _DocumentComparison:
    """Two documents over one space."""

    def __init__(self, search: ReachabilitySearch) -> None:
        self._search = search
        documents = search.documents
        self._tags = [(tag,) for document in documents for tag in document.document.messages]
        self._rendered_variants: dict[
            tuple[int, int], list[tuple[CaseVariant, _RenderedVariant]]
        ] = {}

    def find_changes(self) -> Iterator[SemanticChange]:
        """Yield the changes in the order of the earlier document's rules."""
        before, after = self._search.cases
        positions = [_first_positions(cases) for cases in (before, after)]
        for number, case in enumerate(before):
            key = _box_key(case.box)
            for other_number, other_case in enumerate(after):
                is_hidden = (
                    positions[1].get(key, inf) < other_number
                    or positions[0].get(_box_key(other_case.box), inf) < number
                )
                if not is_hidden and intersect(case.box, other_case.box) is not None:
                    yield from self._compare_cases(case, other_case)

    def add_conversations(self, changes: Iterable[SemanticChange]) -> Iterator[SemanticChange]:
        """Return the changes, each with an example conversation."""
        before, after = self._search.documents
        leading_facts = (
            list(collect_leading_facts(before.rules, self._facts_reaching)) if changes else []
        )
        search = ConversationSearch(before, self._search.space, leading_facts, after.document)
        for change in changes:
            events = search.find_conversation(complete_facts(change.example), change.before.rule)
            yield replace(change, conversation=events)

    def _facts_reaching(self, rule: str) -> Mapping[str, Scalar] | None:
        """Return facts that a rule of the earlier document decides; None if unknown."""
        try:
            solutions = map(self._search.find_reaching_facts, self._cases_by_rule[rule])
            return next((facts for facts in solutions if facts is not None), None)
        except StepLimitError:
            return None

    @cached_property
    def _cases_by_rule(self) -> Mapping[str, Sequence[RuleCase]]:
        cases: defaultdict[str, list[RuleCase]] = defaultdict(list)
        for case in self._search.cases[0]:
            cases[case.rule.id].append(case)
        return cases

    def _compare_cases(self, case: RuleCase, other_case: RuleCase) -> Iterator[SemanticChange]:
        for variant, rendered in self._render_variants(case, 0):
            for other_variant, other_rendered in self._render_variants(other_case, 1):
                box = intersect(variant.box, other_variant.box)
                if box is None or rendered.complete == other_rendered.complete:
                    continue
                texts_only = rendered.without_texts == other_rendered.without_texts
                narrow_box = self._narrow_box(box, rendered, other_rendered)
                if narrow_box is not None:
                    forbidden = variant.forbidden_bits | other_variant.forbidden_bits
                    facts = self._search.find_facts(narrow_box, forbidden)
                    if facts is not None:
                        fact_values = self._describe_group(narrow_box, forbidden)
                        given_facts = build_given(facts)
                        region = self._search.region(narrow_box, forbidden)
                        yield SemanticChange(
                            texts_only,
                            rendered.decision,
                            other_rendered.decision,
                            fact_values,
                            given_facts,
                            region,
                        )

    def _narrow_box(
        self, box: Box, rendered: _RenderedVariant, other_rendered: _RenderedVariant
    ) -> Box | None:
        """Return the box in which a kept stage differs from the stage that the other sets."""
        stages = {rendered.decision.stage, other_rendered.decision.stage}
        set_stages = stages - {None}
        if (
            rendered.without_stage != other_rendered.without_stage
            or len(stages) == 1
            or len(set_stages) != 1
        ):
            return box
        [stage] = set_stages
        space = self._search.space
        other_stages = space.all_classes(STAGE_FACT) & ~space.classes_where(
            STAGE_FACT, OneOfCondition((str(stage),))
        )
        return intersect(box, {STAGE_FACT: other_stages})

    def _describe_group(self, box: Box, forbidden: int) -> dict[str, tuple[str, ...]]:
        """Return the values of each fact in the group that is restricted there."""
        space = self._search.space
        fact_values = {}
        for name in space.examples:
            all_classes = space.all_classes(name)
            mask = box.get(name, all_classes)
            present = 0
            for number in range(all_classes.bit_length()):
                if mask >> number & 1:
                    class_box = intersect(box, {name: 1 << number})
                    if (
                        class_box is not None
                        and self._search.find_facts(class_box, forbidden) is not None
                    ):
                        present |= 1 << number
            if present != all_classes and not (
                name in EVENT_TYPE_BY_FACT and space.examples_of(name, present) == [None]
            ):
                fact_values[name] = tuple(space.describe_values(name, present))
        return fact_values

    def _render_variants(
        self, case: RuleCase, view: int
    ) -> list[tuple[CaseVariant, _RenderedVariant]]:
        key = view, case.bit
        if key not in self._rendered_variants:
            binding = self._search.documents[view]
            variants = self._search.find_variants(case, view)
            self._rendered_variants[key] = [
                (variant, _render_variant(variant, binding, self._tags)) for variant in variants
            ]
        return self._rendered_variants[key]


@dataclass(frozen=True, slots=True)
class _RenderedVariant:
    """A decision without texts and stage, for comparison."""

    decision: GroupDecision
    without_stage: Any
    without_texts: Any
    complete: Any


def _render_variant(
    variant: CaseVariant, binding: BoundDocument, tags: list[tuple[str]]
) -> _RenderedVariant:
    rule = variant.case.rule
    ruling = Ruling(rule.id, rule.outcome, rule.reason, rule.stage, variant.actions)
    rendered = [_render_actions(ruling, binding, languages) for languages in ((), *tags)]
    actions = [
        {k: v for k, v in action.items() if k not in _TEXT_MEMBERS} for action in rendered[0]
    ]
    without_texts = (rule.outcome, rule.reason, rule.stage, actions)
    decision = GroupDecision(rule.id, rule.outcome, rule.reason, rule.stage, tuple(rendered[0]))
    without_stage = (rule.outcome, rule.reason, rendered)
    return _RenderedVariant(decision, without_stage, without_texts, (without_texts, rendered))


def _render_actions(
    ruling: Ruling, binding: BoundDocument, languages: tuple[str, ...]
) -> list[Any]:
    rendered = actions.render_actions(ruling, binding, "", _SAMPLE_TIME, languages)
    answer_within = binding.settings["answer_within"]
    with_duration = (
        {**action, "expires_after": answer_within} if "expires_at" in action else action
        for action in rendered
    )
    return [
        {k: v for k, v in action.items() if k not in {"id", "expires_at"}}
        for action in with_duration
    ]


def _box_key(box: Box) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(box.items()))


def _first_positions(cases: list[RuleCase]) -> dict[tuple[tuple[str, int], ...], int]:
    """Return the first position of each box."""
    positions: dict[tuple[tuple[str, int], ...], int] = {}
    for number, case in enumerate(cases):
        positions.setdefault(_box_key(case.box), number)
    return positions
