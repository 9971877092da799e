"""What two documents decide otherwise: which facts, from what to what.

Facts that the one decides by one rule and the other by another are one group; a group is told
where what is said differs, whatever the rules are called. Where only texts differ it is told so.
Each document is taken with its own settings, and the same stage and history are put to both.
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
"""Groups that are told; with more than these nobody reads on."""
_SAMPLE_TIME = "2026-01-01T00:00:00Z"
_TEXT_MEMBERS = ("text", "choices")


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """What one document says of the facts of a group; no `stage`: it stays."""

    rule: str
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Mapping[str, Any], ...]
    """As they are carried out, in the default language."""


@dataclass(frozen=True, slots=True)
class SemanticChange:
    """Facts that are decided otherwise, or in other words."""

    texts_only: bool
    before: GroupDecision
    after: GroupDecision
    fact_values: Mapping[str, tuple[str, ...]]
    """For each fact that narrows the group the values it has there, to be read."""
    example: Mapping[str, Scalar | None]
    """Facts of the group, as a test of a document gives them."""
    region: Region = field(repr=False, compare=False)
    """All facts of the group."""
    conversation: tuple[Event, ...] | None = None
    """Events the last of which has such facts, where the earlier document decides them all.

    None where none was found.
    """


@dataclass(frozen=True, slots=True)
class SemanticDiff:
    """Every change; `complete` is false where there may be more than could be told."""

    changes: tuple[SemanticChange, ...]
    complete: bool


def compare_decisions(
    before: Document, after: Document, most_steps: int = MAX_STEPS
) -> SemanticDiff:
    """What the later document decides otherwise, as far as so many steps tell."""
    if before.digest == after.digest:
        return SemanticDiff((), complete=True)
    stages = tuple(When(((STAGE_FACT, OneOfCondition((stage.value,))),)) for stage in Stage)
    compared = _DocumentComparison(
        ReachabilitySearch(
            before.own_binding, after.own_binding, asked=stages, most_steps=most_steps
        )
    )
    changes: list[SemanticChange] = []
    complete = True
    try:
        changes.extend(islice(compared.find_changes(), MAX_GROUPS + 1))
    except StepLimitError:
        complete = False
    told = tuple(compared.add_conversations(changes[:MAX_GROUPS]))
    return SemanticDiff(told, complete and len(changes) <= MAX_GROUPS)


class _DocumentComparison:
    """Two documents over one space."""

    def __init__(self, reach: ReachabilitySearch) -> None:
        self._search = reach
        documents = reach.documents
        self._tags = [(tag,) for each in documents for tag in each.document.messages]
        self._rendered_variants: dict[
            tuple[int, int], list[tuple[CaseVariant, _RenderedVariant]]
        ] = {}

    def find_changes(self) -> Iterator[SemanticChange]:
        """In the order of the earlier document's rules."""
        before, after = self._search.cases
        places = [_first_positions(cases) for cases in (before, after)]
        for number, one in enumerate(before):
            key = _box_key(one.box)
            for at, other in enumerate(after):
                hidden = (
                    places[1].get(key, inf) < at or places[0].get(_box_key(other.box), inf) < number
                )
                if not hidden and intersect(one.box, other.box) is not None:
                    yield from self._compare_cases(one, other)

    def add_conversations(self, changes: Iterable[SemanticChange]) -> Iterator[SemanticChange]:
        """The changes, each with a conversation."""
        before, after = self._search.documents
        leads = list(collect_leading_facts(before.rules, self._facts_reaching)) if changes else []
        conversations = ConversationSearch(before, self._search.space, leads, after.document)
        for change in changes:
            events = conversations.find_conversation(
                complete_facts(change.example), change.before.rule
            )
            yield replace(change, conversation=events)

    def _facts_reaching(self, rule: str) -> Mapping[str, Scalar] | None:
        """Facts that a rule of the earlier document decides; None, too, where that is not known."""
        try:
            found = map(self._search.find_reaching_facts, self._cases_by_rule[rule])
            return next((facts for facts in found if facts is not None), None)
        except StepLimitError:
            return None

    @cached_property
    def _cases_by_rule(self) -> Mapping[str, Sequence[RuleCase]]:
        found: defaultdict[str, list[RuleCase]] = defaultdict(list)
        for case in self._search.cases[0]:
            found[case.rule.id].append(case)
        return found

    def _compare_cases(self, one: RuleCase, other: RuleCase) -> Iterator[SemanticChange]:
        for way, says in self._render_variants(one, 0):
            for other_way, other_says in self._render_variants(other, 1):
                box = intersect(way.box, other_way.box)
                if box is None or says.complete == other_says.complete:
                    continue
                texts_only = says.without_texts == other_says.without_texts
                narrowed = self._narrow_box(box, says, other_says)
                if narrowed is not None:
                    forbidden = way.forbidden_bits | other_way.forbidden_bits
                    found = self._search.find_facts(narrowed, forbidden)
                    if found is not None:
                        where = self._describe_group(narrowed, forbidden)
                        given = build_given(found)
                        region = self._search.region(narrowed, forbidden)
                        yield SemanticChange(
                            texts_only, says.decision, other_says.decision, where, given, region
                        )

    def _narrow_box(self, box: Box, says: _RenderedVariant, other: _RenderedVariant) -> Box | None:
        """Where a stage that stays is not the stage that the other document sets."""
        stages = {says.decision.stage, other.decision.stage}
        named = stages - {None}
        if says.without_stage != other.without_stage or len(stages) == 1 or len(named) != 1:
            return box
        [stage] = named
        space = self._search.space
        elsewhere = space.all_classes(STAGE_FACT) & ~space.classes_where(
            STAGE_FACT, OneOfCondition((str(stage),))
        )
        return intersect(box, {STAGE_FACT: elsewhere})

    def _describe_group(self, box: Box, forbidden: int) -> dict[str, tuple[str, ...]]:
        """The values that each fact has in the group, of those facts that have not all."""
        space = self._search.space
        found = {}
        for name in space.examples:
            whole = space.all_classes(name)
            mask = box.get(name, whole)
            there = 0
            for at in range(whole.bit_length()):
                if mask >> at & 1:
                    within = intersect(box, {name: 1 << at})
                    if (
                        within is not None
                        and self._search.find_facts(within, forbidden) is not None
                    ):
                        there |= 1 << at
            if there != whole and not (
                name in EVENT_TYPE_BY_FACT and space.examples_of(name, there) == [None]
            ):
                found[name] = tuple(space.describe_values(name, there))
        return found

    def _render_variants(
        self, case: RuleCase, view: int
    ) -> list[tuple[CaseVariant, _RenderedVariant]]:
        key = view, case.bit
        if key not in self._rendered_variants:
            bound = self._search.documents[view]
            ways = self._search.find_variants(case, view)
            self._rendered_variants[key] = [
                (way, _render_variant(way, bound, self._tags)) for way in ways
            ]
        return self._rendered_variants[key]


