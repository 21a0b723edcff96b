"""What an airline's adapter promises: refusals, unknown outcomes and certain failures are told apart."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from services.ticketing.adapters.sabre import SabreAirline
from services.ticketing.domain import Itinerary, Reserved, objections
from services.ticketing.ports import IssueOrder, ReservationOrder
from shared.contracts.journey import Order
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.money import Money
from shared.kernel.values import changed
from tests.contract.airline import orders
from tests.kit.world import World
from tests.patience import BRIEF, SILENCE

PAST_VOID_WINDOW = timedelta(days=2)


def reservation(order: Order) -> ReservationOrder:
    return ReservationOrder(orders.CHECKOUT, Itinerary.of(order), orders.CONTACT)


def to_issue(made: Reserved) -> IssueOrder:
    return IssueOrder(made.locator, made.price_quotes, made.extras)


def fault(operation: str, mode: str, **more: object) -> dict[str, Any]:
    return {"provider": "sabre", "operation": operation, "mode": mode, "seconds": 0.2, "times": 1} | more


async def statuses(world: World) -> list[tuple[str, str]]:
    return [(each["kind"], each["status"]) for each in (await world.books())["tickets"]]


async def bookings(world: World) -> list[tuple[str, str]]:
    return [(each["reference"], each["status"]) for each in (await world.books())["bookings"]]


async def issued(airline: SabreAirline, world: World) -> Reserved:
    """Lisbon, ticketed: two tickets and two EMDs."""
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    assert await airline.issue(to_issue(made))
    return made


async def test_a_booking_costs_what_the_order_says_and_holds_its_extras(airline: SabreAirline, world: World) -> None:
    order = await orders.lisbon(world)
    made = await airline.reserve(reservation(order))
    assert made.price == order.money
    assert (len(made.locator), len(made.extras), made.price_quotes, made.unconfirmed) == (6, 2, ("1",), ())
    assert objections(Itinerary.of(order), made) is None
    assert await bookings(world) == [(orders.CHECKOUT, "open")]


async def test_outbound_and_return_are_one_booking_at_the_price_of_both_offers(
    airline: SabreAirline, world: World
) -> None:
    out = await orders.flight(world, "GRU", "LIS", days=60)
    back = await orders.flight(world, "LIS", "GRU", days=70)
    bags = [await orders.bag(world, out), await orders.bag(world, back, passenger=0, pieces=2)]
    order = orders.order([out, back], [await orders.seat(world, back)], bags)
    made = await airline.reserve(reservation(order))
    assert objections(Itinerary.of(order), made) is None
    assert await bookings(world) == [(orders.CHECKOUT, "open")]
    assert len(set(made.flights)) == len(out.segments) + len(back.segments)


async def test_every_document_is_read_with_its_passenger_kind_and_flights(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    reading = await airline.read(made.locator)
    assert reading is not None
    assert sorted((d.kind, d.passenger, d.flights, d.in_force) for d in reading.documents) == [
        ("bag", 1, made.flights, True),
        ("seat", 0, made.flights, True),
        ("ticket", 0, made.flights, True),
        ("ticket", 1, made.flights, True),
    ]
    assert all(len(document.number) == 13 for document in reading.documents)


async def test_issuing_twice_issues_once(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    assert await airline.issue(to_issue(made))
    assert len(await statuses(world)) == 4


async def test_documents_are_voided_on_their_day(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    reading = await airline.read(made.locator)
    assert reading is not None
    await airline.void_or_refund(made.locator, reading.in_force)
    assert {status for _, status in await statuses(world)} == {"voided"}
    after = await airline.read(made.locator)
    assert after is not None
    assert (after.in_force, len(after.documents)) == ((), 4)


async def test_documents_are_refunded_past_their_void_window(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    world.later = PAST_VOID_WINDOW
    reading = await airline.read(made.locator)
    assert reading is not None
    await airline.void_or_refund(made.locator, reading.in_force)
    assert {status for _, status in await statuses(world)} == {"refunded"}


async def test_a_cancelled_booking_is_cancelled_for_good(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await airline.cancel(made.locator, documents=False)
    await airline.cancel(made.locator, documents=False)
    reading = await airline.read(made.locator)
    assert reading is not None
    assert reading.cancelled
    assert await bookings(world) == [(orders.CHECKOUT, "cancelled")]


@pytest.mark.parametrize(("later", "status"), [(timedelta(0), "voided"), (PAST_VOID_WINDOW, "refunded")])
async def test_cancelling_takes_back_the_documents_too(
    airline: SabreAirline, world: World, later: timedelta, status: str
) -> None:
    made = await issued(airline, world)
    world.later = later
    await airline.cancel(made.locator, documents=True)
    assert {found for _, found in await statuses(world)} == {status}
    assert await bookings(world) == [(orders.CHECKOUT, "cancelled")]


async def test_an_unknown_booking_is_read_as_none_and_is_as_good_as_cancelled(airline: SabreAirline) -> None:
    assert await airline.read("QQQQQQ") is None
    await airline.cancel("QQQQQQ", documents=False)


async def refused(act: Awaitable[object]) -> str:
    with pytest.raises(Refused) as refusal:
        await act
    return refusal.value.code


@pytest.mark.parametrize("status", ["UC", "UN", "US", "NO", "LL"])
@pytest.mark.parametrize("operation", ["createBooking", "fulfillFlightTickets"])
async def test_a_segment_that_is_gone_is_a_refusal(
    airline: SabreAirline, world: World, operation: str, status: str
) -> None:
    order = await orders.lisbon(world)
    if operation == "createBooking":
        await world.fault(fault(operation, "refuse", code=status))
        assert await refused(airline.reserve(reservation(order))) == "segment_unavailable"
        return
    made = await airline.reserve(reservation(order))
    await world.fault(fault(operation, "refuse", code=status))
    assert await refused(airline.issue(to_issue(made))) == "segment_unavailable"
    assert await statuses(world) == []


async def test_a_seat_that_is_taken_is_a_refusal(airline: SabreAirline, world: World) -> None:
    order = await orders.lisbon(world)
    await airline.reserve(reservation(order))
    assert await refused(airline.reserve(reservation(order))) == "seat_unavailable"
    assert len(await bookings(world)) == 1


async def test_a_bag_at_another_price_is_a_refusal(airline: SabreAirline, world: World) -> None:
    booked = await orders.flight(world, "GRU", "LIS")
    cheap = changed(await orders.bag(world, booked), price=Money(amount=1, currency="BRL"))
    assert await refused(airline.reserve(reservation(orders.order([booked], bags=[cheap])))) == "price_changed"


async def test_a_price_that_moved_before_the_issue_is_a_refusal(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await world.http.put("/sandbox/prices", json={"factor": 1.1})
    assert await refused(airline.issue(to_issue(made))) == "price_changed"
    assert await statuses(world) == []


async def test_a_cancelled_booking_is_not_ticketed(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await airline.cancel(made.locator, documents=False)
    assert await refused(airline.issue(to_issue(made))) == "issue_refused"


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_TIMEOUT", "UNABLE_TO_RETRIEVE_TICKETS", "FULFILLMENT_NOT_CONFIRMED"])
async def test_an_answer_that_says_it_does_not_know_is_unknown(airline: SabreAirline, world: World, code: str) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await world.fault(fault("fulfillFlightTickets", "refuse", code=code))
    with pytest.raises(OutcomeUnknown):
        await airline.issue(to_issue(made))


async def test_a_part_of_the_documents_is_told_as_such(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await world.fault(fault("fulfillFlightTickets", "refuse", code="PARTIAL_FULFILLMENT"))
    assert not await airline.issue(to_issue(made))
    assert await statuses(world) == [("ticket", "issued")] * 2


@pytest.mark.parametrize("code", ["PRINTER_NOT_ASSIGNED", "UNABLE_TO_CHANGE_PCC", "403"])
@pytest.mark.parametrize("operation", ["createBooking", "fulfillFlightTickets"])
async def test_our_own_set_up_is_nobody_elses_refusal(
    airline: SabreAirline, world: World, operation: str, code: str
) -> None:
    order = await orders.lisbon(world)
    made = await airline.reserve(reservation(order))
    await world.fault(fault(operation, "refuse", code=code))
    with pytest.raises(Misconfigured):
        await (airline.reserve(reservation(order)) if operation == "createBooking" else airline.issue(to_issue(made)))


Method = Callable[[SabreAirline, World], Awaitable[object]]


async def _reserve(airline: SabreAirline, world: World) -> None:
    await airline.reserve(reservation(await orders.lisbon(world)))


async def _issue(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await airline.issue(to_issue(made))


async def _void(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    reading = await airline.read(made.locator)
    assert reading is not None
    await airline.void_or_refund(made.locator, reading.in_force)


async def _refund(airline: SabreAirline, world: World) -> None:
    made = await issued(airline, world)
    reading = await airline.read(made.locator)
    assert reading is not None
    world.later = PAST_VOID_WINDOW
    await airline.void_or_refund(made.locator, reading.in_force)


async def _cancel(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await airline.cancel(made.locator, documents=False)


async def _read(airline: SabreAirline, world: World) -> None:
    made = await airline.reserve(reservation(await orders.lisbon(world)))
    await airline.read(made.locator)


METHODS: dict[str, Method] = {
    "createBooking": _reserve,
    "fulfillFlightTickets": _issue,
    "voidFlightTickets": _void,
    "checkFlightTickets": _void,
    "refundFlightTickets": _refund,
    "cancelBooking": _cancel,
    "getBooking": _read,
}


async def _fails(airline: SabreAirline, world: World, operation: str, mode: str, **more: object) -> None:
    """Shopping is not under test here, so the fault is for one operation."""
    await world.fault(fault(operation, mode, **more))
    if operation == "getBooking":
        await airline.reserve(reservation(await orders.lisbon(world)))
        await airline.read("QQQQQQ")
    else:
        await METHODS[operation](airline, world)


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "error"])
@pytest.mark.parametrize("operation", METHODS)
async def test_silence_and_server_errors_are_unknown(
    airline: SabreAirline, world: World, operation: str, mode: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        await _fails(airline, world, operation, mode)


@pytest.mark.parametrize("patience", [BRIEF])
@pytest.mark.parametrize("operation", ["createBooking", "fulfillFlightTickets"])
async def test_an_answer_slower_than_the_timeout_is_unknown(
    airline: SabreAirline, world: World, operation: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        await _fails(airline, world, operation, "slow", seconds=SILENCE)


@pytest.mark.parametrize("status", ["429", "401"])
@pytest.mark.parametrize("operation", ["createBooking", "fulfillFlightTickets", "cancelBooking", "getBooking"])
async def test_being_throttled_or_locked_out_is_certainly_without_effect(
    airline: SabreAirline, world: World, operation: str, status: str
) -> None:
    with pytest.raises(NotSent):
        await _fails(airline, world, operation, "refuse", code=status, times=2)


async def test_a_token_that_is_not_accepted_is_renewed_once_within_the_call(
    airline: SabreAirline, world: World
) -> None:
    await world.fault(fault("createBooking", "refuse", code="401"))
    await airline.reserve(reservation(await orders.lisbon(world)))
    assert len(await bookings(world)) == 1


async def test_an_expired_token_is_renewed(airline: SabreAirline, world: World) -> None:
    await airline.read("QQQQQQ")
    world.later = timedelta(hours=1)
    assert await airline.read("QQQQQQ") is None


async def test_without_a_token_nothing_was_sent(airline: SabreAirline, world: World) -> None:
    order = await orders.lisbon(world)
    for mode in ("refuse", "timeout_before", "timeout_after", "error"):
        await world.fault(fault("token", mode))
        with pytest.raises(NotSent):
            await airline.reserve(reservation(order))
    assert await bookings(world) == []


async def test_no_connection_is_certainly_without_effect(airline: SabreAirline, world: World) -> None:
    order = await orders.lisbon(world)
    await airline.read("QQQQQQ")
    await world.stop()
    world.socket.close()
    with pytest.raises(NotSent):
        await airline.reserve(reservation(order))
    await world.start()
    assert await bookings(world) == []
