"""What the airline writes and reads in currencies that have other than two decimals."""

from typing import Any

import pytest

from services.checkout.domain.checkout import Purchase
from services.ticketing.adapters.sabre import answers, requests
from services.ticketing.domain import Itinerary, Reserved, objections
from shared.contracts.checkout import Total
from shared.contracts.journey import Contact, Flight, Order
from shared.kernel.money import Money
from tests.unit.ticketing.travel import ANA, GRU_LIS

PRICES = [
    ("50000", 50_000, "JPY"),
    ("500000", 500_000, "CLP"),
    ("5000000", 5_000_000, "VND"),
    ("300000", 300_000, "XOF"),
    ("60000", 60_000, "ISK"),
    ("100.125", 100_125, "KWD"),
    ("70.250", 70_250, "JOD"),
    ("2964.53", 296_453, "BRL"),
]


def itinerary(price: Money) -> Itinerary:
    flight = Flight(
        item_id="1",
        offer_id="o",
        segments=(GRU_LIS,),
        passengers=(ANA,),
        price=price,
        taxes=Money.zero(price.currency),
    )
    return Itinerary.of(Order(flights=(flight,), money=price, miles=0))


def booked(total: str, currency: str, wanted: Itinerary) -> Reserved:
    booking: dict[str, Any] = {"payments": {"flightTotals": [{"total": total, "currencyCode": currency}]}}
    return answers.reserved("ABC123", booking, wanted)


@pytest.mark.parametrize(("written", "minor", "currency"), PRICES)
def test_a_booking_at_the_quoted_price_stands_in_every_currency(written: str, minor: int, currency: str) -> None:
    price = Money(amount=minor, currency=currency)
    wanted = itinerary(price)
    assert booked(written, currency, wanted).price == price
    assert objections(wanted, booked(written, currency, wanted)) is None
    assert requests.decimal(price) == written


@pytest.mark.parametrize(("minor", "currency", "earned"), [(296_453, "BRL", 5_928), (50_000, "JPY", 100_000)])
def test_miles_are_earned_on_whole_units_of_the_currency(minor: int, currency: str, earned: int) -> None:
    price = Money(amount=minor, currency=currency)
    purchase = Purchase(
        member_id="m",
        cart_id="c",
        payment=None,
        contact=Contact(email="ana@example.com"),
        quoted=Total(money=price, miles=0),
        earn_rate=2,
    )
    assert purchase.priced(Order(flights=(), money=price, miles=0)).earned == earned
