"""The setting `redirect`: well-formed addresses are accepted, all others are refused."""

from __future__ import annotations

from typing import Any

import pytest

from rules.check import check_document
from rules.formats.document_text import read_value
from rules.model import builtin


def complaints_of(settings: dict[str, Any]) -> list[str]:
    """Return the codes of the complaints about the built-in document with these settings."""
    tree = {**builtin.load_tree(), "settings": settings, "tests": []}
    return [complaint.code for complaint in check_document(read_value(tree)).complaints]


@pytest.mark.parametrize(
    "redirect",
    [
        {"email": "help+first.last@mail.example.com"},
        {"email": "o'hara@xn--bcher-kva.example"},
        {"website": "https://help.example.com/a?b=c#d"},
        {"website": "http://localhost:8080"},
        {"website": "https://bücher.example/"},
        {"website": "https://[2001:db8::1]/"},
        {"phone": "+43 (1) 234-567"},
        {"phone": "112"},
    ],
)
def test_valid_redirect_is_accepted(redirect: dict[str, str]) -> None:
    settings = {"customer_route": "redirect", "redirect": redirect}
    assert complaints_of(settings) == []


@pytest.mark.parametrize(
    "redirect",
    [
        {"email": "a@example"},
        {"email": ".a@example.com"},
        {"email": "a..b@example.com"},
        {"email": "a b@example.com"},
        {"email": "a@-example.com"},
        {"email": "a@example.com\n"},
        {"email": f"{'a' * 65}@example.com"},
        {"email": None},
        {"website": "ftp://example.com"},
        {"website": "javascript:alert(1)"},
        {"website": "https://"},
        {"website": "https:///path"},
        {"website": "https://exa mple.com"},
        {"website": "https://example.com/a b"},
        {"website": "https://example.com:port"},
        {"website": "https://example.com\n"},
        {"website": "https://[::1"},
        {"website": "https://@example.com"},
        {"website": 'https://example.com/"><script>'},
        {"phone": "+"},
        {"phone": "12"},
        {"phone": "+43 1 234567 ext. 8"},
        {"phone": "+43+1"},
        {"phone": "٣٣٣٣"},
        {"phone": "+43 1 234567\n"},
        {},
        [],
    ],
)
def test_malformed_redirect_is_refused(redirect: Any) -> None:
    assert complaints_of({"redirect": redirect}) == ["redirect_malformed"]
