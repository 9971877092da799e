"""The personal parts of a bundle, read in the order of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.verification.bundle_format import CUT_LINE_MESSAGE, PERSONAL
from audit.verification.log_verifier import OpenedPersonalData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audit.verification.bundle_blocks import ParsedPart

_NO_ENTRY_MESSAGE = "a personal part stands beside no entry that can be read"


class PersonalDataReader:
    """A reader of the results of `bundle_blocks.parse_parts`, block after block.

    It reports each line that cannot be read or is not in order.
    """

    def __init__(
        self,
        blocks: Iterable[tuple[list[ParsedPart], bool]],
        complain: Callable[[int | None, str], None],
    ) -> None:
        self._parts = self._iterate_parts(blocks)
        self._complain = complain
        self._next: tuple[int, OpenedPersonalData] | None = None
        self._last_index = -1
        self._advance()

    def get(self, index: int) -> OpenedPersonalData | None:
        """Return the part of this entry; each call must ask for a later entry than the last."""
        while self._next and self._next[0] < index:
            self._complain(self._next[0], _NO_ENTRY_MESSAGE)
            self._advance()
        if self._next is None or self._next[0] != index:
            return None
        [_, part] = self._next
        self._advance()
        return part

    def end(self) -> None:
        """Report the lines that follow the last entry."""
        while self._next:
            self._complain(self._next[0], _NO_ENTRY_MESSAGE)
            self._advance()

    def _iterate_parts(
        self, blocks: Iterable[tuple[list[ParsedPart], bool]]
    ) -> Iterator[ParsedPart]:
        for parts, is_cut in blocks:
            yield from parts
            if is_cut:
                self._complain(None, f"{PERSONAL}: {CUT_LINE_MESSAGE}")

    def _advance(self) -> None:
        """Go on to the next part that can be read and stands in order."""
        self._next = None
        for part in self._parts:
            if isinstance(part, str):
                self._complain(None, f"{part}, after the part of entry {self._last_index}")
            elif part[0] <= self._last_index:
                self._complain(part[0], "a personal part does not stand in order")
            else:
                self._next, self._last_index = (part[0], OpenedPersonalData._make(part[1])), part[0]
                return
