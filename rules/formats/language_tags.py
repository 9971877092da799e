"""Language tags: syntax (BCP 47, RFC 5646), filtering and lookup (RFC 4647)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rules.formats.tag_registry import (
    LANGUAGES_BY_NAME,
    PREFERRED_LANGUAGES,
    PREFERRED_REGIONS,
    PREFERRED_TAGS,
    PREFERRED_VARIANTS,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_TAG_LENGTH = 100
"""Maximum length of a tag in characters. RFC 5646 expects 35 to be enough."""
MAX_CACHED_TAGS = 1024
"""Tags whose preferred form a process remembers."""

_NO_LANGUAGES = frozenset({"und", "mul", "mis", "zxx"})
"""Codes for an unknown language, several languages, one without a code, and no language."""
_MAX_CODE_LENGTH = 3
_REGION_LENGTH = 2

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


def derive_language(text: str | None) -> str | None:
    """Return the language that a tag names, with preferred values for deprecated ones.

    Return None if the text is not a tag, or the tag names no single language.
    """
    tag = parse_tag(text)
    if tag is None or tag.lower().split("-")[0] in _NO_LANGUAGES:
        return None
    return prefer_tag(tag)


@lru_cache(maxsize=MAX_CACHED_TAGS)
def prefer_tag(tag: str) -> str:
    """Return the tag or range with IANA's preferred values; `iw-IL` becomes `he-IL`."""
    if whole_tag := PREFERRED_TAGS.get(tag.lower()):
        return whole_tag
    language, *subtags = tag.split("-")
    preferred = [PREFERRED_LANGUAGES.get(language.lower(), language)]
    for position, subtag in enumerate(subtags):
        if len(subtag) == 1:  # an extension or private use
            return "-".join([*preferred, *subtags[position:]])
        regions_or_variants = (
            PREFERRED_REGIONS if len(subtag) == _REGION_LENGTH else PREFERRED_VARIANTS
        )
        preferred.append(regions_or_variants.get(subtag.lower(), subtag))
    return "-".join(preferred)


def language_of(tag: str) -> str:
    """Return the primary language of a tag or range, in lower case and not deprecated."""
    return prefer_tag(tag).lower().split("-")[0]


def equal_tags(tag: str) -> frozenset[str]:
    """Return the lower-case forms that equal a tag of a document: as written, and preferred."""
    return frozenset({tag.lower(), prefer_tag(tag).lower()})


def suggest_tag(text: str) -> str | None:
    """Return the tag to write if a well-formed tag or range begins with a name of a language.

    Codes have two or three letters. Return an empty text if no tag can be suggested, None if the
    text is fine.
    """
    name = text.lower().split("-")[0]
    return LANGUAGES_BY_NAME.get(name, "") if len(name) > _MAX_CODE_LENGTH else None


def is_language_range(text: str) -> bool:
    """Return True if the text is a basic language range (RFC 4647, 2.1)."""
    return len(text) <= MAX_TAG_LENGTH and _RANGE_PATTERN.fullmatch(text) is not None


def matches_ranges(tag: str, ranges: Collection[str]) -> bool:
    """Return True if one of the ranges matches the tag by basic filtering (RFC 4647, 3.3.1).

    A range matches if it equals the tag, or a prefix of it that ends before a hyphen. A deprecated
    range matches what its preferred form matches too.
    """
    tag = tag.lower()
    return any(
        language_range == "*"
        or any(tag == form or tag.startswith(f"{form}-") for form in equal_tags(language_range))
        for language_range in ranges
    )


def lookup_tag(language_range: str, available: Collection[str]) -> str | None:
    """Return the available tag that fits a range best (RFC 4647, 3.4); None if none fits."""
    by_case = {form: tag for tag in available for form in equal_tags(tag)}
    by_case |= {tag.lower(): tag for tag in available}
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
