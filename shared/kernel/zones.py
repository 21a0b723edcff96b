"""Which day it is, and where: a day begins and ends by the clocks of its place."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from sys import intern
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOME = ZoneInfo("America/Sao_Paulo")
"""Where programme and office are unless a setting says otherwise, as for currency and language."""
FIRST_OF_ALL, LAST_OF_ALL = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins first on earth, and where it ends last."""


def day_in(zone: tzinfo, moment: datetime) -> date:
    """The day that it is there."""
    return moment.astimezone(zone).date()


def begins(day: date, zone: tzinfo) -> datetime:
    """The moment at which a day begins there; where its midnight is skipped, the first moment after."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def earliest_day_at(airport: str, moment: datetime) -> date:
    """The day that it is at an airport; of a code that is in no register, a city's for one, the earliest it may be."""
    return day_in(_zone_of(airport) or LAST_OF_ALL, moment)


def latest_day_at(airport: str, moment: datetime) -> date:
    """As `earliest_day_at`, but the latest that it may be."""
    return day_in(_zone_of(airport) or FIRST_OF_ALL, moment)


def _zone_of(airport: str) -> tzinfo | None:
    try:
        return ZoneInfo(_zone_names()[airport])
    except (KeyError, ValueError, ZoneInfoNotFoundError):
        return None


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    """By IATA code. Of the register nothing else is kept."""
    import airportsdata  # noqa: PLC0415 - a tenth of a second, for the first search only

    return {code: intern(str(entry["tz"])) for code, entry in airportsdata.load("IATA").items()}
