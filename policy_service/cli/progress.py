"""Progress on a terminal, for what takes over a second; on standard error, where it is read."""

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
"""Seconds before which nothing is shown."""
SECONDS_BETWEEN_UPDATES = 0.1
"""Seconds before it is shown anew."""


class ProgressBar:
    """How far something has come, out of `length`, where that is known."""

    def __init__(self, label: str, length: int | None, file: TextIO) -> None:
        self._label, self._length, self._file = label, length, file
        self._is_terminal = file.isatty()
        self._next = time.monotonic() + SECONDS_BEFORE_SHOWN
        self._pending = 0
        self._bar: Any = None

    def advance(self, by: int = 1) -> None:
        self._pending += by
        if self._is_terminal and time.monotonic() > self._next:
            self._update()

    def end(self) -> None:
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
    """Gives what is to be told of each step, and how large it was."""
    bar = ProgressBar(label, length, sys.stderr)
    try:
        yield bar.advance
    finally:
        bar.end()