@dataclass(frozen=True, slots=True)
class _RenderedVariant:
    """What is said in one way, to be compared: all of it, without texts, without the stage."""

    decision: GroupDecision
    without_stage: Any
    without_texts: Any
    complete: Any


def _render_variant(
    way: CaseVariant, bound: BoundDocument, tags: list[tuple[str]]
) -> _RenderedVariant:
    rule = way.case.rule
    ruling = Ruling(rule.id, rule.outcome, rule.reason, rule.stage, way.actions)
    spoken = [_render_actions(ruling, bound, languages) for languages in ((), *tags)]
    actions = [{k: v for k, v in each.items() if k not in _TEXT_MEMBERS} for each in spoken[0]]
    meant = (rule.outcome, rule.reason, rule.stage, actions)
    said = GroupDecision(rule.id, rule.outcome, rule.reason, rule.stage, tuple(spoken[0]))
    rest = (rule.outcome, rule.reason, spoken)
    return _RenderedVariant(said, rest, meant, (meant, spoken))


def _render_actions(ruling: Ruling, bound: BoundDocument, languages: tuple[str, ...]) -> list[Any]:
    told = actions.render_actions(ruling, bound, "", _SAMPLE_TIME, languages)
    within = bound.settings["answer_within"]
    timed = ({**each, "expires_after": within} if "expires_at" in each else each for each in told)
    return [{k: v for k, v in each.items() if k not in {"id", "expires_at"}} for each in timed]


def _box_key(box: Box) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(box.items()))


def _first_positions(cases: list[RuleCase]) -> dict[tuple[tuple[str, int], ...], int]:
    """Where each box stands first."""
    found: dict[tuple[tuple[str, int], ...], int] = {}
    for number, case in enumerate(cases):
        found.setdefault(_box_key(case.box), number)
    return found
