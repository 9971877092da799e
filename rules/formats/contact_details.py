"""The syntax of e-mail addresses and phone numbers, as contacts give them."""

from __future__ import annotations

import re

MIN_PHONE_DIGITS = 5
"""Minimum number of digits of a phone number that can be called."""

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
"""The regular expression of the HTML standard for `<input type=email>`."""


def is_email_address(text: str) -> bool:
    """Return True if HTML's `<input type=email>` accepts the text, without blanks around it."""
    return _EMAIL.fullmatch(text) is not None


def is_phone_number(text: str) -> bool:
    """Return True if the text has at least 5 digits.

    Digits are the decimal digits of all scripts (Unicode category Nd), so full-width and
    Arabic-Indic digits count.
    """
    return sum(map(str.isdecimal, text)) >= MIN_PHONE_DIGITS
