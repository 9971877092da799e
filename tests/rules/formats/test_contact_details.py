"""The syntax of e-mail addresses and phone numbers."""

from __future__ import annotations

import pytest

from rules.formats.contact_details import is_email_address, is_phone_number

LONGEST_LABEL = "a" * 63


@pytest.mark.parametrize(
    "text",
    [
        "help@example.com",
        "a.b+c@localhost",
        "..@example.com",
        "!#$%&'*+/=?^_`{|}~-@a-b.example",
        f"{'a' * 300}@{LONGEST_LABEL}.{LONGEST_LABEL}",
    ],
)
def test_html_accepts_the_email_address(text: str) -> None:
    assert is_email_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "n/a", "-", "undefined", "@", "\u200b", "@example.com", "help@", "a@b@example.com"),
        *("help@-example.com", "help@example-.com", "help@example..com", "help@example.com."),
        *("help @example.com", " help@example.com", "help@example.com\n", "Eve <eve@example.com>"),
        *("help@b\u00fccher.example", "h\u00e9lp@example.com", "help@exam_ple.com"),
        f"help@{LONGEST_LABEL}a.com",
    ],
)
def test_html_refuses_the_email_address(text: str) -> None:
    assert not is_email_address(text)


@pytest.mark.parametrize(
    "text",
    ["12345", "+43 (1) 2-3-4", "\uff11\uff12\uff13\uff14\uff15", "\u0661\u0662\u0663\u0664\u0665"],
)
def test_five_digits_of_any_script_are_a_phone_number(text: str) -> None:
    assert is_phone_number(text)


@pytest.mark.parametrize(
    "text", ["", "+", "1234", "n/a", "+43 1 2", "\u00b2\u00b2\u00b2\u00b2\u00b2"]
)
def test_fewer_digits_are_no_phone_number(text: str) -> None:
    assert not is_phone_number(text)
