"""What is booked, what is due, and how far an issue came."""

from dataclasses import replace
from itertools import count

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
from shared.kernel.values import changed
from tests.unit.ticketing.travel import ANA, BACK, BAG, FREE_SEAT, OUT, PAID_SEAT, RUI, money, order

ROUND_TRIP = order(OUT, BACK, seats=(PAID_SEAT, FREE_SEAT), bags=(BAG,))
BOOKING = Booking(
    id="p", status="reserved", locator="ABCDEF", flights=("11", "12"), extras=("21",), passengers=2, tickets_due=2
)
NUMBERS = count(4_700_000_000_000)


def ticket(passenger: int, *flights: str, in_force: bool = True) -> IssuedDocument:
    return IssuedDocument(str(next(NUMBERS)), "ticket", passenger, flights, in_force)


def emd(*extras: str, kind: Kind = "bag") -> IssuedDocument:
    return IssuedDocument(str(next(NUMBERS)), kind, 0, ("11",), in_force=True, extras=extras)


BAG_PAID = emd("21")


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
    alone = changed(BACK, passengers=(ANA,))
    with pytest.raises(Refused, match="passengers_differ"):
        Itinerary.of(order(OUT, alone))


def test_an_order_without_flights_cannot_be_booked() -> None:
    with pytest.raises(Refused, match="booking_refused"):
        Itinerary.of(order())


def test_people_who_are_told_alike_keep_their_own_extras() -> None:
    twin = changed(BACK, passengers=(ANA, ANA))
    bags = tuple(changed(BAG, offer_id="back", passenger=place, pieces=place + 1) for place in (0, 1))
    itinerary = Itinerary.of(order(twin, bags=bags))
    assert [(bag.passenger, bag.pieces) for bag in itinerary.bags] == [(0, 1), (1, 2)]


def test_an_extra_of_no_passenger_cannot_be_booked() -> None:
    stray = changed(BAG, passenger=2)
    with pytest.raises(Refused, match="booking_refused"):
        Itinerary.of(order(OUT, bags=(stray,)))


def test_children_are_not_booked_as_adults() -> None:
    child = changed(RUI, birth_date="2016-01-01")
    with pytest.raises(Refused, match="booking_refused"):
        Itinerary.of(order(changed(OUT, passengers=(ANA, child))))


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
        ((ticket(0, "11", "12"), ticket(1, "11", "12"), BAG_PAID), Progress.COMPLETE),
        ((ticket(0, "11"), ticket(0, "12"), ticket(1, "11", "12"), BAG_PAID), Progress.COMPLETE),
        ((ticket(0, "11", "12"), ticket(1, "11", "12")), Progress.PARTIAL),
        ((ticket(0, "11", "12"), BAG_PAID), Progress.PARTIAL),
        ((ticket(0, "11", "12"), ticket(0, "11", "12"), BAG_PAID), Progress.PARTIAL),
        ((ticket(0, "11", "12"), ticket(1, "11"), BAG_PAID), Progress.PARTIAL),
        ((ticket(0, "11", "12"), ticket(1, "11", "12"), emd("22")), Progress.PARTIAL),
        ((BAG_PAID,), Progress.PARTIAL),
        ((ticket(0, "11", in_force=False),), Progress.TAKEN_BACK),
        ((ticket(0, "11", "12", in_force=False), ticket(0, "11", "12")), Progress.PARTIAL),
        (
            (ticket(0, "11", "12", in_force=False), ticket(0, "11", "12"), ticket(1, "11", "12"), BAG_PAID),
            Progress.COMPLETE,
        ),
        ((ticket(0, "11", "12", "13"), ticket(1, "11", "12"), BAG_PAID), Progress.COMPLETE),
    ],
)
def test_an_issue_is_complete_when_everybody_is_covered_on_every_flight_and_every_extra_is_paid(
    documents: tuple[IssuedDocument, ...], progress: Progress
) -> None:
    assert BOOKING.progress(reading(*documents)) is progress


@pytest.mark.parametrize("flights", range(1, 9))
def test_tickets_of_four_coupons_each_are_complete_together(flights: int) -> None:
    ids = tuple(str(number) for number in range(11, 11 + flights))
    booking = Booking(id="p", status="reserved", locator="ABCDEF", flights=ids, passengers=2)
    tickets = [ticket(person, *ids[start : start + 4]) for person in (0, 1) for start in range(0, flights, 4)]
    assert booking.progress(reading(*tickets)) is Progress.COMPLETE
    assert booking.progress(reading(*tickets[1:])) is (Progress.PARTIAL if len(tickets) > 1 else Progress.NONE)
    covered = sorted((found.passenger, place) for found in booking.tickets(tickets) for place in found.segments)
    assert covered == [(person, place) for person in (0, 1) for place in range(flights)]


def test_of_two_sets_of_documents_one_is_chosen_whatever_their_order_and_cut() -> None:
    whole = (ticket(0, "11", "12"), ticket(1, "11", "12"), BAG_PAID)
    pieces = (ticket(1, "12"), ticket(0, "11"), emd("21"))
    for documents in ((*whole, *pieces), (*pieces, *whole)):
        chosen = BOOKING.covering(reading(*documents))
        assert set(chosen) >= set(whole[:2])
        assert len([found for found in chosen if found.kind == "bag"]) == 1


def test_who_a_booking_is_for_is_asked_of_the_airline_where_only_tickets_were_counted() -> None:
    booking = Booking(id="p", status="reserved", locator="ABCDEF", flights=("11",), tickets_due=2)
    told = Reading("ABCDEF", cancelled=False, documents=(ticket(0, "11"),), passengers=2)
    assert booking.progress(told) is Progress.PARTIAL
    assert booking.progress(replace(told, documents=(ticket(0, "11"), ticket(1, "11")))) is Progress.COMPLETE


def test_nothing_due_is_never_complete() -> None:
    assert Booking(id="p").progress(reading()) is Progress.NONE
    assert Booking(id="p").progress(reading(ticket(0, "11"))) is Progress.PARTIAL


def test_documents_are_told_with_indexes_in_order() -> None:
    found = (ticket(1, "12", "11"), emd("22", kind="seat"))
    assert [(told.passenger, told.segments) for told in BOOKING.tickets(found)] == [(1, (0, 1))]
    assert [(told.passenger, told.kind) for told in BOOKING.documents(found)] == [(0, "seat")]


ALONE = changed(BOOKING, passengers=1, tickets_due=1, extras=(), price_quotes=("1",))


def test_one_ticket_for_one_person_at_one_price_of_one_carrier_covers_every_flight() -> None:
    told = ALONE.told_by(["9572400000001"])
    assert told is not None
    assert ALONE.progress(told) is Progress.COMPLETE
    [found] = ALONE.tickets(ALONE.covering(told))
    assert (found.number, found.passenger, found.segments) == ("9572400000001", 0, (0, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"passengers": 2},
        {"passengers": 0},
        {"tickets_due": 2},
        {"tickets_due": 0},
        {"price_quotes": ("1", "2")},
        {"price_quotes": ()},
        {"extras": ("21",)},
        {"flights": ("11", "12", "13", "14", "15")},
        {"flights": ("11", "")},
        {"flights": ()},
    ],
)
def test_what_else_was_booked_is_told_by_reading_it(changes: dict[str, object]) -> None:
    assert changed(ALONE, **changes).told_by(["9572400000001"]) is None


@pytest.mark.parametrize("numbers", [[], ["9572400000001", "9572400000002"]])
def test_another_number_of_tickets_than_one_is_told_by_reading_them(numbers: list[str]) -> None:
    assert ALONE.told_by(numbers) is None
