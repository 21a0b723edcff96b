"""Which searches make sense, what fares cost in miles, which seats are shown."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.offers.domain import (
    FARTHEST_DAYS,
    MILES_STEP,
    BagPrice,
    Extras,
    Fare,
    Itinerary,
    Query,
    SeatPrice,
    Segment,
    WrongQuery,
    check,
    is_on_sale,
    miles_price,
    some_itineraries,
    some_seats,
)
from shared.kernel.money import Money

NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
FLIGHT = Segment(
    carrier="TP",
    number="84",
    origin="GRU",
    destination="LIS",
    departs_at=NOW,
    arrives_at=NOW,
    booking_class="Y",
    cabin="economy",
)


def brl(amount: int) -> Money:
    return Money(amount=amount, currency="BRL")


def test_seats_and_bags_in_another_currency_than_the_fare_are_not_offered() -> None:
    dollars, reais = Money(amount=1, currency="USD"), brl(1)
    mixed = Extras(
        seats=(SeatPrice(segment=0, seat="1A", price=dollars), SeatPrice(segment=0, seat="1B", price=reais)),
        bags=(BagPrice(pieces=1, price=reais), BagPrice(pieces=2, price=dollars)),
    )
    assert [seat.seat for seat in mixed.sold_in("BRL").seats] == ["1B"]
    assert [bag.pieces for bag in mixed.sold_in("BRL").bags] == [1]


@pytest.mark.parametrize(
    ("price", "adults", "miles"),
    [(259_990, 1, 62_400), (519_980, 2, 124_800), (0, 1, 100), (1, 3, 300), (416, 1, 100), (417, 1, 200)],
)
def test_fares_in_miles_by_hand(price: int, adults: int, miles: int) -> None:
    """24 miles for each 100 minor units, per passenger, up to whole hundreds."""
    assert miles_price(brl(price), adults, 24) == miles


@given(st.integers(0, 10**9), st.integers(1, 9), st.integers(1, 1000))
def test_a_fare_always_costs_whole_steps_and_never_less_than_its_worth(price: int, adults: int, rate: int) -> None:
    miles = miles_price(brl(price), adults, rate)
    assert miles % (MILES_STEP * adults) == 0
    assert miles >= MILES_STEP * adults
    assert miles * 100 >= price * rate


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 9))
def test_a_dearer_fare_never_costs_fewer_miles(price: int, more: int, adults: int) -> None:
    assert miles_price(brl(price + more), adults, 24) >= miles_price(brl(price), adults, 24)


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2027, 11, 17)])
def test_today_and_the_last_day_on_sale_may_be_searched(day: date) -> None:
    check(Query("GRU", "LIS", day, 1, "economy"), NOW)


@pytest.mark.parametrize(("day", "on_sale"), [(date(2027, 11, 17), True), (date(2027, 11, 18), False)])
def test_airlines_sell_361_days_ahead(day: date, on_sale: bool) -> None:
    assert is_on_sale(Query("GRU", "LIS", day, 1, "economy"), NOW) is on_sale


EVENING = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
"""22:30 of the 21st in São Paulo, 10:30 of the 22nd in Tokyo, 14:30 of the 21st in Honolulu."""


@pytest.mark.parametrize(
    ("origin", "today"),
    [
        ("GRU", date(2026, 11, 21)),
        ("NRT", date(2026, 11, 22)),
        ("HNL", date(2026, 11, 21)),
        ("LIS", date(2026, 11, 22)),
    ],
)
def test_a_day_is_past_and_on_sale_by_the_clocks_at_its_departure(origin: str, today: date) -> None:
    def search(day: date) -> Query:
        return Query(origin, "MAD", day, 1, "economy")

    check(search(today), EVENING)
    with pytest.raises(WrongQuery, match="past"):
        check(search(today - timedelta(days=1)), EVENING)
    last = today + timedelta(days=FARTHEST_DAYS)
    assert is_on_sale(search(last), EVENING)
    assert not is_on_sale(search(last + timedelta(days=1)), EVENING)


def test_of_a_code_without_a_place_no_day_is_refused_that_it_may_be_somewhere() -> None:
    """A city's code is in no register of airports, and may be sold from."""
    noon = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
    check(Query("SAO", "LIS", date(2026, 11, 21), 1, "economy"), noon)
    with pytest.raises(WrongQuery):
        check(Query("SAO", "LIS", date(2026, 11, 20), 1, "economy"), noon)
    assert is_on_sale(Query("SAO", "LIS", date(2026, 11, 23) + timedelta(days=FARTHEST_DAYS), 1, "economy"), noon)


@pytest.mark.parametrize(
    ("destination", "day", "parameter"),
    [("LIS", date(2026, 11, 20), "date"), ("GRU", date(2027, 1, 1), "to")],
)
def test_a_search_without_sense_is_refused_by_its_parameter(destination: str, day: date, parameter: str) -> None:
    with pytest.raises(WrongQuery) as refusal:
        check(Query("GRU", destination, day, 1, "economy"), NOW)
    assert refusal.value.parameter == parameter


def itineraries(*flights: int) -> list[Itinerary]:
    """Journeys of so many flights each, cheapest first."""
    fares = [Fare(price=brl(price), taxes=brl(0)) for price in range(len(flights))]
    return [Itinerary(segments=(FLIGHT,) * count, fare=fare) for count, fare in zip(flights, fares, strict=True)]


def test_the_cheapest_are_offered_and_half_of_the_places_go_to_the_shortest() -> None:
    chosen = some_itineraries(itineraries(3, 2, 2, 2, 2, 1, 2, 1, 1, 1), 4)
    assert [one.fare.price.amount for one in chosen] == [0, 1, 5, 7]


def test_few_journeys_are_all_offered() -> None:
    found = itineraries(2, 1, 3)
    assert some_itineraries(found, 10) == found
    assert some_itineraries([], 10) == []


@given(st.lists(st.integers(1, 3), max_size=30), st.integers(1, 20))
def test_as_many_are_offered_as_may_be_cheapest_first(flights: list[int], most: int) -> None:
    found = itineraries(*flights)
    chosen = some_itineraries(found, most)
    prices = [one.fare.price.amount for one in chosen]
    assert len(chosen) == min(most, len(found))
    assert prices == sorted(set(prices))
    if found:
        assert min(flights) in {len(one.segments) for one in chosen}


def seats(rows: int, columns: str) -> list[SeatPrice]:
    return [
        SeatPrice(segment=0, seat=f"{row}{column}", price=brl(0)) for row in range(1, rows + 1) for column in columns
    ]


def test_few_seats_are_all_shown() -> None:
    assert some_seats(seats(5, "ABCDEF"), 30) == tuple(seats(5, "ABCDEF"))


def test_of_many_seats_whole_rows_are_shown_from_front_to_back() -> None:
    shown = some_seats(seats(30, "ABCDEF"), 30)
    rows = [int(seat.seat[:-1]) for seat in shown]
    assert len(shown) == 30
    assert sorted(set(rows)) == [1, 7, 13, 19, 25]
    assert all(rows.count(row) == 6 for row in set(rows))


@given(st.integers(0, 60), st.integers(0, 40))
def test_never_more_seats_than_allowed_and_none_twice(rows: int, most: int) -> None:
    shown = some_seats(seats(rows, "ABCDEFGHJ"), most)
    assert len(shown) <= most
    assert len({seat.seat for seat in shown}) == len(shown)
    assert len(shown) == min(most, 9 * rows) or most >= 9
