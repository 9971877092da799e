"""Which facts reach which rule: a document, or two side by side, over all facts there can be.

A rule's `when` is a box for each of its alternatives. Facts reach the rule in one of them where
they are in it and in no box before it; what is impossible is forbidden everywhere. Every answer is
an example, of which `explain` says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from rules.analysis.domains import domains
from rules.analysis.fact_space import Space, meet
from rules.analysis.regions import Region
from rules.analysis.solver import Solver, Steps, Undecided
from rules.engine.compiler import folded
from rules.model.document import ALWAYS
from rules.model.test_defaults import BASE

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

MOST_STEPS = 30_000
"""Steps of the search for all questions about a document together: half a minute at most."""
MOST_CONDITIONS = 6
"""Conditional actions of a rule that are told apart; each doubles the ways to carry it out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One alternative of a rule: its box, its bit, and the bits of all that comes before."""

    rule: Rule
    box: Box
    bit: int
    before: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way for a case to be carried out: with these actions, in this box but for those."""

    case: Case
    actions: tuple[Action, ...]
    box: Box
    forbidden: int


class Reach:
    """The rules of documents over one space of facts.

    `free` takes settings for facts that may be anything; else they are as they stand.
    """

    def __init__(
        self,
        *documents: BoundDocument,
        asked: Iterable[When] = (),
        free: bool = False,
        most_steps: int = MOST_STEPS,
    ) -> None:
        self.documents = documents
        self.free = free
        self.steps = Steps(most_steps)
        self.base: dict[str, Scalar] = {**BASE, **(documents[0].setting_facts if free else {})}
        views = [domains(each.document, None if free else each.settings) for each in documents]
        self.within = views[0]
        self.space = Space(views, self._tests(tuple(asked)), self.base)
        self._boxes: list[Box] = list(self.space.impossible())
        self._impossible = (1 << len(self._boxes)) - 1
        self._forbids: dict[tuple[int, When], int] = {}
        self.cases = [list(self._cases(view)) for view in range(len(documents))]
        sizes = {name: len(examples) for name, examples in self.space.examples.items()}
        self._solver = Solver(sizes, self._boxes, self.steps)

    def find(self, box: Box, forbidden: int) -> dict[str, Scalar] | None:
        """Facts in this box and in none of those, as near to those of a test as can be.

        None where there are none; raises Undecided where that takes too many steps.
        """
        point = self._solver.find(box, forbidden | self._impossible)
        if point is None:
            return None
        return self._simplest(point, box, forbidden)

    def reaching(self, case: Case, within: Box | None = None) -> dict[str, Scalar] | None:
        """Facts, of those within a box, for which this case decides."""
        box = meet(case.box, within or {})
        return None if box is None else self.find(box, case.before)

    def region(self, box: Box, forbidden: int) -> Region:
        """The facts in this box and in none of those, to ask of given facts."""
        return Region(self.space, self._boxes, box, forbidden)

    def boxes(self, when: When, view: int = 0) -> list[Box]:
        """The boxes of a `when`: of its alternatives, those that can hold."""
        rows = (self._folded(tests, view) for tests in when.rows())
        boxes = (self.space.box(tests, view) for tests in rows if tests is not None)
        return [box for box in boxes if box is not None]

    def ways(self, case: Case, view: int = 0) -> Iterator[Way]:
        """Every way for the case to be carried out, by which of its actions' conditions hold.

        Raises Undecided where there are too many.
        """
        actions = case.rule.actions
        conditions = list(dict.fromkeys(a.when for a in actions if a.when is not ALWAYS))
        if len(conditions) > MOST_CONDITIONS:
            raise Undecided
        for holding in product((True, False), repeat=len(conditions)):
            held = {when for when, holds in zip(conditions, holding, strict=True) if holds}
            forbidden = case.before
            for when in conditions:
                forbidden |= 0 if when in held else self._forbids[view, when]
            carried_out = tuple(a for a in actions if a.when is ALWAYS or a.when in held)
            for boxes in product(*(self.boxes(when, view) for when in conditions if when in held)):
                box: Box | None = case.box
                for each in boxes:
                    box = None if box is None else meet(box, each)
                if box is not None:
                    yield Way(case, carried_out, box, forbidden)

    def _simplest(self, point: dict[str, int], box: Box, forbidden: int) -> dict[str, Scalar]:
        """The facts at a point, with every fact as in any test that may be."""
        boxes = [self._boxes[at] for at in _bits(forbidden | self._impossible)]
        for name, mask in tuple(point.items()):
            tried = {**point, name: 1}
            inside = box.get(name, 1) & 1
            if mask != 1 and inside and not any(_inside(tried, each) for each in boxes):
                point = tried
        return self.space.facts(point)

    def _tests(self, asked: Sequence[When]) -> Iterator[tuple[int, str, Condition]]:
        for view, document in enumerate(self.documents):
            whens = [rule.when for rule in document.rules]
            whens += [action.when for rule in document.rules for action in rule.actions]
            for when in (*whens, *(asked if view == 0 else ())):
                for tests in when.rows():
                    for name, test in self._folded(tests, view) or ():
                        yield view, name, test

    def _folded(self, tests: Conditions, view: int) -> Conditions | None:
        return tests if self.free else folded(tests, self.documents[view].setting_facts)

    def _cases(self, view: int) -> Iterator[Case]:
        before = 0
        for rule in self.documents[view].rules:
            for action in rule.actions:
                if action.when is not ALWAYS and (view, action.when) not in self._forbids:
                    bits = map(self._add, self.boxes(action.when, view))
                    self._forbids[view, action.when] = sum(bits)
            for box in self.boxes(rule.when, view):
                bit = self._add(box)
                yield Case(rule, box, bit, before)
                before |= bit

    def _add(self, box: Box) -> int:
        self._boxes.append(box)
        return 1 << (len(self._boxes) - 1)


def _inside(point: dict[str, int], box: Box) -> bool:
    return all(mask & point[name] for name, mask in box.items())


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
