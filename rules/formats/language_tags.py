"""Language tags: syntax (BCP 47, RFC 5646), filtering and lookup (RFC 4647)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_TAG_LENGTH = 100
"""Maximum length of a tag in characters. RFC 5646 expects 35 to be enough."""

_TAG_PATTERN = re.compile(
    r"""
    (?: (?:[a-z]{2,3} (?:-[a-z]{3}){0,3} | [a-z]{4} | [a-z]{5,8})   # language, extended
        (?:-[a-z]{4})?                                              # script
        (?:-(?:[a-z]{2}|[0-9]{3}))?                                 # region
        (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*                    # variants
        (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*                        # extensions
        (?:-x(?:-[a-z0-9]{1,8})+)?                                  # private use
      | x(?:-[a-z0-9]{1,8})+
      | en-gb-oed | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
      | sgn-be-fr | sgn-be-nl | sgn-ch-de
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
IRREGULAR_TAGS = (
    *("en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux"),
    *("i-mingo", "i-navajo", "i-pwn", "i-tao", "i-tay", "i-tsu"),
    *("sgn-be-fr", "sgn-be-nl", "sgn-ch-de"),
)
"""Tags that are valid because RFC 5646 lists them, in lower case."""
_RANGE_PATTERN = re.compile(r"\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*", re.IGNORECASE | re.ASCII)


def parse_tag(text: str | None) -> str | None:
    """Return the text as a language tag, with `_` read as `-`; None if it is not one."""
    if text is None or len(text) > MAX_TAG_LENGTH:
        return None
    tag = text.replace("_", "-")
    return tag if _TAG_PATTERN.fullmatch(tag) else None


def is_language_range(text: str) -> bool:
    """Return True if the text is a basic language range (RFC 4647, 2.1)."""
    return len(text) <= MAX_TAG_LENGTH and _RANGE_PATTERN.fullmatch(text) is not None


def matches_ranges(tag: str, ranges: Collection[str]) -> bool:
    """Return True if one of the ranges matches the tag by basic filtering (RFC 4647, 3.3.1).

    A range matches if it equals the tag, or a prefix of it that ends before a hyphen.
    """
    tag = tag.lower()
    return any(
        language_range == "*"
        or tag == language_range.lower()
        or tag.startswith(f"{language_range.lower()}-")
        for language_range in ranges
    )


def lookup_tag(language_range: str, available: Collection[str]) -> str | None:
    """Return the available tag that fits a range best (RFC 4647, 3.4); None if none fits."""
    by_case = {tag.lower(): tag for tag in available}
    return next(
        (by_case[tag] for tag in _shorten_tag(language_range.lower()) if tag in by_case), None
    )


def _shorten_tag(tag: str) -> Iterator[str]:
    """Yield the tag, then shorter forms of it, one subtag less each.

    A single-letter subtag is removed together with the subtag after it.
    """
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
