"""Each listed phrase says something, and no phrase says both yes and no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.formats.phrases import normalise
from rules.formats.suggestions import instead, quoted
from rules.model import builtin
from rules.model.document_tree import Part
from rules.model.vocabulary import CHOICES, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import Draft

MOST_PHRASES = 1_000
_LONGEST_PHRASE = 200


def check(draft: Draft) -> Iterator[Complaint]:
    answers = draft.root.mapping("answers")
    for choice, phrases in answers.members():
        if choice not in CHOICES:
            message = f"{quoted(choice)} is no answer: {instead(choice, CHOICES)}"
            yield phrases.complain("unknown_choice", message)
        else:
            yield from _wrong_phrases(phrases)
    yield from _in_both(answers)


def _wrong_phrases(phrases: Part) -> Iterator[Complaint]:
    if not isinstance(phrases.value, list):
        yield phrases.complain("wrong_type", "Write a list of texts")
    elif len(phrases.value) > MOST_PHRASES:
        yield phrases.complain("too_many", f"Write at most {MOST_PHRASES:,} phrases")
    for phrase in phrases.items():
        if not isinstance(phrase.value, str):
            yield phrase.complain("wrong_type", "Write a text; true and 1 are none without quotes")
        elif len(phrase.value) > _LONGEST_PHRASE:
            yield phrase.complain("too_long", f"Write at most {_LONGEST_PHRASE} characters")
        elif not normalise(phrase.value):
            message = "Nothing is left of it without punctuation and symbols: write a word"
            yield phrase.complain("empty_phrase", message)


def _in_both(answers: Part) -> Iterator[Complaint]:
    """A complaint for each phrase of the document that the other list holds too."""
    customer, not_customer = (_listed(answers, choice) for choice in CHOICES)
    blamed = not_customer if Answer.NOT_CUSTOMER in answers.value else customer
    other = customer if blamed is not_customer else not_customer
    others = {normalise(phrase.value) for phrase in other} - {""}
    for phrase in blamed:
        if normalise(phrase.value) in others:
            message = "The other answer lists this phrase too: leave it out of one"
            yield phrase.complain("phrase_in_both", message)


def _listed(answers: Part, choice: str) -> list[Part]:
    """The phrases of a choice that are texts, those of the built-in document by default."""
    phrases = answers.member(choice)
    if choice not in answers.value:
        phrases = Part(phrases.at, builtin.tree()["answers"][choice])
    return [phrase for phrase in phrases.items() if isinstance(phrase.value, str)]
