"""Language tags and ranges, by the examples of RFC 5646 and RFC 4647."""

from __future__ import annotations

import pytest

from rules.formats.language_tags import (
    MAX_TAG_LENGTH,
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
"""RFC 5646, appendix A and the grandfathered ones. The last of appendix A is not valid, because one
extension comes twice; it is well-formed all the same."""

MALFORMED = ["de-419-DE", "a-DE", "", "-", "en-", "-en", "en--GB", "english please", "e", "1", "12"]
MALFORMED += ["en-x", "x", "i", "i-", "i-nothing", "en-a", "en-u-x-a", "aaaaaaaaa", "en-GB-GB"]
MALFORMED += ["en-abcdefghi", "\u0435n", "en-\u0131t", "en\n", "*", "en-*", "12-en", "en-12"]


@pytest.mark.parametrize("tag", WELL_FORMED)
def test_a_well_formed_tag_is_a_tag_in_any_case(tag: str) -> None:
    assert parse_tag(tag) == tag
    assert parse_tag(tag.swapcase()) == tag.swapcase()


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_malformed_is_no_tag(text: str) -> None:
    assert parse_tag(text) is None


def test_an_underscore_is_read_as_a_hyphen() -> None:
    assert parse_tag("en_US") == "en-US"
    assert parse_tag("zh_Hant-TW") == "zh-Hant-TW"


def test_nothing_is_no_tag() -> None:
    assert parse_tag(None) is None


def test_a_tag_has_a_longest_length() -> None:
    """Long enough for RFC 5646, which asks for 35."""
    tag = "en-x" + "-abcdefg" * 12
    assert parse_tag(tag) == tag
    assert len(tag) == MAX_TAG_LENGTH
    assert parse_tag(f"{tag}h") is None


@pytest.mark.parametrize("text", ["en", "*", "de-DE", "zh-Hant-CN", "i-klingon", "EN-1", "x"])
def test_a_basic_range(text: str) -> None:
    assert is_language_range(text)


@pytest.mark.parametrize("text", ["", "*-DE", "de-*", "de_DE", "1", "de-", "abcdefghi", "en\n"])
def test_what_is_no_basic_range(text: str) -> None:
    """RFC 4647, 2.1: the extended ranges of 2.2 are others."""
    assert not is_language_range(text)


@pytest.mark.parametrize(
    ("tag", "wanted", "matched"),
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
def test_a_range_matches(tag: str, wanted: str, matched: bool) -> None:  # noqa: FBT001
    """RFC 4647, 3.3.1: the tag itself, or a beginning of it that ends at a hyphen."""
    assert matches_ranges(tag, [wanted]) is matched


def test_no_range_matches_nothing() -> None:
    assert not matches_ranges("en", [])
    assert matches_ranges("en", ["fr", "en"])


def test_lookup_shortens_the_tag_step_by_step() -> None:
    """The example of RFC 4647, 3.4: a single letter is removed with what followed it."""
    wanted = "zh-Hant-CN-x-private1-private2"
    steps = [wanted, "zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant", "zh"]
    for number, step in enumerate(steps):
        assert lookup_tag(wanted, steps[number:]) == step
    assert lookup_tag(wanted, ["zh-Hant-CN-x", "default", "en"]) is None


def test_lookup_finds_whatever_the_case() -> None:
    assert lookup_tag("DE-at", ["de-AT", "de"]) == "de-AT"
    assert lookup_tag("de-at", ["DE"]) == "DE"


def test_lookup_never_finds_a_longer_one() -> None:
    assert lookup_tag("de", ["de-AT"]) is None
