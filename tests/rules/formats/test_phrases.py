"""Normalisation of phrases, and the phrases of the built-in document."""

from __future__ import annotations

import pytest

from rules.formats.phrases import normalise_phrase
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
        ("\u2116", "no"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_phrase_is_normalised(text: str, normalised: str) -> None:
    """NFKC, case-folded, without punctuation and symbols, white space collapsed."""
    assert normalise_phrase(text) == normalised


def test_built_in_phrases_are_fixed() -> None:
    """The specification fixes the built-in phrases; a document may list its own."""
    assert Document(builtin.load_tree()).phrases == {
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
