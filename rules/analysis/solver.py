"""Is there a point in this box that is in none of those? One, or the proof that there is none.

To be in no forbidden box a point needs, for each, one fact of a class that the box has not. What
is left to escape is a set of boxes, kept as the bits of one number, and so is what each class of
each fact escapes: a step looks at all boxes at once. A box that only one fact can still escape
decides that fact (unit propagation); a class that escapes all that another one does makes trying
the other needless (dominance). The search is exhaustive, and the same on any machine: it counts
its steps and no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.fact_space import bit_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.analysis.fact_space import Box


class StepLimitError(Exception):
    """The steps that were allowed are used up."""


class StepBudget:
    """So many steps may be taken, by all who share them."""

    def __init__(self, max_steps: int) -> None:
        self.remaining = max_steps

    def spend(self) -> None:
        """Take one; raises StepLimitError where none is left."""
        if self.remaining <= 0:
            raise StepLimitError
        self.remaining -= 1


class BoxSolver:
    """Boxes over facts of so many classes each, some of which a question forbids."""

    def __init__(self, sizes: Mapping[str, int], boxes: Sequence[Box], steps: StepBudget) -> None:
        self.steps = steps
        self.boxes = boxes
        self._all_classes = {name: (1 << size) - 1 for name, size in sizes.items()}
        self._escape_tables = {
            name: _escape_table(name, size, boxes) for name, size in sizes.items()
        }
        self._escape_cache: dict[tuple[str, int], tuple[int, int]] = {}

    def find_point(self, box: Box, forbidden: int) -> dict[str, int] | None:
        """A point of the box, one class for each fact, in no box whose bit is set; None: none.

        Raises StepLimitError where it takes more steps than there are.
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
        """Narrow the classes to those that are forced; the boxes yet to escape, None: trapped."""
        while True:
            escaped_surely = escaped_maybe = escaped_twice = 0
            possible = {}
            for name, mask in allowed.items():
                surely, maybe = self._escaped_boxes(name, mask)
                escaped_surely |= surely
                possible[name] = maybe
                escaped_twice |= escaped_maybe & maybe
                escaped_maybe |= maybe
            remaining &= ~escaped_surely
            if remaining & ~escaped_maybe:
                return None
            forced = remaining & ~escaped_twice
            if not forced:
                return remaining
            for name, maybe in possible.items():
                if forced_here := forced & maybe:
                    allowed[name] = self._escaping_classes(name, allowed[name], forced_here)
                    if not allowed[name]:
                        return None

    def _branch(self, allowed: dict[str, int], remaining: int) -> Iterator[dict[str, int]]:
        """What is left to try: all but the best class of the best fact, and then that class."""
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
                if not other_classes:
                    yield {**allowed, name: 1 << chosen}
                    return
                if best is None or escaped_by_chosen.bit_count() > best[0]:
                    best = escaped_by_chosen.bit_count(), name, chosen, other_classes
        if best is not None:
            _, name, chosen, other_classes = best
            yield {**allowed, name: other_classes}
            yield {**allowed, name: 1 << chosen}

    def _escaped_boxes(self, name: str, mask: int) -> tuple[int, int]:
        """The boxes that every one, and that at least one of these classes escapes."""
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
    """For each class of the fact the boxes that have it not, as bits."""
    constraining = 0
    admitting_by_class = [0] * size
    for number, box in enumerate(boxes):
        if name in box:
            constraining |= 1 << number
            for class_number in bit_numbers(box[name]):
                admitting_by_class[class_number] |= 1 << number
    return [constraining & ~admitting for admitting in admitting_by_class]
