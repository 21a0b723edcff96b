"""The airports of the network: where they lie and what time it is there."""

from dataclasses import dataclass
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True, slots=True)
class Airport:
    code: str
    city: str
    country: str
    zone: ZoneInfo
    latitude: float
    longitude: float


@lru_cache(maxsize=1)
def load(codes: frozenset[str]) -> dict[str, Airport]:
    """Those of `codes`, and no others: the whole register would stay in memory for nothing."""
    import airportsdata  # noqa: PLC0415 - a tenth of a second, for the first search only

    register = airportsdata.load("IATA")
    return {
        code: Airport(
            code,
            register[code]["city"],
            register[code]["country"],
            ZoneInfo(register[code]["tz"]),
            register[code]["lat"],
            register[code]["lon"],
        )
        for code in codes
    }


def distance_km(one: Airport, other: Airport) -> float:
    """Along the great circle (haversine)."""
    north = radians(other.latitude - one.latitude) / 2
    east = radians(other.longitude - one.longitude) / 2
    chord = sin(north) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))
