"""When two texts say the same."""

from __future__ import annotations

import unicodedata

_DROPPED_CATEGORIES = ("P", "S")
"""Unicode's general categories of punctuation and of symbols."""


def normalise_phrase(text: str) -> str:
    """NFKC, case-folded, without punctuation and symbols, white space collapsed."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    characters = (
        character
        for character in folded
        if unicodedata.category(character)[0] not in _DROPPED_CATEGORIES
    )
    return " ".join("".join(characters).split())
