"""RFC 3339 by fixed examples; property tests cover the round trips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rules.formats.timestamps import format_timestamp, parse_timestamp


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000Z"),
        ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
        ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"),
        ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
        ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870000Z"),
        ("2026-11-22t10:00:00z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00-00:00", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00+23:59", "2026-11-21T10:01:00Z"),
        ("2026-11-22T10:00:00-23:59", "2026-11-23T09:59:00Z"),
        ("2026-11-22T10:00:00.1234569Z", "2026-11-22T10:00:00.123456Z"),
        ("2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00Z"),
        ("2016-12-31T23:59:60.75Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_timestamp_is_parsed_and_formatted_in_utc(text: str, written: str) -> None:
    """The examples of RFC 3339, 5.8, and other forms of its grammar."""
    assert format_timestamp(parse_timestamp(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00:00+0100",
        "2026-11-22T10:00:00+01",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00,5Z",
        " 2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z\n",
        "2026-W47-7T10:00:00Z",
        "2026-326T10:00:00Z",
        "20261122T100000Z",
        "+2026-11-22T10:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00+10:60",
        "2026-11-22T10:00:60Z",
        "2026-11-22T23:59:60+01:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:60Z",
        "\u0662\u0660\u0662\u0666-11-22T10:00:00Z",
    ],
)
def test_invalid_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
        parse_timestamp(text)


def test_parsed_timestamp_is_in_utc() -> None:
    assert parse_timestamp("2026-11-22T10:00:00+05:30").tzinfo is UTC


def test_timestamp_of_another_zone_is_formatted_in_utc() -> None:
    vienna = timezone(timedelta(hours=1))
    assert format_timestamp(datetime(2026, 11, 22, 10, tzinfo=vienna)) == "2026-11-22T09:00:00Z"
