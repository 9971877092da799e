"""ISO 8601 durations of fixed length, more than 0 seconds and at most 366 days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.formats.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT3M", timedelta(minutes=3)),
        ("PT90S", timedelta(seconds=90)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("P1W", timedelta(weeks=1)),
        ("P366D", timedelta(days=366)),
    ],
)
def test_duration_is_parsed(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1", "1D", "PD", "P1DT", "pt3m", "PT3m", " PT3M", "PT3M\n", "PT3M30"),
        *("P1Y", "P1M", "P1W2D", "PT1.5H", "PT-3M", "-PT3M", "+PT3M", "PT3M1H", "PT٣M"),
        *("PT0S", "P0D", "P367D", "P52W3D", "P99999999999D", "PT" + "9" * 5_000 + "S"),
    ],
)
def test_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)
