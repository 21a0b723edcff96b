"""The receipt of a purchase: who flies, where and when, with which documents, and what it cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.journey import Order, Seat
from shared.contracts.notifications import NotifyCustomer
from shared.kernel.money import Money

CARRIERS = {
    "AA": "American Airlines",
    "AD": "Azul",
    "AF": "Air France",
    "AM": "Aeroméxico",
    "AR": "Aerolíneas Argentinas",
    "AV": "Avianca",
    "CM": "Copa Airlines",
    "DL": "Delta Air Lines",
    "EK": "Emirates",
    "G3": "GOL",
    "IB": "Iberia",
    "KL": "KLM",
    "LA": "LATAM",
    "TK": "Turkish Airlines",
    "TP": "TAP Air Portugal",
    "UA": "United Airlines",
}
"""Names of the carriers that members meet most; others go by their IATA code."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One flight, with the times of its airports' clocks."""

    carrier: str
    flight: str
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    cabin: str
    booking_class: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Traveller:
    """One passenger with what was issued and bought for them."""

    name: str
    tickets: tuple[str, ...]
    documents: tuple[tuple[str, str], ...]
    """Kind and number of each EMD."""
    seats: tuple[tuple[str, str], ...]
    """Flight and seat."""
    bags: int
    """Checked pieces that were bought."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purchase as the customer should be able to prove it."""

    locators: tuple[str, ...]
    travellers: tuple[Traveller, ...]
    legs: tuple[Leg, ...]
    fare: Money
    """What the fares cost in money; miles pay a part of this."""
    taxes: Money
    extras: Money
    """Seats and bags."""
    money: Money
    """What was paid in money."""
    miles: int
    """What was paid in miles."""
    paid_with: str


def receipt(notice: NotifyCustomer) -> Receipt | None:
    """The receipt of what a message tells; None where there is no order to tell of."""
    order = notice.order
    if order is None or not order.flights:
        return None
    currency = order.money.currency
    total = notice.total
    return Receipt(
        locators=tuple(map(one_line, notice.locators)),
        travellers=tuple(_travellers(notice, order)),
        legs=tuple(_legs(notice, order)),
        fare=_sum((flight.price for flight in order.flights), currency),
        taxes=_sum((flight.taxes for flight in order.flights), currency),
        extras=_sum((*(seat.price for seat in order.seats), *(bag.price for bag in order.bags)), currency),
        money=total.money if total else order.money,
        miles=total.miles if total else order.miles,
        paid_with=one_line(notice.paid_with),
    )


def one_line(text: str) -> str:
    """What people typed, without what could end a line or a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _travellers(notice: NotifyCustomer, order: Order) -> Iterable[Traveller]:
    """Tickets and EMDs count passengers as the first flight names them."""
    for index, passenger in enumerate(order.flights[0].passengers):
        name = one_line(f"{passenger.given_name} {passenger.surname}")
        places = {
            flight.offer_id: {
                place for place in range(len(flight.passengers)) if order.place_of(flight, place) == index
            }
            for flight in order.flights
        }
        yield Traveller(
            name=name,
            tickets=tuple(t.number for t in notice.tickets if t.passenger == index),
            documents=tuple((d.kind, d.number) for d in notice.documents if d.passenger == index),
            seats=tuple(
                (_flight_of(order, seat), one_line(seat.seat))
                for seat in order.seats
                if seat.passenger in places.get(seat.offer_id, ())
            ),
            bags=sum(bag.pieces for bag in order.bags if bag.passenger in places.get(bag.offer_id, ())),
        )


def _flight_of(order: Order, seat: Seat) -> str:
    for flight in order.flights:
        if flight.offer_id == seat.offer_id and 0 <= seat.segment < len(flight.segments):
            segment = flight.segments[seat.segment]
            return one_line(f"{segment.carrier} {segment.number}")
    return ""


def _legs(notice: NotifyCustomer, order: Order) -> Iterable[Leg]:
    """Tickets count segments through all flights."""
    ticketed = {index for ticket in notice.tickets for index in ticket.segments}
    segments = ((flight, segment) for flight in order.flights for segment in flight.segments)
    for index, (flight, segment) in enumerate(segments):
        yield Leg(
            carrier=one_line(CARRIERS.get(segment.carrier, segment.carrier)),
            flight=one_line(f"{segment.carrier} {segment.number}"),
            origin=one_line(segment.origin),
            destination=one_line(segment.destination),
            departs_at=segment.departs_at,
            arrives_at=segment.arrives_at,
            cabin=flight.cabin,
            booking_class=one_line(segment.booking_class),
            confirmed=index in ticketed,
        )


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, start=Money.zero(currency))
