"""Redirects: one well-formed address each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules.check import check_document
from rules.formats.document_text import read_value

if TYPE_CHECKING:
    from rules.formats.document_text import DocumentSource

DOCUMENT: dict[str, Any] = {
    "format": 1,
    "rules": [
        {
            "id": "ask-everyone",
            "when": {"event.type": "conversation.started"},
            "outcome": "ask",
            "reason": "asked",
        }
    ],
    "otherwise": {"outcome": "noted", "reason": "unexpected_event"},
}


def document_with(**parts: Any) -> DocumentSource:
    return read_value({**DOCUMENT, **parts})


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
    assert check_document(document_with(settings=settings)).complaints == ()


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
    found = check_document(document_with(settings={"redirect": redirect})).complaints
    assert [complaint.code for complaint in found] == ["redirect_malformed"]
