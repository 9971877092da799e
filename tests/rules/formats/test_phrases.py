"""Normalisation of phrases, and the phrases of the built-in document."""

from __future__ import annotations

import pytest

from rules.formats.phrases import find_choice, normalise_phrase
from rules.model import builtin
from rules.model.document import Document


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("Yes, I'm a customer!", "yes im a customer"),
        ("YES,\tI\u2019M \n A  CUSTOMER\u2026", "yes im a customer"),
        ("\uff39\uff25\uff33\uff01", "yes"),
        ("\u3000yes\u00a0", "yes"),
        ("Stra\u00dfe", "strasse"),
        ("ye\u017f", "yes"),
        ("\ufb01ne", "fine"),
        ("\u00c9", "\u00e9"),
        ("e\u0301", "\u00e9"),
        ("$100 + 5%", "100 5"),
        ("\U0001f44d", ""),
        ("a-b_c", "abc"),
        ("\u2116", ""),
        ("\u2122 yes", "yes"),
        *(
            (f"I{mark}m", "im")
            for mark in "'\u2018\u2019\u00b4`\u02bc\u02b9\u0384\u02bb\u2032\uff07\ua78c"
        ),
        ("y\u200be\u00ads\ufeff\u2060", "yes"),
        ("\u3164\u115f\ufe0f\U000e0020", ""),
        ("?!", ""),
        ("", ""),
    ],
)
def test_phrase_is_normalised(text: str, normalised: str) -> None:
    """NFKC, case-folded, without punctuation and symbols, white space collapsed."""
    assert normalise_phrase(text) == normalised


def test_built_in_phrases_are_fixed() -> None:
    """The specification fixes the built-in phrases; a document may list its own."""
    assert Document(builtin.load_tree()).phrases[""] == {
        "yes": "customer",
        "yes i am": "customer",
        "yes im a customer": "customer",
        "im a customer": "customer",
        "i am a customer": "customer",
        "no": "not_customer",
        "not yet": "not_customer",
        "no im not": "not_customer",
        "no im not a customer yet": "not_customer",
        "im not a customer": "not_customer",
    }


@pytest.mark.parametrize(
    ("text", "phrase", "language"),
    [
        ("HAYIR", "hay\u0131r", "tr"),
        ("\u0130ST\u0130YORUM", "istiyorum", "tr"),
        ("I\u0307YI", "iy\u0131", "az"),
        ("\u039f\u03a7\u0399", "\u03cc\u03c7\u03b9", "el"),
        ("\u039d\u0391\u0399", "\u03bd\u03b1\u03af", "el"),
        (
            "\u0395\u038a\u039c\u0391\u03a3\u03a4\u0395",
            "\u03b5\u03af\u03bc\u03b1\u03c3\u03c4\u03b5",
            "el",
        ),
    ],
)
def test_capitals_are_folded_as_the_language_writes_them(
    text: str, phrase: str, language: str
) -> None:
    assert normalise_phrase(text, language) == normalise_phrase(phrase, language)


def test_fold_of_a_language_applies_if_the_document_uses_it() -> None:
    answers = {"customer": ["evet"], "not_customer": ["hay\u0131r"]}
    tree = {**builtin.load_tree(), "answers": answers}
    turkish = {**tree, "messages": {"tr-TR": {"ask": "M\u00fc\u015fteri misiniz?"}}}
    assert find_choice(Document(tree).phrases, "HAYIR") is None
    assert find_choice(Document(turkish).phrases, "HAYIR") == "not_customer"
    assert find_choice(Document(turkish).phrases, "hay\u0131r") == "not_customer"


def test_phrases_that_a_fold_makes_equal_stay_two_phrases() -> None:
    answers = {"customer": ["\u03cc"], "not_customer": ["\u03bf"]}
    document = Document({**builtin.load_tree(), "answers": answers, "messages": {"el": {}}})
    assert find_choice(document.phrases, "\u03cc") == "customer"
    assert find_choice(document.phrases, "\u03bf") == "not_customer"
    assert find_choice(document.phrases, "\u1f78") is None
