"""Suggestions for misspelt words."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_WORD_LENGTH = 64
_MAX_LISTED_WORDS = 12


def suggest_words(word: str, known_words: Iterable[str]) -> str:
    """Return the end of a complaint about an unknown word: the nearest known words."""
    words = list(known_words)
    close_matches = get_close_matches(word, words, n=1) if len(word) <= _MAX_WORD_LENGTH else []
    if close_matches:
        return f"did you mean {close_matches[0]}?"
    if not words:
        return "no names are known"
    word_list = ", ".join(words[:_MAX_LISTED_WORDS])
    return f"use one of {word_list}{', …' if len(words) > _MAX_LISTED_WORDS else ''}"


def quote_word(word: str) -> str:
    """Return a word of the document in quotes, shortened if it is long."""
    return f"`{word}`" if len(word) <= _MAX_WORD_LENGTH else f"`{word[:_MAX_WORD_LENGTH]}…`"
