"""Times in RFC 3339, always with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII
)
_LEAP_SECOND = "60"


@lru_cache(maxsize=1024)  # several steps of a request parse the time of the same event
def parse_timestamp(text: str) -> datetime:
    """Return the time in UTC, to the microsecond; a leap second counts as the second after it.

    Raises ValueError if the text is not RFC 3339, or the year is outside 1 to 9999.
    """
    parts = _TIMESTAMP.fullmatch(text)
    if not parts:
        raise ValueError("The text is not an RFC 3339 time with an offset")
    date, minute, second, fraction, offset = parts.groups()
    leap = second == _LEAP_SECOND
    second = "59" if leap else second
    offset = offset.upper().replace("Z", "+00:00")
    parsed = datetime.fromisoformat(f"{date}T{minute}{second}{fraction or ''}{offset}")
    try:
        utc = parsed.astimezone(UTC)
        adjusted = utc.replace(microsecond=0) + timedelta(seconds=1) if leap else utc
    except OverflowError as error:
        raise ValueError("The time is outside the years 1 to 9999") from error
    if leap and (utc.hour, utc.minute) != (23, 59):
        raise ValueError("This minute has no leap second")
    return adjusted


def format_timestamp(timestamp: datetime) -> str:
    """Return the time in UTC with `Z`; with a fraction only if it has one."""
    return timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z")
