from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.sandbox.sabre.money import as_number, decimal
from services.sandbox.sabre.network import Plan, network
from services.sandbox.sabre.pricing import (
    CABIN_PERCENT,
    PriceDay,
    bag_prices,
    cabin_on,
    cabins_of,
    fare,
    journey_fares,
)
from services.sandbox.sabre.schedule import flight_on, journeys
from services.sandbox.sabre.seatmaps import seats
from shared.kernel import currencies as ours

PLANS = sorted(network().by_flight.values(), key=lambda plan: (plan.carrier, plan.number))
DAYS = st.dates(date(2026, 1, 1), date(2032, 12, 31))
FACTORS = st.decimals("0.1", "10", places=2)


@given(st.sampled_from(PLANS), DAYS, st.integers(0, 300), FACTORS)
def test_a_price_depends_on_nothing_but_what_is_asked(plan: Plan, day: date, ahead: int, factor: Decimal) -> None:
    on = PriceDay(day - timedelta(days=ahead), factor)
    once = [fare(flight_on(plan, day), cabin, through=False, on=on) for cabin in cabins_of(plan)]
    assert once == [fare(flight_on(plan, day), cabin, through=False, on=on) for cabin in cabins_of(plan)]
    assert all(each.base > 0 and each.taxes > 0 for each in once)
    assert [each.base for each in once] == sorted(each.base for each in once)


@given(st.sampled_from(PLANS), DAYS, FACTORS)
def test_the_factor_multiplies_the_fare_to_the_cent_and_leaves_the_taxes(
    plan: Plan, day: date, factor: Decimal
) -> None:
    flight, bought = flight_on(plan, day), day - timedelta(days=60)
    plain = fare(flight, "Y", through=False, on=PriceDay(bought))
    moved = fare(flight, "Y", through=False, on=PriceDay(bought, factor))
    assert abs(moved.base - plain.base * factor) <= Decimal("0.5")
    assert moved.taxes == plain.taxes


@given(st.sampled_from(PLANS), DAYS, st.integers(0, 200), st.integers(1, 100))
def test_waiting_never_makes_it_cheaper(plan: Plan, day: date, ahead: int, longer: int) -> None:
    flight = flight_on(plan, day)
    late = fare(flight, "Y", through=False, on=PriceDay(day - timedelta(days=ahead)))
    early = fare(flight, "Y", through=False, on=PriceDay(day - timedelta(days=ahead + longer)))
    assert early.base <= late.base


@given(DAYS)
@settings(deadline=None)
def test_a_through_fare_is_less_than_its_parts(day: date) -> None:
    on = PriceDay(day - timedelta(days=40))
    connections = [journey for journey in journeys("POA", "LIS", day) if len(journey) == 2]
    assume(connections)
    for journey in connections:
        parts = [fare(flight, "Y", through=False, on=on) for flight in journey]
        through = journey_fares(journey, "YY", on)
        assert sum(each.base for each in through) < sum(each.base for each in parts)
        assert [each.taxes for each in through] == [each.taxes for each in parts]


def test_weekends_cost_more() -> None:
    plan = PLANS[0]
    fares = {
        day.weekday(): fare(flight_on(plan, day), "Y", through=False, on=PriceDay(date(2027, 1, 1))).base
        for day in (date(2027, 6, 7) + timedelta(days=step) for step in range(7))
    }
    spread = Decimal("1.12") / Decimal("0.88")  # flights of a route differ by so much without regard to the day
    weekend, working = [fares[day] for day in (4, 5, 6)], [fares[day] for day in range(4)]
    assert sum(weekend) * 4 > sum(working) * 3
    assert max(weekend) < min(working) * spread * Decimal("1.15") + 1


def test_a_cabin_that_an_aircraft_lacks_is_offered_as_economy() -> None:
    narrow = next(plan for plan in PLANS if not plan.wide_body)
    wide = next(plan for plan in PLANS if plan.wide_body and plan.carrier == "TP")
    emirates = next(plan for plan in PLANS if plan.wide_body and plan.carrier == "EK")
    assert [cabin_on(plan, "C") for plan in (narrow, wide)] == ["Y", "C"]
    assert [cabin_on(plan, "F") for plan in (wide, emirates)] == ["Y", "F"]


def test_every_cabin_has_a_price_and_a_seat_map() -> None:
    day = date(2027, 1, 20)
    for plan in PLANS[::200]:
        for cabin in cabins_of(plan):
            assert cabin in CABIN_PERCENT
            on_map = seats(plan, day, cabin)
            assert list(on_map) == [seat.number for seat in on_map.values()]
            assert any(not seat.taken for seat in on_map.values())


def test_bags_cost_more_abroad_and_more_by_the_piece() -> None:
    at_home = next(plan for plan in PLANS if plan.domestic)
    abroad = next(plan for plan in PLANS if not plan.domestic)
    assert bag_prices([at_home]) < bag_prices([at_home, abroad])
    for prices in (bag_prices([at_home]), bag_prices([abroad])):
        assert list(prices) == sorted(prices)


@pytest.mark.parametrize(("minor", "written"), [(0, "0.00"), (5, "0.05"), (296_453, "2964.53"), (100, "1.00")])
def test_money_is_written_as_sabre_writes_it(minor: int, written: str) -> None:
    assert decimal(minor, "BRL") == written


@pytest.mark.parametrize(
    ("currency", "written"),
    [
        *((currency, "296453") for currency in ("JPY", "CLP", "VND", "XAF", "ISK", "UGX")),
        *((currency, "2964.530") for currency in ("KWD", "JOD")),
        *((currency, "2964.53") for currency in ("MGA", "USD")),
    ],
)
def test_each_currency_has_its_own_decimals(currency: str, written: str) -> None:
    assert decimal(296_453, currency) == written
    assert Decimal(str(as_number(296_453, currency))) == Decimal(written)


def test_the_sandbox_counts_currencies_as_we_do() -> None:
    """It knows nothing of ours, so that a mistake in one table is not hidden by the other."""
    assert {currency: len(decimal(0, currency).partition(".")[2]) for currency in ours.DECIMALS} == dict(ours.DECIMALS)
