"""Progress bars on a terminal, on standard error, for work of over a second."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_BEFORE_SHOWN = 1.0
"""Seconds before the bar is shown."""
SECONDS_BETWEEN_UPDATES = 0.1
"""Seconds between two updates of the bar."""


class ProgressBar:
    """The progress of some work, out of `length` if that is known."""

    def __init__(self, label: str, length: int | None, file: TextIO) -> None:
        self._label, self._length, self._file = label, length, file
        self._is_terminal = file.isatty()
        self._next = time.monotonic() + SECONDS_BEFORE_SHOWN
        self._pending = 0
        self._bar: Any = None

    def advance(self, by: int = 1) -> None:
        """Add to the progress."""
        self._pending += by
        if self._is_terminal and time.monotonic() > self._next:
            self._update()

    def end(self) -> None:
        """Remove the bar."""
        if self._bar:
            self._update()
            self._bar.render_finish()

    def _update(self) -> None:
        if self._bar is None:
            endless = count() if self._length is None else None
            self._bar = click.progressbar(
                endless, self._length, self._label, show_pos=True, file=self._file
            )
        self._bar.update(self._pending)
        self._pending = 0
        self._next = time.monotonic() + SECONDS_BETWEEN_UPDATES


@contextmanager
def show_progress(label: str, length: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the size of each finished step."""
    bar = ProgressBar(label, length, sys.stderr)
    try:
        yield bar.advance
    finally:
        bar.end()
