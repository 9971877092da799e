"""Regions of facts, and in which of them given facts fall.

A region is a box without those boxes that come before it. What falls in it is told by classes
alone, so that it is what the search that found the region would say of the same facts.
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
"""Values, and facts no two of them alike, that are remembered; then all are forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Facts of a space that are in a box, and in none of the boxes whose bits are set."""

    space: FactSpace
    boxes: Sequence[Box]
    box: Box
    forbidden_bits: int

    def contains(self, point: Mapping[str, int]) -> bool:
        """Whether facts of these classes, one of each fact, are in it."""
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
    """Regions of one space, in order. What it remembers changes no answer."""

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
        """The number of the first region that the facts fall in; None: in none."""
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
