"""The word that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 64
_MOST_LISTED = 12


def instead(word: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown word, as the end of a complaint."""
    words = list(known)
    close = get_close_matches(word, words, n=1) if len(word) <= _LONGEST else []
    if close:
        return f"did you mean {close[0]}?"
    if not words:
        return "there is none"
    listed = ", ".join(words[:_MOST_LISTED])
    return f"there are {listed}{', …' if len(words) > _MOST_LISTED else ''}"


def quoted(word: str) -> str:
    """A word of the document in a complaint, shortened where it is long."""
    return f"`{word}`" if len(word) <= _LONGEST else f"`{word[:_LONGEST]}…`"
