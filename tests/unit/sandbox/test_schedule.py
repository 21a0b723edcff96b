import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sandbox.sabre.airports import distance_km
from services.sandbox.sabre.carriers import ACCOUNTING, HOME, HOME_STATIONS
from services.sandbox.sabre.network import network
from services.sandbox.sabre.schedule import Journey, find, journeys

DAYS = st.dates(date(2026, 1, 1), date(2032, 12, 31))
AIRPORTS = st.sampled_from(sorted(network().airports))
ANY_DAY = date(2027, 1, 20)


def carriers(journey: Journey) -> tuple[str, ...]:
    return tuple(flight.plan.carrier for flight in journey)


@given(AIRPORTS, AIRPORTS, DAYS)
@settings(max_examples=200, deadline=None)
def test_a_journey_goes_forward_in_time_from_door_to_door(origin: str, destination: str, day: date) -> None:
    for journey in journeys(origin, destination, day):
        assert journey[0].plan.origin.code == origin
        assert journey[-1].plan.destination.code == destination
        assert journey[0].departs_at.date() == day
        assert all(flight.departs_at < flight.arrives_at for flight in journey)
        for arriving, leaving in pairwise(journey):
            assert arriving.plan.destination == leaving.plan.origin
            wait = leaving.departs_at - arriving.arrives_at
            assert timedelta(minutes=45) <= wait <= timedelta(hours=10)


@given(AIRPORTS, AIRPORTS, DAYS)
@settings(max_examples=100, deadline=None)
def test_times_carry_the_airports_offset_of_that_day(origin: str, destination: str, day: date) -> None:
    for journey in journeys(origin, destination, day)[:5]:
        for flight in journey:
            for moment, airport in (
                (flight.departs_at, flight.plan.origin),
                (flight.arrives_at, flight.plan.destination),
            ):
                assert moment.utcoffset() == airport.zone.utcoffset(moment.replace(tzinfo=None))


@given(AIRPORTS, AIRPORTS, DAYS)
@settings(max_examples=100, deadline=None)
def test_no_journey_changes_between_rival_partners(origin: str, destination: str, day: date) -> None:
    for journey in journeys(origin, destination, day):
        assert len(set(carriers(journey)) - {HOME}) <= 1


@given(DAYS)
@settings(max_examples=100, deadline=None)
def test_lisbon_is_reached_every_day_direct_and_by_two_carriers(day: date) -> None:
    offered = {carriers(journey) for journey in journeys("GRU", "LIS", day)}
    assert ("TP",) in offered
    assert (HOME, "TP") in offered
    assert (HOME, "TP") in {carriers(journey) for journey in journeys("POA", "LIS", day)}


def test_every_brazilian_station_reaches_every_other_but_those_next_door() -> None:
    airports = network().airports
    pairs = set(permutations(HOME_STATIONS, 2))
    next_door = {pair for pair in pairs if distance_km(airports[pair[0]], airports[pair[1]]) < 100}
    assert {pair for pair in pairs if not journeys(*pair, ANY_DAY)} == next_door
    assert {("CGH", "GRU"), ("GIG", "SDU")} < next_door
    assert len(next_door) == 16


@pytest.mark.parametrize(("origin", "destination"), [("GRU", "XXX"), ("XXX", "GRU"), ("GRU", "GRU"), ("CAC", "SYD")])
def test_where_nobody_flies_there_is_no_journey(origin: str, destination: str) -> None:
    assert journeys(origin, destination, ANY_DAY) == ()


def test_flights_are_found_by_number_on_their_route_only() -> None:
    (direct,) = [journey[0] for journey in journeys("GRU", "LIS", ANY_DAY) if len(journey) == 1][:1]
    plan = direct.plan
    assert find("TP", plan.number, "GRU", "LIS", ANY_DAY) == direct
    assert find("TP", plan.number, "GIG", "LIS", ANY_DAY) is None
    assert find("KL", plan.number, "GRU", "LIS", ANY_DAY) is None


def test_every_carrier_has_its_accounting_code_and_flies_each_number_on_one_route() -> None:
    plans = [plan for route in network().by_route.values() for plan in route]
    assert {plan.carrier for plan in plans} <= ACCOUNTING.keys()
    assert all(len(code) == 3 and code.isdecimal() for code in ACCOUNTING.values())
    assert len({(plan.carrier, plan.number) for plan in plans}) == len(plans)


def test_distances_are_those_of_the_globe() -> None:
    airports = network().airports
    assert distance_km(airports["GRU"], airports["LIS"]) == pytest.approx(7930, rel=0.01)
    assert distance_km(airports["CGH"], airports["SDU"]) == pytest.approx(365, rel=0.02)


PRINT_SCHEDULE = """
from datetime import date
from services.sandbox.sabre.schedule import journeys
for pair in (("GRU", "LIS"), ("FLN", "FCO"), ("MAO", "POA")):
    for journey in journeys(*pair, date(2027, 1, 20)):
        print([(f.plan.carrier, f.plan.number, f.departs_at.isoformat(), f.arrives_at.isoformat()) for f in journey])
"""


def test_the_schedule_is_the_same_in_every_process() -> None:
    said = [
        subprocess.run([sys.executable, "-c", PRINT_SCHEDULE], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert "'TP'" in said[0]
