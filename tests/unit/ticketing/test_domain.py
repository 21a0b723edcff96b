"""What is booked, what is due, and how far an issue came."""

import pytest

from services.ticketing.domain import (
    BagChoice,
    Booking,
    IssuedDocument,
    Itinerary,
    Kind,
    Progress,
    Reading,
    Reserved,
    SeatChoice,
    objections,
)
from shared.kernel.errors import Refused
from tests.unit.ticketing.travel import ANA, BACK, BAG, FREE_SEAT, OUT, PAID_SEAT, RUI, money, order

ROUND_TRIP = order(OUT, BACK, seats=(PAID_SEAT, FREE_SEAT), bags=(BAG,))
BOOKING = Booking(id="p", status="reserved", locator="ABCDEF", flights=("11", "12"), tickets_due=2, documents_due=1)


def document(kind: Kind, *, passenger: int = 0, in_force: bool = True, number: str = "0471234567890") -> IssuedDocument:
    return IssuedDocument(number, kind, passenger, ("12", "11"), in_force)


def reading(*documents: IssuedDocument) -> Reading:
    return Reading("ABCDEF", cancelled=False, documents=documents)


def test_indexes_count_through_all_flights_and_the_first_flights_passengers() -> None:
    itinerary = Itinerary.of(ROUND_TRIP)
    assert itinerary.passengers == (ANA, RUI)
    assert [segment.number for segment in itinerary.segments] == ["1201", "84", "87"]
    assert itinerary.journeys == ((0, 1), (2,))
    assert itinerary.seats == (SeatChoice(2, 1, "31A"), SeatChoice(1, 0, "40C"))
    assert itinerary.bags == (BagChoice((0, 1), 0, 2, "TP", money(81_000)),)


def test_the_airline_is_paid_fares_taxes_and_extras_whatever_miles_pay() -> None:
    itinerary = Itinerary.of(ROUND_TRIP)
    assert itinerary.flights_price == money(719_954 + 22_026 + 300_000 + 33_080)
    assert itinerary.extras_price == money(17_800 + 81_000)
    assert itinerary.price == money(1_173_860)


def test_a_ticket_is_due_per_passenger_and_carrier_and_an_emd_per_paid_extra() -> None:
    itinerary = Itinerary.of(ROUND_TRIP)
    assert (itinerary.tickets, itinerary.documents) == (4, 2)


def test_two_flights_of_one_offer_are_two_journeys() -> None:
    assert Itinerary.of(order(BACK, BACK)).journeys == ((0,), (1,))


def test_everybody_has_to_be_on_every_flight() -> None:
    alone = BACK.model_copy(update={"passengers": (ANA,)})
    with pytest.raises(Refused, match="passengers_differ"):
        Itinerary.of(order(OUT, alone))


def test_an_order_without_flights_cannot_be_booked() -> None:
    with pytest.raises(Refused, match="booking_refused"):
        Itinerary.of(order())


def test_an_extra_of_no_flight_cannot_be_booked() -> None:
    with pytest.raises(Refused, match="booking_refused"):
        Itinerary.of(order(BACK, bags=(BAG,)))


def made(*, amount: int = 1_173_860, extras: int = 2, unconfirmed: tuple[str, ...] = ()) -> Reserved:
    return Reserved("ABCDEF", money(amount), ("1",), ("11",), tuple("ab"[:extras]), unconfirmed)


@pytest.mark.parametrize(
    ("booked", "code"),
    [
        (made(), None),
        (made(amount=1_173_861), "price_changed"),
        (made(amount=1_173_859), "price_changed"),
        (made(extras=1), "price_changed"),
        (made(unconfirmed=("UC",)), "segment_unavailable"),
    ],
)
def test_a_booking_is_kept_only_as_ordered(booked: Reserved, code: str | None) -> None:
    refusal = objections(Itinerary.of(ROUND_TRIP), booked)
    assert (refusal.code if refusal else None) == code


def test_a_changed_price_names_the_old_and_the_new() -> None:
    refusal = objections(Itinerary.of(ROUND_TRIP), made(amount=1_200_000))
    assert refusal is not None
    assert refusal.detail == "it was BRL 11,738.60, the airline asks BRL 12,000.00"


@pytest.mark.parametrize(
    ("documents", "progress"),
    [
        ((), Progress.NONE),
        ((document("ticket"), document("ticket"), document("bag")), Progress.COMPLETE),
        ((document("ticket"), document("ticket")), Progress.PARTIAL),
        ((document("ticket"), document("bag"), document("seat")), Progress.PARTIAL),
        ((document("bag"),), Progress.PARTIAL),
        ((document("ticket", in_force=False),), Progress.TAKEN_BACK),
        ((document("ticket", in_force=False), document("ticket")), Progress.PARTIAL),
        (
            (document("ticket", in_force=False), document("ticket"), document("ticket"), document("seat")),
            Progress.COMPLETE,
        ),
    ],
)
def test_an_issue_is_complete_with_every_ticket_and_every_emd(
    documents: tuple[IssuedDocument, ...], progress: Progress
) -> None:
    assert BOOKING.progress(reading(*documents)) is progress


def test_nothing_due_is_never_complete() -> None:
    assert Booking(id="p").progress(reading()) is Progress.NONE


def test_documents_in_force_are_told_with_indexes_in_order() -> None:
    found = reading(document("ticket", passenger=1), document("ticket", in_force=False), document("seat"))
    assert [(ticket.passenger, ticket.segments) for ticket in BOOKING.tickets(found)] == [(1, (0, 1))]
    assert [(emd.passenger, emd.kind) for emd in BOOKING.documents(found)] == [(0, "seat")]
