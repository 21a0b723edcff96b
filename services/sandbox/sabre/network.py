"""The timetable: every flight number with its route, its hour and its aircraft. The same on every machine."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from services.sandbox.sabre.airports import Airport, distance_km, load
from services.sandbox.sabre.carriers import (
    CITY_AIRPORTS,
    HOME,
    HOME_ABROAD,
    HOME_HUBS,
    HOME_STATIONS,
    PARTNERS,
    stations,
)

CRUISE_KM_PER_MINUTE = 13.6
TAXI_AND_CLIMB_MINUTES = 35
WIDE_BODY_FROM_KM = 5000.0
NARROW_BODY = "7M8"
SHORTEST_FLIGHT_KM = 100.0
SHORT_HOP_KM = 750.0  # pairs this close are flown without a hub
DAY_BEGINS, DAY_ENDS = 6 * 60, 22 * 60 + 30  # minutes after midnight
SOUTH_AMERICA = frozenset({"BR", "AR", "UY", "PY", "CL", "BO", "PE", "CO", "EC"})
KM_PER_MILE = 1.609344


@dataclass(frozen=True, slots=True)
class Plan:
    """One line of the timetable, flown every day. `departs` is in minutes after local midnight."""

    carrier: str
    number: int
    origin: Airport
    destination: Airport
    departs: int
    block_minutes: int
    km: float
    aircraft: str

    @property
    def wide_body(self) -> bool:
        return self.km >= WIDE_BODY_FROM_KM

    @property
    def domestic(self) -> bool:
        return self.origin.country == self.destination.country == "BR"

    @property
    def miles(self) -> int:
        return round(self.km / KM_PER_MILE)


def draw(limit: int, *key: object) -> int:
    """A number below `limit` that depends on `key` alone, the same on every machine and day."""
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") % limit


class Network:
    """All plans, by route, by place of departure, and by flight number."""

    def __init__(self, plans: list[Plan]) -> None:
        self.by_route: defaultdict[tuple[str, str], list[Plan]] = defaultdict(list)
        self.by_flight: dict[tuple[str, int, str, str], Plan] = {}
        self.destinations: defaultdict[str, set[str]] = defaultdict(set)
        self.airports: dict[str, Airport] = {}
        for plan in plans:
            origin, destination = plan.origin.code, plan.destination.code
            self.by_route[origin, destination].append(plan)
            self.by_flight[plan.carrier, plan.number, origin, destination] = plan
            self.destinations[origin].add(destination)
            self.airports[origin] = plan.origin


@lru_cache(maxsize=1)
def network() -> Network:
    """Built on first use: some thousand plans."""
    airports = load(stations())
    plans: list[Plan] = []
    numbers: dict[str, int] = defaultdict(lambda: 70)
    numbers[HOME] = 1000
    for carrier, one, other, aircraft in _routes(airports):
        for origin, destination in ((airports[one], airports[other]), (airports[other], airports[one])):
            km = distance_km(origin, destination)
            for departs in _departures(carrier, origin, destination, km):
                numbers[carrier] += 1
                minutes = TAXI_AND_CLIMB_MINUTES + km / CRUISE_KM_PER_MINUTE
                plans.append(
                    Plan(
                        carrier=carrier,
                        number=numbers[carrier],
                        origin=origin,
                        destination=destination,
                        departs=departs,
                        block_minutes=round(minutes / 5) * 5,
                        km=km,
                        aircraft=aircraft if km >= WIDE_BODY_FROM_KM else NARROW_BODY,
                    )
                )
    return Network(plans)


def _routes(airports: dict[str, Airport]) -> Iterator[tuple[str, str, str, str]]:
    for one, other in combinations(sorted(HOME_STATIONS), 2):
        if _flown_at_home(airports[one], airports[other]):
            yield HOME, one, other, NARROW_BODY
    for one, other in HOME_ABROAD:
        yield HOME, one, other, NARROW_BODY
    for partner in PARTNERS:
        for one, other in (*partner.trunks, *partner.feeders):
            yield partner.code, one, other, partner.wide_body


def _flown_at_home(one: Airport, other: Airport) -> bool:
    km = distance_km(one, other)
    if km < SHORTEST_FLIGHT_KM or any(km > CITY_AIRPORTS.get(airport.code, km) for airport in (one, other)):
        return False
    if "SDU" in {one.code, other.code}:
        return other.code in HOME_HUBS or one.code in HOME_HUBS
    return one.code in HOME_HUBS or other.code in HOME_HUBS or (km < SHORT_HOP_KM and draw(3, one, other) == 0)


def _departures(carrier: str, origin: Airport, destination: Airport, km: float) -> list[int]:
    """Long haul leaves South America in the evening and the rest of the world from noon on; others all day."""
    key = (carrier, origin.code, destination.code)
    if km >= WIDE_BODY_FROM_KM:
        count = 2 if "GRU" in key and draw(2, "daily", *sorted(key)) else 1
        begins, ends = (960, 1420) if origin.country in SOUTH_AMERICA else (600, 1380)
    elif origin.code in HOME_HUBS and destination.code in HOME_HUBS:
        count, begins, ends = 8, DAY_BEGINS, DAY_ENDS
    else:
        count, begins, ends = 2 + draw(4, "daily", *sorted(key)), DAY_BEGINS, DAY_ENDS
    slot = (ends - begins) // count // 5 * 5  # airlines think in five minutes
    return [begins + index * slot + draw(max(slot // 5, 1), index, *key) * 5 for index in range(count)]
