"""The solver: find a point of a box outside forbidden boxes, or prove that there is none.

A point escapes a forbidden box if one of its facts has a class that the box lacks. The boxes yet to
escape are the bits of one number, and so are the boxes that each class escapes: a step handles all
boxes at once.

1. A box that only one fact can still escape decides that fact (unit propagation).
2. A class that escapes all that another class escapes makes the other needless (dominance).
3. Otherwise the search branches.

The search is exhaustive and gives the same answer on any machine. It counts steps, not time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.fact_space import bit_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.analysis.fact_space import Box


class StepLimitError(Exception):
    """The end of a search because its steps are used up."""


class StepBudget:
    """A number of steps that several searches share."""

    def __init__(self, max_steps: int) -> None:
        self.remaining = max_steps

    def spend(self) -> None:
        """Use one step; raise StepLimitError if none is left."""
        if self.remaining <= 0:
            raise StepLimitError
        self.remaining -= 1


class BoxSolver:
    """Boxes over facts with a number of classes each; a question forbids some of them."""

    def __init__(self, sizes: Mapping[str, int], boxes: Sequence[Box], steps: StepBudget) -> None:
        self.steps = steps
        self.boxes = boxes
        self._all_classes = {name: (1 << size) - 1 for name, size in sizes.items()}
        self._escape_tables = {
            name: _escape_table(name, size, boxes) for name, size in sizes.items()
        }
        self._escape_cache: dict[tuple[str, int], tuple[int, int]] = {}

    def find_point(self, box: Box, forbidden: int) -> dict[str, int] | None:
        """Return a point of the box in no forbidden box, one class per fact; None if there is none.

        Raises StepLimitError if it takes too many steps.
        """
        stack = [{**self._all_classes, **box}]
        while stack:
            self.steps.spend()
            allowed = stack.pop()
            remaining = self._propagate(allowed, forbidden)
            if remaining is None:
                continue
            if not remaining:
                return {name: mask & -mask for name, mask in allowed.items()}
            stack.extend(self._branch(allowed, remaining))
        return None

    def _propagate(self, allowed: dict[str, int], remaining: int) -> int | None:
        """Narrow the classes to the forced ones; return the boxes left, None for a dead end."""
        while True:
            # 1. Collect the boxes that every choice escapes (surely), that some choice of one
            #    fact escapes (maybe), and that choices of two facts escape (twice).
            escaped_surely = escaped_maybe = escaped_twice = 0
            possible = {}
            for name, mask in allowed.items():
                surely, maybe = self._escaped_boxes(name, mask)
                escaped_surely |= surely
                possible[name] = maybe
                escaped_twice |= escaped_maybe & maybe
                escaped_maybe |= maybe
            # 2. A remaining box that no choice escapes is a dead end.
            remaining &= ~escaped_surely
            if remaining & ~escaped_maybe:
                return None
            # 3. A remaining box that only one fact can escape forces the classes of that fact.
            forced = remaining & ~escaped_twice
            if not forced:
                return remaining
            for name, maybe in possible.items():
                if forced_here := forced & maybe:
                    allowed[name] = self._escaping_classes(name, allowed[name], forced_here)
                    if not allowed[name]:
                        return None

    def _branch(self, allowed: dict[str, int], remaining: int) -> Iterator[dict[str, int]]:
        """Yield the choices: the best class of the best fact last, all others first."""
        # 1. For each open fact, choose the class that escapes the most remaining boxes.
        best: tuple[int, str, int, int] | None = None
        for name, mask in allowed.items():
            if mask & (mask - 1) and self._escaped_boxes(name, mask)[1] & remaining:
                escaped = self._escape_tables[name]
                classes = list(bit_numbers(mask))
                chosen = max(classes, key=lambda number: (escaped[number] & remaining).bit_count())
                escaped_by_chosen = escaped[chosen] & remaining
                other_classes = sum(
                    1 << number
                    for number in classes
                    if escaped[number] & remaining & ~escaped_by_chosen
                )
                # 2. If no other class escapes a further box, the chosen class dominates: no branch.
                if not other_classes:
                    yield {**allowed, name: 1 << chosen}
                    return
                if best is None or escaped_by_chosen.bit_count() > best[0]:
                    best = escaped_by_chosen.bit_count(), name, chosen, other_classes
        # 3. The caller pops the last branch first, so the best class comes last.
        if best is not None:
            _, name, chosen, other_classes = best
            yield {**allowed, name: other_classes}
            yield {**allowed, name: 1 << chosen}

    def _escaped_boxes(self, name: str, mask: int) -> tuple[int, int]:
        """Return the boxes that each, and that at least one, of these classes escapes."""
        cached = self._escape_cache.get((name, mask))
        if cached is None:
            surely, maybe = -1, 0
            escaped = self._escape_tables[name]
            for number in bit_numbers(mask):
                surely &= escaped[number]
                maybe |= escaped[number]
            cached = self._escape_cache[name, mask] = surely, maybe
        return cached

    def _escaping_classes(self, name: str, mask: int, boxes: int) -> int:
        escaped = self._escape_tables[name]
        return sum(1 << number for number in bit_numbers(mask) if not boxes & ~escaped[number])


def _escape_table(name: str, size: int, boxes: Sequence[Box]) -> list[int]:
    """Return the boxes that lack each class of the fact, as bits."""
    constraining = 0
    admitting_by_class = [0] * size
    for number, box in enumerate(boxes):
        if name in box:
            constraining |= 1 << number
            for class_number in bit_numbers(box[name]):
                admitting_by_class[class_number] |= 1 << number
    return [constraining & ~admitting for admitting in admitting_by_class]
