"""The laws of timestamps, durations, language tags and phrases, over random texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.formats.durations import MAX_DURATION
from rules.formats.language_tags import lookup_tag, matches_ranges, parse_tag
from rules.formats.phrases import normalise_phrase
from rules.formats.timestamps import format_timestamp, parse_timestamp
from rules.model.event import MAX_EVENT_YEAR
from tests.properties.random_documents import RANGES, TAGS
from tests.properties.strategies import STEADY

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
moments = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(MAX_EVENT_YEAR, 12, 30),  # noqa: DTZ001
    timezones=offsets,
)
anything = st.text(max_size=24)
tags = st.from_regex(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", fullmatch=True)


@STEADY
@given(moments)
def test_timestamp_is_parsed_back_from_its_text(at: datetime) -> None:
    """Formatting and parsing are inverse."""
    assert parse_timestamp(format_timestamp(at)) == at
    assert format_timestamp(parse_timestamp(format_timestamp(at))) == format_timestamp(at)


@STEADY
@given(moments)
def test_timestamp_is_parsed_with_any_offset(at: datetime) -> None:
    """The result is in UTC."""
    assert parse_timestamp(at.isoformat()) == at
    assert parse_timestamp(at.isoformat()).tzinfo is UTC


@STEADY
@given(moments)
def test_timestamp_after_the_longest_duration_can_be_formatted(at: datetime) -> None:
    """A deadline after the last allowed event time still has four digits for its year."""
    assert format_timestamp(at + MAX_DURATION).endswith("Z")


@STEADY
@given(st.one_of(anything, st.from_regex(r"[0-9T:.Zz+-]{15,30}", fullmatch=True)))
def test_parse_timestamp_raises_only_value_error(text: str) -> None:
    """Any text is parsed to a time in UTC or refused."""
    try:
        at = parse_timestamp(text)
    except ValueError:
        return
    assert at.tzinfo is UTC


@STEADY
@given(anything)
def test_normalised_phrase_has_single_spaces_and_no_margin(text: str) -> None:
    """Normalising never fails."""
    said = normalise_phrase(text)
    assert said == " ".join(said.split())


@STEADY
@given(
    st.text(st.characters(max_codepoint=0x24F), max_size=20),
    st.sampled_from("!?.,'\u2019\u201c\u201d\u2026$+"),
)
def test_normalised_phrase_ignores_punctuation(text: str, mark: str) -> None:
    """Normalising a second time changes nothing."""
    assert normalise_phrase(f"{mark}{text}{mark}") == normalise_phrase(text)
    assert normalise_phrase(normalise_phrase(text)) == normalise_phrase(text)


@STEADY
@given(anything)
def test_parse_tag_returns_a_tag_or_none(text: str) -> None:
    """Parsing a parsed tag changes nothing."""
    tag = parse_tag(text)
    assert tag is None or parse_tag(tag) == tag


@STEADY
@given(tags)
def test_tag_matches_itself_and_its_prefixes(tag: str) -> None:
    """The case of letters does not matter."""
    subtags = tag.split("-")
    for length in range(1, len(subtags) + 1):
        assert matches_ranges(tag.swapcase(), ["-".join(subtags[:length])])


@STEADY
@given(tags, st.lists(st.sampled_from((*RANGES, *TAGS)), max_size=4))
def test_lookup_returns_an_available_prefix_of_the_tag(tag: str, available: list[str]) -> None:
    """A found tag is available, and the requested tag matches it."""
    found = lookup_tag(tag, available)
    assert found is None or (found in available and matches_ranges(tag, [found]))


@pytest.mark.parametrize("available", [[], ["fr"]])
def test_lookup_returns_none_when_no_tag_fits(available: list[str]) -> None:
    assert lookup_tag("en", available) is None
