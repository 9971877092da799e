"""Language tags and ranges, by the examples of RFC 5646 and RFC 4647."""

from __future__ import annotations

import pytest

from rules.formats.language_tags import (
    MAX_TAG_LENGTH,
    derive_language,
    is_language_range,
    lookup_tag,
    matches_ranges,
    parse_tag,
)

WELL_FORMED = """
    de fr ja i-enochian
    zh-Hant zh-Hans sr-Cyrl sr-Latn
    zh-cmn-Hans-CN cmn-Hans-CN zh-yue-HK yue-HK
    zh-Hans-CN sr-Latn-RS
    sl-rozaj sl-rozaj-biske sl-nedis
    de-CH-1901 sl-IT-nedis
    hy-Latn-IT-arevela
    de-DE en-US es-419
    de-CH-x-phonebk az-Arab-x-AZE-derbend
    x-whatever qaa-Qaaa-QM-x-southern de-Qaaa sr-Latn-QM sr-Qaaa-RS
    en-US-u-islamcal zh-CN-a-myext-x-private en-a-myext-b-another
    ar-a-aaa-b-bbb-a-ccc
    en-GB-oed i-klingon sgn-BE-FR art-lojban cel-gaulish zh-min-nan zh-xiang no-bok
    EN-us mn-cYRL-mN aaaa aaaaaaaa en-1996 x-a-b-c
""".split()  # noqa: SIM905 - a list of words
"""Tags of RFC 5646, appendix A, and grandfathered tags.

The last tag of appendix A is invalid, because an extension comes twice, but it is well-formed.
"""

MALFORMED = ["de-419-DE", "a-DE", "", "-", "en-", "-en", "en--GB", "english please", "e", "1", "12"]
MALFORMED += ["en-x", "x", "i", "i-", "i-nothing", "en-a", "en-u-x-a", "aaaaaaaaa", "en-GB-GB"]
MALFORMED += ["en-abcdefghi", "\u0435n", "en-\u0131t", "en\n", "*", "en-*", "12-en", "en-12"]


@pytest.mark.parametrize("tag", WELL_FORMED)
def test_well_formed_tag_is_accepted_in_any_case(tag: str) -> None:
    assert parse_tag(tag) == tag
    assert parse_tag(tag.swapcase()) == tag.swapcase()


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_tag_is_refused(text: str) -> None:
    assert parse_tag(text) is None


def test_underscore_in_a_tag_becomes_a_hyphen() -> None:
    assert parse_tag("en_US") == "en-US"
    assert parse_tag("zh_Hant-TW") == "zh-Hant-TW"


def test_parse_tag_returns_none_for_none() -> None:
    assert parse_tag(None) is None


def test_tag_longer_than_the_maximum_is_refused() -> None:
    """RFC 5646 requires at least 35 characters."""
    tag = "en-x" + "-abcdefg" * 12
    assert parse_tag(tag) == tag
    assert len(tag) == MAX_TAG_LENGTH
    assert parse_tag(f"{tag}h") is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("en_gb", "en-gb"),
        ("iw", "he"),
        ("IW-il", "he-il"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("sh", "sh"),
        ("i-Klingon", "tlh"),
        ("no-bok", "nb"),
        ("zh-min-nan", "nan"),
        ("de-DD", "de-DE"),
        ("my-BU-x-dd", "my-MM-x-dd"),
        ("ja-Latn-hepburn-heploc", "ja-Latn-hepburn-alalc97"),
        ("en-x-iw", "en-x-iw"),
        ("x-iw", "x-iw"),
        ("qaa", "qaa"),
        *((tag, None) for tag in ("und", "UND-Latn", "mul", "mis", "zxx", "zxx_DE", "", None)),
        ("not a tag", None),
    ],
)
def test_language_of_a_tag_has_preferred_values(text: str | None, language: str | None) -> None:
    assert derive_language(text) == language


def test_deprecated_range_matches_the_preferred_tag_and_the_old_one() -> None:
    assert matches_ranges("he-IL", ["iw"])
    assert matches_ranges("iw", ["IW"])
    assert not matches_ranges("iw", ["he"])


def test_texts_under_a_deprecated_tag_are_found() -> None:
    assert lookup_tag("he-IL", ["en", "iw"]) == "iw"
    assert lookup_tag("he-IL", ["he", "iw"]) == "he"


@pytest.mark.parametrize("text", ["en", "*", "de-DE", "zh-Hant-CN", "i-klingon", "EN-1", "x"])
def test_basic_language_range_is_accepted(text: str) -> None:
    assert is_language_range(text)


@pytest.mark.parametrize("text", ["", "*-DE", "de-*", "de_DE", "1", "de-", "abcdefghi", "en\n"])
def test_extended_or_malformed_range_is_refused(text: str) -> None:
    """RFC 4647: 2.1 defines basic ranges, 2.2 extended ones."""
    assert not is_language_range(text)


@pytest.mark.parametrize(
    ("tag", "language_range", "matches"),
    [
        ("de-DE", "de-de", True),
        ("de-DE-1996", "de-de", True),
        ("de-Deva", "de-de", False),
        ("de-Latn-DE", "de-de", False),
        ("de", "de-de", False),
        ("de", "de-CH", False),
        ("en-GB", "en", True),
        ("enm", "en", False),
        ("en", "*", True),
        ("x-whatever", "*", True),
        ("zh-Hant-TW", "zh-hant", True),
        ("zh-Hant-TW", "zh-tw", False),
    ],
)
def test_range_matches_the_tag_or_a_beginning_up_to_a_hyphen(
    tag: str,
    language_range: str,
    matches: bool,  # noqa: FBT001
) -> None:
    """RFC 4647, 3.3.1."""
    assert matches_ranges(tag, [language_range]) is matches


def test_tag_matches_when_one_of_the_ranges_matches() -> None:
    assert not matches_ranges("en", [])
    assert matches_ranges("en", ["fr", "en"])


def test_lookup_shortens_the_tag_part_by_part() -> None:
    """The example of RFC 4647, 3.4: a single letter is removed together with the part after it."""
    language_range = "zh-Hant-CN-x-private1-private2"
    steps = [language_range, "zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant", "zh"]
    for number, step in enumerate(steps):
        assert lookup_tag(language_range, steps[number:]) == step
    assert lookup_tag(language_range, ["zh-Hant-CN-x", "default", "en"]) is None


def test_lookup_ignores_case() -> None:
    assert lookup_tag("DE-at", ["de-AT", "de"]) == "de-AT"
    assert lookup_tag("de-at", ["DE"]) == "DE"


def test_lookup_never_returns_a_longer_tag() -> None:
    assert lookup_tag("de", ["de-AT"]) is None
