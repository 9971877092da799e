"""The plain scalars of YAML 1.2's core schema (10.3.2), as far as I-JSON has a place for them."""

from __future__ import annotations

import re

from rules.ijson import LARGEST_INTEGER

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BY_BASE = {8: re.compile(r"0o([0-7]+)"), 16: re.compile(r"0x([0-9a-fA-F]+)")}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 20


class NotANumber(ValueError):  # noqa: N818 - it says what the scalar is not
    """The scalar is a number in YAML, and none in I-JSON."""


def plain_scalar(text: str) -> str | bool | int | float | None:
    """The value of a scalar without quotes; raises NotANumber."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
        return _integer(sign, digits, 10)
    for base, pattern in _BY_BASE.items():
        if digits_of := pattern.fullmatch(text):
            return _integer("", digits_of[1], base)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise NotANumber(f"{text} is no number of JSON: write one, or a text in quotes")
    return text


def _integer(sign: str, digits: str, base: int) -> int:
    digits = digits.lstrip("0") or "0"
    number = int(sign + digits, base) if len(digits) <= _MOST_DIGITS else LARGEST_INTEGER + 1
    if abs(number) > LARGEST_INTEGER:
        raise NotANumber("An integer lies beyond 2^53 - 1: write a text in quotes")
    return number


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotANumber("A number lies beyond a double: write a text in quotes")
    whole = number.is_integer() and abs(number) <= LARGEST_INTEGER
    return int(number) if whole else number
