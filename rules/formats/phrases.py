"""The comparison of a reply with the phrases of a document."""

from __future__ import annotations

import unicodedata

_DROPPED_CATEGORIES = ("P", "S")
"""Unicode's general categories of punctuation and of symbols."""


def normalise_phrase(text: str) -> str:
    """Return the text in NFKC, case-folded, without punctuation and symbols, spaces collapsed."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    characters = (
        character
        for character in folded
        if unicodedata.category(character)[0] not in _DROPPED_CATEGORIES
    )
    return " ".join("".join(characters).split())
