"""Regions of facts, and the region that given facts belong to.

A region is a box without the boxes of earlier rules. Membership depends on classes alone, so it
agrees with the search that found the region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.analysis.fact_space import is_in_box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.analysis.fact_space import Box, FactSpace
    from rules.model.document import Scalar

MAX_CACHED_POINTS = 50_000
"""Distinct values and facts that are cached. A full cache is cleared."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The facts of a space in a box, and in none of the boxes whose bits are set."""

    space: FactSpace
    boxes: Sequence[Box]
    box: Box
    forbidden_bits: int

    def contains(self, point: Mapping[str, int]) -> bool:
        """Return True if facts of these classes, one of each fact, are in the region."""
        if not is_in_box(point, self.box):
            return False
        remaining = self.forbidden_bits
        while remaining:
            low = remaining & -remaining
            if is_in_box(point, self.boxes[low.bit_length() - 1]):
                return False
            remaining ^= low
        return True


class RegionIndex:
    """The regions of one space, in order. Its cache changes no answer."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._names = tuple(regions[0].space.examples) if regions else ()
        self._classes: dict[str, dict[tuple[type, Scalar | None], int]] = {
            name: {} for name in self._names
        }
        self._region_by_point: dict[tuple[int, ...], int | None] = {}

    def __len__(self) -> int:
        return len(self._regions)

    def find_region(self, facts: Mapping[str, Scalar]) -> int | None:
        """Return the number of the first region with these facts; None if there is none."""
        point = tuple([self._class_of(name, facts.get(name)) for name in self._names])
        if point not in self._region_by_point:
            if len(self._region_by_point) >= MAX_CACHED_POINTS:
                self._region_by_point.clear()
            self._region_by_point[point] = self._search_regions(
                dict(zip(self._names, point, strict=True))
            )
        return self._region_by_point[point]

    def _class_of(self, name: str, value: Scalar | None) -> int:
        classes, key = self._classes[name], (type(value), value)
        if key not in classes:
            if len(classes) >= MAX_CACHED_POINTS:
                classes.clear()
            classes[key] = self._regions[0].space.class_of(name, value)
        return classes[key]

    def _search_regions(self, point: Mapping[str, int]) -> int | None:
        numbered = enumerate(self._regions)
        return next((number for number, region in numbered if region.contains(point)), None)
