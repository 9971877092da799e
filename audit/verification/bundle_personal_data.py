"""The personal parts of a bundle, asked for in the order of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.verification.bundle_format import CUT, PERSONAL
from audit.verification.log_verifier import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audit.verification.bundle_blocks import Part

_ALONE = "a personal part stands beside no entry that can be read"


class Parts:
    """What `blocks.parts` says of one block after the other; what does not fit is complained of."""

    def __init__(
        self,
        read: Iterable[tuple[list[Part], bool]],
        complain: Callable[[int | None, str], None],
    ) -> None:
        self._read = self._each(read)
        self._complain = complain
        self._next: tuple[int, Opened] | None = None
        self._last = -1
        self._advance()

    def get(self, index: int) -> Opened | None:
        """The part beside this entry, which is a later one than was asked for before."""
        while self._next and self._next[0] < index:
            self._complain(self._next[0], _ALONE)
            self._advance()
        if self._next is None or self._next[0] != index:
            return None
        [_, part] = self._next
        self._advance()
        return part

    def end(self) -> None:
        while self._next:
            self._complain(self._next[0], _ALONE)
            self._advance()

    def _each(self, read: Iterable[tuple[list[Part], bool]]) -> Iterator[Part]:
        for parts, cut in read:
            yield from parts
            if cut:
                self._complain(None, f"{PERSONAL}: {CUT}")

    def _advance(self) -> None:
        """Go on to the next part that can be read and stands in order."""
        self._next = None
        for part in self._read:
            if isinstance(part, str):
                self._complain(None, f"{part}, behind that of entry {self._last}")
            elif part[0] <= self._last:
                self._complain(part[0], "a personal part does not stand in order")
            else:
                self._next, self._last = (part[0], Opened._make(part[1])), part[0]
                return
