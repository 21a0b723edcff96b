"""Journeys from here to there on a day: direct flights and the connections worth offering."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from services.sandbox.sabre.airports import distance_km
from services.sandbox.sabre.carriers import HOME
from services.sandbox.sabre.network import SHORTEST_FLIGHT_KM, Network, Plan, network

DOMESTIC_CONNECTION = timedelta(minutes=45)
CONNECTION = timedelta(minutes=90)
LONGEST_WAIT = timedelta(hours=10)
DETOUR_FACTOR, DETOUR_KM = 1.5, 900.0
OFFERED_PER_SEARCH = 60
LONGEST_CHAIN = 2  # stops


@dataclass(frozen=True, slots=True)
class Flight:
    """A plan on its day; times carry their airport's offset."""

    plan: Plan
    departs_at: datetime
    arrives_at: datetime


Journey = tuple[Flight, ...]


@lru_cache(maxsize=20_000)
def flight_on(plan: Plan, day: date) -> Flight:
    """Local midnight plus minutes may fall into a clock change, so UTC has the last word."""
    local = datetime.combine(day, time(plan.departs // 60, plan.departs % 60), plan.origin.zone)
    departs = local.astimezone(UTC)
    arrives = departs + timedelta(minutes=plan.block_minutes)
    return Flight(plan, departs.astimezone(plan.origin.zone), arrives.astimezone(plan.destination.zone))


@lru_cache(maxsize=2_000)
def journeys(origin: str, destination: str, day: date, stops: int = LONGEST_CHAIN) -> tuple[Journey, ...]:
    """All that leave `origin` on `day`, shortest first; two stops, or a long way round, only for want of better."""
    net = network()
    if not {origin, destination} <= net.airports.keys() or _neighbours(net, origin, destination):
        return ()
    found: list[Journey] = [(flight,) for flight in _flights(origin, destination, day)]
    if stops >= 1:
        found += _one_stop(net, origin, destination, day)
    if stops >= 1 and not found and {net.airports[end].country for end in (origin, destination)} == {"BR"}:
        found += _one_stop(net, origin, destination, day, detour=True)
    if stops >= LONGEST_CHAIN and not found:
        found += _two_stops(net, origin, destination, day)
    return tuple(sorted(found, key=_length)[:OFFERED_PER_SEARCH])


def _neighbours(net: Network, origin: str, destination: str) -> bool:
    """One place, or two airports of one city."""
    return distance_km(net.airports[origin], net.airports[destination]) < SHORTEST_FLIGHT_KM


def find(carrier: str, number: int, origin: str, destination: str, day: date) -> Flight | None:
    """The flight of that number, when there is one on that route."""
    plan = network().by_flight.get((carrier, number, origin, destination))
    return None if plan is None else flight_on(plan, day)


def _flights(origin: str, destination: str, day: date) -> list[Flight]:
    return [flight_on(plan, day) for plan in network().by_route.get((origin, destination), ())]


def _length(journey: Journey) -> tuple[timedelta, datetime, int]:
    first = journey[0]
    return journey[-1].arrives_at - first.departs_at, first.departs_at, first.plan.number


def _one_stop(net: Network, origin: str, destination: str, day: date, *, detour: bool = False) -> list[Journey]:
    return [
        journey
        for stop in sorted(net.destinations[origin])
        if destination in net.destinations[stop] and (detour or _on_the_way(net, origin, stop, destination))
        for journey in _joined([(flight,) for flight in _flights(origin, stop, day)], stop, destination)
    ]


def _two_stops(net: Network, origin: str, destination: str, day: date) -> list[Journey]:
    last_stops = sorted(stop for stop in net.airports if destination in net.destinations[stop])
    return [
        journey
        for stop in last_stops
        if stop != origin and _on_the_way(net, origin, stop, destination)
        for journey in _joined(_one_stop(net, origin, stop, day), stop, destination)
    ]


def _joined(firsts: Iterable[Journey], stop: str, destination: str) -> Iterator[Journey]:
    """Each onward flight once, with the latest arrival that reaches it: nobody wants the longer wait."""
    best: dict[tuple[str, int, date], Journey] = {}
    for first in firsts:
        for onward in _onward(first, stop, destination):
            key = (onward.plan.carrier, onward.plan.number, onward.departs_at.date())
            known = best.get(key)
            if known is None or first[0].departs_at > known[0].departs_at:
                best[key] = (*first, onward)
    yield from best.values()


def _onward(first: Journey, stop: str, destination: str) -> Iterator[Flight]:
    arrival = first[-1]
    day = arrival.arrives_at.date()
    for onward in (*_flights(stop, destination, day), *_flights(stop, destination, day + timedelta(days=1))):
        at_home = arrival.plan.domestic and onward.plan.domestic
        shortest = DOMESTIC_CONNECTION if at_home else CONNECTION
        carriers = {flight.plan.carrier for flight in first} | {onward.plan.carrier}
        wait = onward.departs_at - arrival.arrives_at
        if shortest <= wait <= LONGEST_WAIT and len(carriers - {HOME}) <= 1:
            yield onward


def _on_the_way(net: Network, origin: str, stop: str, destination: str) -> bool:
    if stop in {origin, destination}:
        return False
    ends = net.airports[origin], net.airports[stop], net.airports[destination]
    straight = distance_km(ends[0], ends[2])
    flown = distance_km(ends[0], ends[1]) + distance_km(ends[1], ends[2])
    return flown <= max(DETOUR_FACTOR * straight, straight + DETOUR_KM)
