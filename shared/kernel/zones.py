"""Which day it is, and where: a day begins and ends by the clocks of its place."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from sys import intern
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

HOME = ZoneInfo("America/Sao_Paulo")
"""Where programme and office are unless a setting says otherwise, as for currency and language."""
FIRST_OF_ALL, LAST_OF_ALL = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins first on earth, and where it ends last."""
NO_PLACES: Final = frozenset({"Factory"})
"""In the register, and said of a machine to which nobody has said where it is."""
NEAR: Final = 0.8
LONGEST: Final = 100
"""Characters of what is compared with names of zones; the longest of those has 32."""


def zone_named(name: Any) -> ZoneInfo:
    """A zone by its name in the IANA's register, which is the same place on every machine: `localtime` and
    `posixrules` are whatever a machine is set to, and the clocks of `right/...` count leap seconds. Raises ValueError,
    with the nearest name that there is."""
    if isinstance(name, ZoneInfo):
        return name
    known = _registered()
    if isinstance(name, str) and known.get(name.casefold()) == name:
        return ZoneInfo(name)
    near = get_close_matches(str(name)[:LONGEST].casefold(), known, n=1, cutoff=NEAR)
    hint = f"; did you mean {known[near[0]]}?" if near else ""
    raise ValueError(f"must be the name of a zone such as Europe/Lisbon{hint}")


Zone = Annotated[ZoneInfo, BeforeValidator(zone_named)]
"""Of a setting."""


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


@lru_cache(maxsize=1)
def _registered() -> Mapping[str, str]:
    """The register's names, by themselves without capitals."""
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return {each.casefold(): each for each in names if each not in NO_PLACES}
