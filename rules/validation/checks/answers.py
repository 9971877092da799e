"""Each listed phrase has words, and no phrase stands for both answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.formats.phrases import normalise_phrase
from rules.formats.suggestions import quote_word, suggest_words
from rules.model import builtin
from rules.model.document_tree import TreeNode
from rules.model.vocabulary import ANSWER_CHOICES, AnswerChoice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree

MAX_PHRASES = 1_000
_MAX_PHRASE_LENGTH = 200


def check_answers(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's phrases."""
    answers = tree.root.mapping("answers")
    for choice, phrases in answers.members():
        if choice not in ANSWER_CHOICES:
            message = (
                f"{quote_word(choice)} is not an answer: {suggest_words(choice, ANSWER_CHOICES)}"
            )
            yield phrases.complain("unknown_choice", message)
        else:
            yield from _check_phrases(phrases)
    yield from _find_shared_phrases(answers)


def _check_phrases(phrases: TreeNode) -> Iterator[Complaint]:
    if not isinstance(phrases.value, list):
        yield phrases.complain("wrong_type", "Write a list of texts")
    elif len(phrases.value) > MAX_PHRASES:
        yield phrases.complain("too_many", f"Write at most {MAX_PHRASES:,} phrases")
    for phrase in phrases.items():
        if not isinstance(phrase.value, str):
            yield phrase.complain("wrong_type", "Write a text; true and 1 need quotes to be texts")
        elif len(phrase.value) > _MAX_PHRASE_LENGTH:
            yield phrase.complain("too_long", f"Write at most {_MAX_PHRASE_LENGTH} characters")
        elif not normalise_phrase(phrase.value):
            message = "The phrase has only punctuation and symbols: write a word"
            yield phrase.complain("empty_phrase", message)


def _find_shared_phrases(answers: TreeNode) -> Iterator[Complaint]:
    """Yield a complaint for each phrase of the document that the other list has too."""
    customer, not_customer = (_phrases_of_choice(answers, choice) for choice in ANSWER_CHOICES)
    reported = not_customer if AnswerChoice.NOT_CUSTOMER in answers.value else customer
    other_phrases = customer if reported is not_customer else not_customer
    normalised = {normalise_phrase(phrase.value) for phrase in other_phrases} - {""}
    for phrase in reported:
        if normalise_phrase(phrase.value) in normalised:
            message = "Both answers list this phrase: remove it from one of them"
            yield phrase.complain("phrase_in_both", message)


def _phrases_of_choice(answers: TreeNode, choice: str) -> list[TreeNode]:
    """Return the phrases of a choice that are texts; by default the built-in document's."""
    phrases = answers.member(choice)
    if choice not in answers.value:
        phrases = TreeNode(phrases.pointer, builtin.load_tree()["answers"][choice])
    return [phrase for phrase in phrases.items() if isinstance(phrase.value, str)]
