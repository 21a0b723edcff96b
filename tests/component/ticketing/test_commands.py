"""Each of ticketing's commands, with everything a GDS may do to it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.journey import Order
from shared.contracts.steps import StepUndone
from shared.contracts.ticketing import (
    BookingReserved,
    CancelBooking,
    IssueTickets,
    ReserveBooking,
    TicketsIssued,
    VoidTickets,
)
from shared.kernel.errors import Misconfigured
from shared.kernel.money import Money
from shared.kernel.values import changed
from tests.contract.airline import orders
from tests.contract.airline.orders import CHECKOUT
from tests.eventually import eventually
from tests.kit.counter import Counter
from tests.kit.world import World
from tests.patience import BRIEF, PATIENT, SILENCE

ISSUE = IssueTickets(purchase_id=CHECKOUT, step="issue tickets")
VOID = VoidTickets(purchase_id=CHECKOUT, step="issue tickets")
CANCEL = CancelBooking(purchase_id=CHECKOUT, step="reserve booking")
ALL_ISSUED = [("emd", "issued")] * 2 + [("ticket", "issued")] * 2
ALL_VOIDED = [("emd", "voided")] * 2 + [("ticket", "voided")] * 2
BAD_MODES = ["timeout_before", "timeout_after", "error", "refuse"]
UNKNOWN_MODES = [("timeout_before", PATIENT), ("timeout_after", PATIENT), ("error", PATIENT), ("slow", BRIEF)]


def reserve(order: Order, *, attempt: int = 1) -> ReserveBooking:
    return ReserveBooking(
        purchase_id=CHECKOUT, step="reserve booking", attempt=attempt, order=order, contact=orders.CONTACT
    )


def fault(operation: str, mode: str, **more: object) -> dict[str, Any]:
    seconds = SILENCE if mode == "slow" else 0.2
    return {"provider": "sabre", "operation": operation, "mode": mode, "seconds": seconds, "times": 1} | more


async def documents(world: World) -> list[tuple[str, str]]:
    return sorted((each["kind"], each["status"]) for each in (await world.books())["tickets"])


async def bookings(world: World) -> list[str]:
    return [each["status"] for each in (await world.books())["bookings"]]


async def reserved(ticketing: Counter, world: World) -> Order:
    order = await orders.lisbon(world)
    assert isinstance(await ticketing.settle(reserve(order)), BookingReserved)
    return order


async def ticketed(ticketing: Counter, world: World) -> TicketsIssued:
    await reserved(ticketing, world)
    answer = await ticketing.settle(ISSUE)
    assert isinstance(answer, TicketsIssued)
    return answer


async def test_a_booking_is_reserved_under_the_airlines_locator(ticketing: Counter, world: World) -> None:
    answer = await ticketing.settle(reserve(await orders.lisbon(world)))
    assert isinstance(answer, BookingReserved)
    assert list(answer.locators) == [each["locator"] for each in (await world.books())["bookings"]]
    assert await bookings(world) == ["open"]


async def test_tickets_and_emds_are_mapped_to_passengers_and_segments(ticketing: Counter, world: World) -> None:
    issued = await ticketed(ticketing, world)
    assert [(ticket.passenger, ticket.segments) for ticket in issued.tickets] == [(0, (0,)), (1, (0,))]
    assert sorted((found.kind, found.passenger) for found in issued.documents) == [("bag", 1), ("seat", 0)]
    numbers = {ticket.number for ticket in issued.tickets} | {found.number for found in issued.documents}
    assert numbers == {each["number"] for each in (await world.books())["tickets"]}
    assert await documents(world) == ALL_ISSUED


READ = fault("getBooking", "slow", times=None, seconds=0)
"""Counts how often bookings are read, and harms nobody."""


async def reads(world: World) -> int:
    return int((await world.get("/sandbox/faults"))["rules"][0]["hits"])


async def test_one_ticket_is_told_by_its_issue_and_is_what_the_airline_has(ticketing: Counter, world: World) -> None:
    booked = await orders.flight(world, "GRU", "LIS", people=1)
    await ticketing.settle(reserve(orders.order([booked])))
    await world.fault(READ)
    issued = await ticketing.settle(ISSUE)
    assert isinstance(issued, TicketsIssued)
    assert [(each.passenger, each.segments) for each in issued.tickets] == [(0, tuple(range(len(booked.segments))))]
    assert [each.number for each in issued.tickets] == [each["number"] for each in (await world.books())["tickets"]]
    assert await reads(world) == 0
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert await documents(world) == [("ticket", "voided")]


@pytest.mark.parametrize("more", ["people", "bag", "carriers", "flights"])
async def test_what_an_answer_leaves_open_is_read(ticketing: Counter, world: World, more: str) -> None:
    people = 2 if more == "people" else 1
    places = ("POA", "LIS", 2) if more == "carriers" else ("GRU", "LIS", 1)
    booked = await orders.flight(world, places[0], places[1], carriers=places[2], people=people)
    bags = [await orders.bag(world, booked, passenger=0)] if more == "bag" else []
    flights = await orders.hops(world, *FIVE_OF_ONE) if more == "flights" else [booked]
    assert isinstance(await ticketing.settle(reserve(orders.order(flights, bags=bags))), BookingReserved)
    await world.fault(READ)
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)
    assert await reads(world) == 1


@pytest.mark.parametrize("code", ["FULFILLMENT_NOT_CONFIRMED", "UNABLE_TO_RETRIEVE_TICKETS"])
async def test_one_ticket_of_which_the_answer_is_not_sure_is_read(ticketing: Counter, world: World, code: str) -> None:
    await ticketing.settle(reserve(orders.order([await orders.flight(world, "GRU", "LIS", people=1)])))
    await world.fault(READ, fault("fulfillFlightTickets", "refuse", code=code))
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)
    assert await reads(world) > 0
    assert await documents(world) == [("ticket", "issued")]


async def test_each_carrier_issues_a_ticket_of_its_own_for_its_segments(ticketing: Counter, world: World) -> None:
    booked = await orders.flight(world, "POA", "LIS", carriers=2)
    await ticketing.settle(reserve(orders.order([booked])))
    issued = await ticketing.settle(ISSUE)
    assert isinstance(issued, TicketsIssued)
    flown = {
        carrier: tuple(place for place, segment in enumerate(booked.segments) if segment.carrier == carrier)
        for carrier in {segment.carrier for segment in booked.segments}
    }
    expected = sorted((passenger, segments) for passenger in (0, 1) for segments in flown.values())
    assert sorted((ticket.passenger, ticket.segments) for ticket in issued.tickets) == expected


FIVE_OF_ONE = ("GRU-LIS TP", "LIS-OPO TP", "OPO-LIS TP", "LIS-MAD TP", "MAD-LIS TP")


@pytest.mark.parametrize(
    ("legs", "tickets"),
    [
        (FIVE_OF_ONE, [(0, 1, 2, 3), (4,)]),
        ((*FIVE_OF_ONE, "LIS-BCN TP", "BCN-LIS TP", "LIS-GRU TP"), [(0, 1, 2, 3), (4, 5, 6, 7)]),
        (("GRU-CDG AF", "CDG-AMS AF", "AMS-GRU KL"), [(0, 1, 2)]),
        (("GRU-CDG AF", "CDG-LIS AF", "LIS-GRU TP"), [(0, 1), (2,)]),
    ],
)
async def test_tickets_are_complete_by_coupons_whatever_their_numbers(
    ticketing: Counter, world: World, legs: tuple[str, ...], tickets: list[tuple[int, ...]]
) -> None:
    order = orders.order(await orders.hops(world, *legs))
    assert isinstance(await ticketing.settle(reserve(order)), BookingReserved)
    issued = await ticketing.settle(ISSUE)
    assert isinstance(issued, TicketsIssued)
    expected = [(passenger, segments) for passenger in (0, 1) for segments in tickets]
    assert [(ticket.passenger, ticket.segments) for ticket in issued.tickets] == expected
    assert {status for _, status in await documents(world)} == {"issued"}
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert {status for _, status in await documents(world)} == {"voided"}


async def test_a_part_of_a_conjunction_is_taken_back_and_refused(ticketing: Counter, world: World) -> None:
    await ticketing.settle(reserve(orders.order(await orders.hops(world, *FIVE_OF_ONE))))
    await world.fault(fault("fulfillFlightTickets", "refuse", code="PARTIAL_FULFILLMENT"))
    assert await ticketing.refusal(ISSUE) == "issue_refused"
    assert {status for _, status in await documents(world)} == {"voided"}


async def test_segments_of_a_return_are_counted_on_from_the_outbound(ticketing: Counter, world: World) -> None:
    out = await orders.flight(world, "GRU", "LIS", days=60)
    back = await orders.flight(world, "LIS", "GRU", days=70)
    turned = changed(back, passengers=(orders.RUI, orders.ANA))
    bag = await orders.bag(world, turned, passenger=0)
    await ticketing.settle(reserve(orders.order([out, turned], bags=[bag])))
    issued = await ticketing.settle(ISSUE)
    assert isinstance(issued, TicketsIssued)
    places = set(range(len(out.segments) + len(back.segments)))
    for passenger in (0, 1):
        covered = [place for t in issued.tickets if t.passenger == passenger for place in t.segments]
        assert sorted(covered) == sorted(places)
    assert [(found.kind, found.passenger) for found in issued.documents] == [("bag", 1)]


async def test_a_seat_without_price_has_no_document(ticketing: Counter, world: World) -> None:
    booked = await orders.flight(world, "GRU", "LIS")
    free = await orders.seat(world, booked, free=True)
    await ticketing.settle(reserve(orders.order([booked], [free])))
    issued = await ticketing.settle(ISSUE)
    assert isinstance(issued, TicketsIssued)
    assert (len(issued.tickets), issued.documents) == (2, ())


async def test_flights_with_different_passengers_are_refused_before_anything_is_booked(
    ticketing: Counter, world: World
) -> None:
    out = await orders.flight(world, "GRU", "LIS", days=60)
    back = changed(await orders.flight(world, "LIS", "GRU", days=70), passengers=(orders.ANA,))
    assert await ticketing.refusal(reserve(orders.order([out, back]))) == "passengers_differ"
    assert await bookings(world) == []


async def test_a_price_that_moved_refuses_and_gives_the_booking_back(ticketing: Counter, world: World) -> None:
    order = await orders.lisbon(world)
    await world.http.put("/sandbox/prices", json={"factor": 1.1})
    assert await ticketing.refusal(reserve(order)) == "price_changed"
    assert await bookings(world) == ["cancelled"]


async def test_a_booking_that_cannot_be_given_back_at_once_is_still_refused(ticketing: Counter, world: World) -> None:
    order = await orders.lisbon(world)
    await world.http.put("/sandbox/prices", json={"factor": 1.1})
    await world.fault(fault("cancelBooking", "error"))
    assert await ticketing.refusal(reserve(order)) == "price_changed"
    assert await bookings(world) == ["cancelled"]


@pytest.mark.parametrize("status", ["UC", "UN", "US", "NO", "LL"])
async def test_a_segment_that_is_gone_refuses_the_booking(ticketing: Counter, world: World, status: str) -> None:
    await world.fault(fault("createBooking", "refuse", code=status))
    assert await ticketing.refusal(reserve(await orders.lisbon(world))) == "segment_unavailable"
    assert await bookings(world) == []


@pytest.mark.parametrize(
    ("mode", "patience", "made"),
    [("timeout_before", PATIENT, 0), ("timeout_after", PATIENT, 1), ("error", PATIENT, 0), ("slow", BRIEF, 1)],
)
async def test_a_booking_of_unknown_outcome_is_never_made_twice(
    ticketing: Counter, world: World, mode: str, made: int
) -> None:
    order = await orders.lisbon(world)
    await world.fault(fault("createBooking", mode))
    assert await ticketing.refusal(reserve(order)) == "reservation_unknown"
    assert await ticketing.refusal(reserve(order)) == "reservation_unknown"
    assert len(await bookings(world)) == made
    assert isinstance(await ticketing.settle(CANCEL), StepUndone)


async def test_a_booking_that_comes_to_light_after_the_refusal_is_answered_and_can_be_cancelled(
    ticketing: Counter, other_ticketing: Counter, world: World
) -> None:
    order = await orders.lisbon(world)
    await world.fault(fault("createBooking", "slow", seconds=1.5))
    late = asyncio.create_task(ticketing.say(reserve(order)))

    async def under_way() -> bool:
        return bool((await world.get("/sandbox/faults"))["rules"][0]["hits"])

    await eventually(under_way)
    other_ticketing.around.hand.ahead = timedelta(minutes=5)
    assert await other_ticketing.refusal(reserve(order)) == "reservation_unknown"
    await late
    assert [type(answer) for answer in ticketing.answers] == [BookingReserved]
    assert await bookings(world) == ["open"]
    assert isinstance(await other_ticketing.settle(CANCEL), StepUndone)
    assert await bookings(world) == ["cancelled"]


@pytest.mark.parametrize("status", ["429", "401"])
async def test_a_throttled_booking_waits_to_be_asked_again(ticketing: Counter, world: World, status: str) -> None:
    order = await orders.lisbon(world)
    await world.fault(fault("createBooking", "refuse", code=status, times=2))
    if status == "401":
        await ticketing.say(reserve(order))
        assert ticketing.answers == []
    assert isinstance(await ticketing.settle(reserve(order)), BookingReserved)
    assert await bookings(world) == ["open"]


@pytest.mark.parametrize(("mode", "patience"), UNKNOWN_MODES)
async def test_an_issue_of_unknown_outcome_ends_in_every_document_once(
    ticketing: Counter, world: World, mode: str
) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", mode))
    await ticketing.say(ISSUE)
    assert len(ticketing.answers) == 1
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)
    assert await documents(world) == ALL_ISSUED


@pytest.mark.parametrize("code", ["FULFILLMENT_NOT_CONFIRMED", "UNABLE_TO_RETRIEVE_TICKETS", "INTERNAL_SERVER_TIMEOUT"])
async def test_after_an_answer_that_does_not_know_nothing_is_issued_twice(
    ticketing: Counter, world: World, code: str
) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "refuse", code=code))
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)
    assert await documents(world) == ALL_ISSUED


async def test_an_issue_is_retried_once_and_then_refused(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "timeout_before", times=5))
    assert await ticketing.refusal(ISSUE) == "not_done"
    assert (await world.get("/sandbox/faults"))["rules"][0]["hits"] == 2
    assert await documents(world) == []


async def test_while_the_booking_cannot_be_read_the_issue_stays_unknown(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "timeout_after"), fault("getBooking", "error", times=3))
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)
    assert (await world.get("/sandbox/faults"))["rules"][1]["hits"] == 3
    assert await documents(world) == ALL_ISSUED


async def test_a_part_of_the_documents_is_taken_back_and_refused(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "refuse", code="PARTIAL_FULFILLMENT"))
    assert await ticketing.refusal(ISSUE) == "issue_refused"
    assert await documents(world) == [("ticket", "voided")] * 2


async def test_a_part_that_cannot_be_taken_back_at_once_is_found_and_taken_back_later(
    ticketing: Counter, world: World
) -> None:
    await reserved(ticketing, world)
    await world.fault(
        fault("fulfillFlightTickets", "refuse", code="PARTIAL_FULFILLMENT"), fault("voidFlightTickets", "error")
    )
    await ticketing.say(ISSUE)
    assert len(ticketing.answers) == 1
    assert await ticketing.refusal(ISSUE) == "issue_refused"
    assert await documents(world) == [("ticket", "voided")] * 2


@pytest.mark.parametrize(("code", "refusal"), [("UC", "segment_unavailable"), ("PRICE_MISMATCH", "price_changed")])
async def test_a_refused_issue_leaves_no_document(ticketing: Counter, world: World, code: str, refusal: str) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "refuse", code=code))
    assert await ticketing.refusal(ISSUE) == refusal
    assert await documents(world) == []


async def test_nothing_is_issued_without_a_booking(ticketing: Counter, world: World) -> None:
    assert await ticketing.refusal(ISSUE) == "issue_refused"
    assert await documents(world) == []


async def test_a_printer_that_is_missing_goes_the_way_of_faults(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "refuse", code="PRINTER_NOT_ASSIGNED", times=3))
    for _ in range(3):
        with pytest.raises(Misconfigured):
            await ticketing.say(ISSUE)
    assert isinstance(await ticketing.settle(ISSUE), TicketsIssued)


@pytest.mark.parametrize("mode", BAD_MODES)
async def test_a_void_is_repeated_until_every_document_is_void(ticketing: Counter, world: World, mode: str) -> None:
    await ticketed(ticketing, world)
    await world.fault(fault("voidFlightTickets", mode, times=1))
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert {status for _, status in await documents(world)} <= {"voided", "refunded"}
    assert isinstance(await ticketing.settle(CANCEL), StepUndone)
    assert await bookings(world) == ["cancelled"]


async def test_past_its_window_a_void_becomes_a_refund(ticketing: Counter, world: World) -> None:
    await ticketed(ticketing, world)
    world.later = timedelta(days=2)
    ticketing.around.hand.ahead = timedelta(days=2)
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert {status for _, status in await documents(world)} == {"refunded"}


async def test_an_undo_finds_documents_whose_answer_never_came(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("fulfillFlightTickets", "timeout_after"))
    await ticketing.say(ISSUE)
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert await documents(world) == ALL_VOIDED
    assert await ticketing.refusal(ISSUE) == "fenced"


async def test_voiding_and_cancelling_before_their_steps_fences_both_off(ticketing: Counter, world: World) -> None:
    assert isinstance(await ticketing.settle(VOID), StepUndone)
    assert isinstance(await ticketing.settle(CANCEL), StepUndone)
    assert await ticketing.refusal(reserve(await orders.lisbon(world))) == "fenced"
    assert await ticketing.refusal(ISSUE) == "fenced"
    assert await bookings(world) == []


@pytest.mark.parametrize("mode", BAD_MODES)
async def test_a_cancel_is_repeated_until_the_booking_is_given_back(
    ticketing: Counter, world: World, mode: str
) -> None:
    await reserved(ticketing, world)
    await world.fault(fault("cancelBooking", mode, times=2))
    assert isinstance(await ticketing.settle(CANCEL), StepUndone)
    assert await bookings(world) == ["cancelled"]


async def test_cancelling_a_ticketed_booking_voids_its_documents(ticketing: Counter, world: World) -> None:
    await ticketed(ticketing, world)
    assert isinstance(await ticketing.settle(CANCEL), StepUndone)
    assert await documents(world) == ALL_VOIDED
    assert await bookings(world) == ["cancelled"]


async def test_copies_at_the_same_moment_issue_once(ticketing: Counter, world: World) -> None:
    await reserved(ticketing, world)
    await asyncio.gather(*(ticketing.say(ISSUE) for _ in range(5)))
    assert len(set(ticketing.answers[1:])) == 1
    assert await documents(world) == ALL_ISSUED


async def test_no_passenger_is_kept_in_our_documents_beyond_the_booking(ticketing: Counter, world: World) -> None:
    await ticketed(ticketing, world)
    kept = b"".join(file.read_bytes() for file in ticketing.around.home.glob("ticketing.sqlite3*"))
    assert CHECKOUT.encode() in kept
    for personal in (orders.ANA.document, orders.RUI.document, orders.CONTACT.email, "SOUZA", "Souza"):
        assert personal.encode() not in kept


async def test_money_of_the_order_is_what_the_airline_is_paid(ticketing: Counter, world: World) -> None:
    """Miles pay a part of the fare to us, never to the airline."""
    order = await orders.lisbon(world)
    with_miles = changed(order, money=Money(amount=1, currency="BRL"), miles=30_000)
    assert isinstance(await ticketing.settle(reserve(with_miles)), BookingReserved)
