"""The comparison of a reply with the phrases of a document."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    PhraseTables: TypeAlias = Mapping[str, Mapping[str, str]]
    """The choice of each normalised phrase, by the language of the fold; "" is the default."""

_DROPPED_CATEGORIES = ("P", "S")
"""Unicode's general categories of punctuation and of symbols."""
_APOSTROPHE_LETTERS = frozenset(
    "\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u02ee\u0374\u07f4\u07f5\ua78b\ua78c"
)
"""Letters that people type as an apostrophe: Unicode has them as letters, not as punctuation."""
_DEFAULT_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Unicode's property Default_Ignorable_Code_Point: characters that nobody sees."""
_GREEK_ACCENTS = re.compile("(?<=[\u03b1-\u03c9])([\u0300\u0301\u0313\u0314\u0342\u0345\u0308]+)")


def normalise_phrase(text: str, language: str = "") -> str:
    """Return the text as phrases are compared.

    Punctuation, symbols and characters that nobody sees are removed, before NFKC and after it. Then
    case is folded, as `language` does it if it is in `LANGUAGE_FOLDS`, and white space collapsed.
    """
    compatible = _remove_marks(unicodedata.normalize("NFKC", _remove_marks(text)))
    return " ".join(LANGUAGE_FOLDS.get(language, str.casefold)(compatible).split())


def _remove_marks(text: str) -> str:
    return "".join(
        character
        for character in _DEFAULT_IGNORABLE.sub("", text)
        if unicodedata.category(character)[0] not in _DROPPED_CATEGORIES
        and character not in _APOSTROPHE_LETTERS
    )


def _fold_turkic(text: str) -> str:
    """Fold case so that I is the capital of the dotless i, and a dotted capital that of i."""
    return text.replace("I", "\u0131").replace("\u0130", "i").casefold()


def _fold_greek(text: str) -> str:
    """Fold case and remove the accents of Greek letters, which capitals are written without."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", _GREEK_ACCENTS.sub("", decomposed))


LANGUAGE_FOLDS: dict[str, Callable[[str], str]] = {
    "az": _fold_turkic,
    "el": _fold_greek,
    "tr": _fold_turkic,
}
"""The languages whose capitals are not folded by Unicode's default."""


def tabulate_phrases(
    answers: Mapping[str, Sequence[str]], languages: Collection[str]
) -> PhraseTables:
    """Return the phrases of each choice under the default fold, then under those of languages.

    A fold leaves out a phrase that it makes equal to one of another choice.
    """
    folds = ("", *(language for language in LANGUAGE_FOLDS if language in languages))
    return {language: _tabulate_by_fold(answers, language) for language in folds}


def _tabulate_by_fold(answers: Mapping[str, Sequence[str]], language: str) -> dict[str, str]:
    choices: dict[str, set[str]] = {}
    for choice, phrases in answers.items():
        for phrase in phrases:
            choices.setdefault(normalise_phrase(phrase, language), set()).add(choice)
    return {phrase: min(chosen) for phrase, chosen in choices.items() if len(chosen) == 1}


def find_choice(tables: PhraseTables, text: str) -> str | None:
    """Return the choice that lists a phrase equal to the text, None if none does."""
    for language, phrases in tables.items():
        if choice := phrases.get(normalise_phrase(text, language)):
            return choice
    return None
