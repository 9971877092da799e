"""The facts that reach each rule of a document, or of two documents side by side.

The `when` of a rule is one box per alternative. Facts reach the rule if they are in one of its
boxes and in no box of an earlier rule. Impossible facts are forbidden everywhere. Every answer is
an example for which `explain_ruling` says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from rules.analysis.domains import build_domains
from rules.analysis.fact_space import FactSpace, bit_numbers, intersect, is_in_box
from rules.analysis.regions import Region
from rules.analysis.solver import BoxSolver, StepBudget, StepLimitError
from rules.engine.compiler import fold_settings
from rules.model.document import UNCONDITIONAL
from rules.model.test_defaults import BASE_FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rules.analysis.fact_space import Box
    from rules.model.document import (
        Action,
        BoundDocument,
        Condition,
        Conditions,
        Rule,
        Scalar,
        When,
    )

MAX_STEPS = 30_000
"""Maximum steps for all questions about a document together, about half a minute."""
MAX_CONDITIONS = 6
"""Maximum number of conditional actions of a rule. Each doubles the number of variants."""


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One alternative of a rule: its box, its bit, and the bits of all earlier boxes."""

    rule: Rule
    box: Box
    bit: int
    earlier_bits: int


@dataclass(frozen=True, slots=True)
class CaseVariant:
    """One way to carry out a case: its actions, its box, and the boxes excluded from it."""

    case: RuleCase
    actions: tuple[Action, ...]
    box: Box
    forbidden_bits: int


class ReachabilitySearch:
    """The rules of documents over one space of facts.

    With `free`, settings are facts that may have any value. Otherwise they are as set.
    """

    def __init__(
        self,
        *documents: BoundDocument,
        extra_whens: Iterable[When] = (),
        with_free_settings: bool = False,
        max_steps: int = MAX_STEPS,
    ) -> None:
        self.documents = documents
        self.with_free_settings = with_free_settings
        self.steps = StepBudget(max_steps)
        self.base_facts: dict[str, Scalar] = {
            **BASE_FACTS,
            **(documents[0].setting_facts if with_free_settings else {}),
        }
        views = [
            build_domains(document.document, None if with_free_settings else document.settings)
            for document in documents
        ]
        self.domains = views[0]
        self.space = FactSpace(views, self._list_conditions(tuple(extra_whens)), self.base_facts)
        self._boxes: list[Box] = list(self.space.impossible_boxes())
        self._impossible_bits = (1 << len(self._boxes)) - 1
        self._bits_by_condition: dict[tuple[int, When], int] = {}
        self.cases = [list(self._build_cases(view)) for view in range(len(documents))]
        sizes = {name: len(examples) for name, examples in self.space.examples.items()}
        self._solver = BoxSolver(sizes, self._boxes, self.steps)

    def find_facts(self, box: Box, forbidden: int) -> dict[str, Scalar] | None:
        """Return facts in a box and in none of the forbidden ones, close to the base facts.

        Return None if there are none. Raises StepLimitError if the search takes too many steps.
        """
        point = self._solver.find_point(box, forbidden | self._impossible_bits)
        if point is None:
            return None
        return self._simplify_point(point, box, forbidden)

    def find_reaching_facts(
        self, case: RuleCase, box: Box | None = None
    ) -> dict[str, Scalar] | None:
        """Return facts within a box that this case decides; None if there are none."""
        common = intersect(case.box, box or {})
        return None if common is None else self.find_facts(common, case.earlier_bits)

    def region(self, box: Box, forbidden: int) -> Region:
        """Return the region of facts in the box and in none of the forbidden ones."""
        return Region(self.space, self._boxes, box, forbidden)

    def boxes_where(self, when: When, view: int = 0) -> list[Box]:
        """Return the boxes of a `when`: one for each alternative that can match."""
        rows = (self._fold_settings(tests, view) for tests in when.expanded_alternatives())
        boxes = (self.space.box_where(tests, view) for tests in rows if tests is not None)
        return [box for box in boxes if box is not None]

    def find_variants(self, case: RuleCase, view: int = 0) -> Iterator[CaseVariant]:
        """Return every way to carry out a case, by the conditions of its actions.

        Raises StepLimitError if there are too many.
        """
        actions = case.rule.actions
        conditions = list(dict.fromkeys(a.when for a in actions if a.when is not UNCONDITIONAL))
        if len(conditions) > MAX_CONDITIONS:
            raise StepLimitError
        for combination in product((True, False), repeat=len(conditions)):
            holding_whens = {
                when for when, is_holding in zip(conditions, combination, strict=True) if is_holding
            }
            forbidden = case.earlier_bits
            for when in conditions:
                forbidden |= 0 if when in holding_whens else self._bits_by_condition[view, when]
            carried_out = tuple(
                a for a in actions if a.when is UNCONDITIONAL or a.when in holding_whens
            )
            for boxes in product(
                *(self.boxes_where(when, view) for when in conditions if when in holding_whens)
            ):
                box: Box | None = case.box
                for box_of_when in boxes:
                    box = None if box is None else intersect(box, box_of_when)
                if box is not None:
                    yield CaseVariant(case, carried_out, box, forbidden)

    def _simplify_point(self, point: dict[str, int], box: Box, forbidden: int) -> dict[str, Scalar]:
        """Return the facts at a point, with as many base facts as possible."""
        boxes = [self._boxes[number] for number in bit_numbers(forbidden | self._impossible_bits)]
        for name, mask in tuple(point.items()):
            candidate = {**point, name: 1}
            is_inside = box.get(name, 1) & 1
            if (
                mask != 1
                and is_inside
                and not any(is_in_box(candidate, forbidden_box) for forbidden_box in boxes)
            ):
                point = candidate
        return self.space.facts_at(point)

    def _list_conditions(self, extra_whens: Sequence[When]) -> Iterator[tuple[int, str, Condition]]:
        for view, document in enumerate(self.documents):
            whens = [rule.when for rule in document.rules]
            whens += [action.when for rule in document.rules for action in rule.actions]
            for when in (*whens, *(extra_whens if view == 0 else ())):
                for tests in when.expanded_alternatives():
                    for name, test in self._fold_settings(tests, view) or ():
                        yield view, name, test

    def _fold_settings(self, tests: Conditions, view: int) -> Conditions | None:
        return (
            tests
            if self.with_free_settings
            else fold_settings(tests, self.documents[view].setting_facts)
        )

    def _build_cases(self, view: int) -> Iterator[RuleCase]:
        earlier_bits = 0
        for rule in self.documents[view].rules:
            for action in rule.actions:
                if (
                    action.when is not UNCONDITIONAL
                    and (view, action.when) not in self._bits_by_condition
                ):
                    bits = map(self._add_box, self.boxes_where(action.when, view))
                    self._bits_by_condition[view, action.when] = sum(bits)
            for box in self.boxes_where(rule.when, view):
                bit = self._add_box(box)
                yield RuleCase(rule, box, bit, earlier_bits)
                earlier_bits |= bit

    def _add_box(self, box: Box) -> int:
        self._boxes.append(box)
        return 1 << (len(self._boxes) - 1)
