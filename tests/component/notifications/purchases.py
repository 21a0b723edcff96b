"""A purchase to tell the customer of: two passengers, two flights, a seat and a bag."""

from datetime import datetime
from typing import Any

from shared.contracts.checkout import Total
from shared.contracts.journey import Bag, Contact, Document, Flight, Order, Passenger, Seat, Segment, Ticket
from shared.contracts.notifications import NotifyCustomer
from shared.kernel.money import Money

ANA = Passenger(given_name="Ana", surname="Souza", birth_date="1990-05-01", document="BR123")
BRUNO = Passenger(given_name="Bruno", surname="D'Ávila", birth_date="1988-02-03", document="BR456")


def brl(amount: int) -> Money:
    return Money(amount=amount, currency="BRL")


def an_order(*passengers: Passenger) -> Order:
    segments = (
        Segment(
            carrier="G3",
            number="1234",
            origin="GIG",
            destination="GRU",
            departs_at=datetime.fromisoformat("2027-01-20T18:05:00-03:00"),
            arrives_at=datetime.fromisoformat("2027-01-20T19:10:00-03:00"),
        ),
        Segment(
            carrier="TP",
            number="84",
            origin="GRU",
            destination="LIS",
            departs_at=datetime.fromisoformat("2027-01-20T23:15:00-03:00"),
            arrives_at=datetime.fromisoformat("2027-01-21T12:15:00+00:00"),
            booking_class="K",
        ),
    )
    flight = Flight(
        item_id="i1",
        offer_id="o1",
        segments=segments,
        passengers=passengers or (ANA, BRUNO),
        price=brl(719_954),
        taxes=brl(22_026),
    )
    return Order(
        flights=(flight,),
        seats=(Seat(item_id="i2", offer_id="o1", segment=1, passenger=1, seat="21A", price=brl(17_800)),),
        bags=(Bag(item_id="i3", offer_id="o1", passenger=0, pieces=1, price=brl(25_000)),),
        money=brl(424_780),
        miles=30_000,
    )


def completed(email: str = "ana@example.com", locale: str = "pt-BR", **fields: Any) -> NotifyCustomer:
    given: dict[str, Any] = {
        "purchase_id": "p-1",
        "step": "notify",
        "part": "completed",
        "template": "completed",
        "contact": Contact(email=email, locale=locale),
        "total": Total(money=brl(424_780), miles=30_000),
        "order": an_order(),
        "locators": ("ABC123", "XKJHYT0099811"),
        "tickets": (
            Ticket(number="1271234567890", passenger=0, segments=(0,)),
            Ticket(number="0471234567890", passenger=0, segments=(1,)),
            Ticket(number="1271234567891", passenger=1, segments=(0,)),
            Ticket(number="0471234567891", passenger=1, segments=(1,)),
        ),
        "documents": (
            Document(number="0474444444444", passenger=1, kind="seat"),
            Document(number="0475555555555", passenger=0, kind="bag"),
        ),
        "paid_with": "visa •••• 4242",
    }
    return NotifyCustomer(**{**given, **fields})
