"""Carts and offers for the rules' tests."""

from datetime import UTC, datetime

from services.cart.domain.cart import Cart, open_cart
from services.cart.domain.items import BagItem, FlightItem, SeatItem
from shared.contracts.journey import Passenger, Segment
from shared.contracts.offers import BagQuote, Quote, QuotedSegment, SeatQuote
from shared.kernel.money import Money
from shared.kernel.values import changed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 12, 15, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ANA = Passenger(given_name="Ana", surname="Souza", birth_date="1990-05-01", document="FX1")
BOB = Passenger(given_name="Bob", surname="Silva", birth_date="1988-02-29", document="FX2")

GRU_LIS = Segment(
    carrier="TP",
    number="84",
    origin="GRU",
    destination="LIS",
    departs_at=datetime.fromisoformat("2027-01-20T23:15:00-03:00"),
    arrives_at=datetime.fromisoformat("2027-01-21T12:15:00+00:00"),
)


def brl(amount: int) -> Money:
    return Money(amount=amount, currency="BRL")


def a_quote(quote_id: str = "o-1", price: int = 100_000, taxes: int = 10_000, miles: int = 24_000) -> Quote:
    """An offer for two, with two seats and up to two bags."""
    return Quote(
        id=quote_id,
        expired=False,
        expires_at=LATER,
        adults=2,
        cabin="economy",
        segments=(QuotedSegment(**GRU_LIS.model_dump(), cabin="economy"),),
        price=brl(price),
        taxes=brl(taxes),
        miles=miles,
        seats=(SeatQuote(segment=0, seat="12A", price=brl(3500)), SeatQuote(segment=0, seat="12B", price=brl(0))),
        bags=(BagQuote(pieces=1, price=brl(14_000)), BagQuote(pieces=2, price=brl(33_000))),
    )


def a_flight(price: int, taxes: int, miles: int, offer_id: str = "o-1") -> FlightItem:
    return FlightItem(
        id=f"i-{offer_id}",
        offer_id=offer_id,
        offer_expires_at=LATER,
        cabin="economy",
        segments=(GRU_LIS,),
        passengers=(ANA, BOB),
        price=brl(price),
        taxes=brl(taxes),
        miles=miles,
    )


def a_seat(price: int, item_id: str = "i-seat") -> SeatItem:
    return SeatItem(id=item_id, offer_id="o-1", segment=0, passenger=0, seat="12A", price=brl(price))


def a_bag(price: int, item_id: str = "i-bag") -> BagItem:
    return BagItem(id=item_id, offer_id="o-1", passenger=0, pieces=1, price=brl(price))


def a_cart(*items: FlightItem | SeatItem | BagItem, use_miles: int = 0) -> Cart:
    cart = open_cart("c-1", "ana", "portal", "BRL", TOMORROW)
    return changed(cart, items=items, use_miles=use_miles)
