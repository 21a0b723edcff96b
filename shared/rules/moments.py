"""Moments as RFC 3339 writes them, compared to the last digit of their fraction."""

import re
from datetime import date, time
from typing import NamedTuple

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DAY = 86_400
_LEAP_SECOND = 60
_LONGEST = 64
"""Of a text that can be a moment: a fraction may be long, but not endless."""


class Moment(NamedTuple):
    """Seconds in UTC since the year 1, and the digits of their fraction without zeros at the end."""

    seconds: int
    fraction: str


def moment_of(text: str) -> Moment | None:
    """None for what is no moment: a date alone, a time without an offset, the 30th of February.

    A leap second is the first second of the next minute.
    """
    found = _DATE_TIME.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, hours, minutes = found.groups("0")[6:]
    if second > _LEAP_SECOND:
        return None
    try:
        days = date(year, month, day).toordinal()
        clock, ahead = _seconds(hour, minute), _seconds(int(hours), int(minutes))
    except ValueError:
        return None
    offset = -ahead if sign == "-" else ahead
    return Moment(days * _DAY + clock + second - offset, fraction.rstrip("0"))


def _seconds(hour: int, minute: int) -> int:
    """Raises ValueError where the clock has no such hour or minute."""
    of_day = time(hour, minute)
    return of_day.hour * 3600 + of_day.minute * 60
