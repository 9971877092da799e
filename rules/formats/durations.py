"""ISO 8601 durations of fixed length: weeks, or days, hours, minutes and seconds.

Months and years have no fixed length and are refused. So are fractions.
"""

from __future__ import annotations

import re
from datetime import timedelta

MAX_DURATION = timedelta(days=366)

_DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<weeks>[0-9]+)W|"
    r"(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)S)?)?)"
)
_MAX_TEXT_LENGTH = 40


def parse_duration(text: str) -> timedelta:
    """Return the duration of a text such as `PT3M`, `P1DT2H` or `P1W`.

    Raises ValueError if it is not a duration, is zero, or is longer than `MAX_DURATION`.
    """
    parts = _DURATION.fullmatch(text) if len(text) <= _MAX_TEXT_LENGTH else None
    if parts is None:
        raise ValueError("write an ISO 8601 duration such as PT3M, PT1H30M, P1DT2H or P1W")
    try:
        duration = timedelta(**{unit: int(n) for unit, n in parts.groupdict(default="0").items()})
    except OverflowError:
        duration = timedelta.max
    if not timedelta(0) < duration <= MAX_DURATION:
        raise ValueError(
            f"write a duration of more than 0 seconds and at most {MAX_DURATION.days} days"
        )
    return duration
