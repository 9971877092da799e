"""ISO 8601 durations of fixed length: weeks, or days, hours, minutes and seconds.

Months and years have no fixed length and are not written here; nor are fractions.
"""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=366)

_DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<weeks>[0-9]+)W|"
    r"(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)S)?)?)"
)
_LONGEST_TEXT = 40


def parse(text: str) -> timedelta:
    """The duration, such as `PT3M`, `P1DT2H` or `P1W`.

    Raises ValueError where it is none, is not longer than nothing, or is longer than `LONGEST`.
    """
    parts = _DURATION.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if parts is None:
        raise ValueError("write an ISO 8601 duration such as PT3M, PT1H30M, P1DT2H or P1W")
    try:
        duration = timedelta(**{unit: int(n) for unit, n in parts.groupdict(default="0").items()})
    except OverflowError:
        duration = timedelta.max
    if not timedelta(0) < duration <= LONGEST:
        raise ValueError(f"a duration is longer than nothing and at most {LONGEST.days} days")
    return duration
