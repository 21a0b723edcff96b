import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.kit.trips import (
    bag_to_book,
    bags,
    booked,
    direct,
    error_types,
    five_of_one_carrier,
    fulfilment,
    hop,
    order,
    seats,
    ticketed,
    two_carriers,
)
from tests.kit.world import Json, World


async def documents(world: World) -> list[tuple[str, str]]:
    return [(each["kind"], each["status"]) for each in (await world.books())["tickets"]]


async def show(world: World, locator: str) -> Json:
    return await world.trip("getBooking", {"confirmationId": locator})


async def with_seat_and_bag(world: World) -> tuple[str, list[str]]:
    """A booking for two on the direct flight, and the ids of a paid seat and a bag in it."""
    flights = await direct(world)
    paid = next(
        seat["number"]
        for seat in await seats(world, flights)
        if seat["occupationStatusCode"] == "F" and seat["price"]["amount"] != "0.00"
    )
    wanted = order([flights[0] | {"seats": [{"number": paid, "travelerIndex": 2}]}], travelers=2)
    wanted["travelers"][0]["ancillaries"] = [bag_to_book((await bags(world, flights))[0])]
    booking = (await world.trip("createBooking", wanted))["booking"]
    items = [each["itemId"] for traveler in booking["travelers"] for each in traveler["ancillaries"]]
    return booking["bookingId"], items


async def test_every_traveler_gets_a_ticket_of_each_carrier(world: World) -> None:
    flights = await two_carriers(world)
    booking = (await world.trip("createBooking", order(flights, travelers=2)))["booking"]
    answer = await world.trip("fulfillFlightTickets", fulfilment(booking["bookingId"]))
    numbers = [each["number"] for each in answer["tickets"]]
    assert [number[:3] for number in numbers] == ["127", "047", "127", "047"]
    assert all(re.fullmatch("[0-9]{13}", number) for number in numbers)
    assert len(set(numbers)) == 4
    assert {(each["ticketStatusCode"], each["isCommitted"]) for each in answer["tickets"]} == {("TE", True)}
    shown = await show(world, booking["bookingId"])
    items = [each["itemId"] for each in booking["flights"]]
    assert shown["isTicketed"]
    assert [
        (each["number"], each["travelerIndex"], [coupon["itemId"] for coupon in each["flightCoupons"]])
        for each in shown["flightTickets"]
    ] == [
        (numbers[0], 1, [items[0]]),
        (numbers[1], 1, [items[1]]),
        (numbers[2], 2, [items[0]]),
        (numbers[3], 2, [items[1]]),
    ]


async def coupons(world: World, flights: list[Json]) -> list[tuple[str, int, list[int]]]:
    """Each ticket's number, its traveler and the places of its flights."""
    booking = (await world.trip("createBooking", order(flights, travelers=2)))["booking"]
    await world.trip("fulfillFlightTickets", fulfilment(booking["bookingId"]))
    items = [each["itemId"] for each in booking["flights"]]
    return [
        (each["number"], each["travelerIndex"], [items.index(coupon["itemId"]) for coupon in each["flightCoupons"]])
        for each in (await show(world, booking["bookingId"]))["flightTickets"]
    ]


async def test_more_than_four_flights_are_a_conjunction_of_numbers_one_after_the_other(world: World) -> None:
    found = await coupons(world, await five_of_one_carrier(world))
    assert [rest for _, *rest in found] == [[1, [0, 1, 2, 3]], [1, [4]], [2, [0, 1, 2, 3]], [2, [4]]]
    numbers = [int(number) for number, *_ in found]
    assert (numbers[1] - numbers[0], numbers[3] - numbers[2]) == (1, 1)


async def test_carriers_that_ticket_together_issue_one_ticket_for_both(world: World) -> None:
    flights = [await hop(world, "GRU", "CDG", "AF", 60), await hop(world, "AMS", "GRU", "KL", 70)]
    found = await coupons(world, flights)
    assert [(number[:3], *rest) for number, *rest in found] == [("057", 1, [0, 1]), ("057", 2, [0, 1])]


async def test_a_part_of_a_conjunction_is_issued_anew_alone(world: World) -> None:
    booking = (await world.trip("createBooking", order(await five_of_one_carrier(world))))["booking"]
    issued = await world.trip("fulfillFlightTickets", fulfilment(booking["bookingId"]))
    first = issued["tickets"][0]["number"]
    await world.trip("voidFlightTickets", {"tickets": [first]})
    again = await world.trip("fulfillFlightTickets", fulfilment(booking["bookingId"]))
    assert len(again["tickets"]) == 1
    assert again["tickets"][0]["number"] != first


async def test_every_paid_seat_and_bag_gets_an_emd(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    answer = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    assert [each["ticketStatusCode"] for each in answer["tickets"]] == ["TE", "TE", "ME", "ME"]
    shown = await show(world, locator)
    emds = {each["ancillaryIds"][0]: each["number"] for each in shown["flightTickets"] if "ancillaryIds" in each}
    assert list(emds) == items
    ancillaries = [each for traveler in shown["travelers"] for each in traveler["ancillaries"]]
    assert {each["itemId"]: each["electronicMiscellaneousDocumentNumber"] for each in ancillaries} == emds
    assert {each["statusCode"] for each in ancillaries} == {"HI"}
    books = (await world.books())["tickets"]
    assert {each["reference"] for each in books} == {"checkout-1"}
    assert await documents(world) == [("ticket", "issued")] * 2 + [("emd", "issued")] * 2


async def test_what_the_documents_cost_is_what_the_booking_said(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    payments = (await show(world, locator))["payments"]
    answer = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    cents = [round(float(each["payment"]["total"]) * 100) for each in answer["tickets"]]
    assert sum(cents[:2]) == round(float(payments["flightTotals"][0]["total"]) * 100)
    assert sum(cents[2:]) == round(float(payments["ancillaryTotals"][0]["total"]) * 100)


async def test_a_ticketed_booking_is_not_ticketed_twice(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    again = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    assert error_types(again) == ["BOOKING_FULFILLED"]
    assert "tickets" not in again
    assert len(await documents(world)) == 4


async def test_only_what_is_missing_is_issued_later(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    await world.trip("fulfillFlightTickets", fulfilment(locator))
    later = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    assert [each["ticketStatusCode"] for each in later["tickets"]] == ["ME", "ME"]


async def test_a_moved_price_issues_nothing_unless_it_is_accepted(world: World) -> None:
    locator = await booked(world)
    quoted = (await show(world, locator))["payments"]["flightTotals"][0]["total"]
    await world.http.put("/sandbox/prices", json={"factor": 1.5})
    refused = await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert error_types(refused) == ["PRICE_MISMATCH"]
    assert await documents(world) == []
    accepted = await world.trip("fulfillFlightTickets", fulfilment(locator, acceptPriceChanges=True))
    assert [each["type"] for each in accepted["warnings"]] == ["PRICE_CHANGE"]
    assert float(accepted["tickets"][0]["payment"]["total"]) > float(quoted)


async def test_a_price_that_came_back_is_no_change(world: World) -> None:
    locator = await booked(world)
    await world.http.put("/sandbox/prices", json={"factor": 1.5})
    await world.http.put("/sandbox/prices", json={"factor": 1})
    assert len((await world.trip("fulfillFlightTickets", fulfilment(locator)))["tickets"]) == 1


async def test_what_cannot_be_ticketed_says_why(world: World) -> None:
    locator = await booked(world)
    unknown = await world.trip("fulfillFlightTickets", fulfilment(locator, "99"))
    unpriced = order(await direct(world))
    unpriced["flightDetails"]["flightPricing"] = []
    quoteless = (await world.trip("createBooking", unpriced))["confirmationId"]
    await world.trip("cancelBooking", {"confirmationId": locator, "cancelAll": True})
    gone = await world.trip("fulfillFlightTickets", fulfilment(locator))
    without = await world.trip("fulfillFlightTickets", fulfilment(quoteless))
    assert [error_types(each) for each in (unknown, gone, without)] == [
        ["ANCILLARY_NOT_FOUND"],
        ["BOOKING_CANCELLED"],
        ["MISSING_PRICE_QUOTE_AIR_EXTRAS_DETAILS"],
    ]
    assert await documents(world) == []


async def test_tickets_are_voidable_on_their_day_and_refundable_after(world: World) -> None:
    now = world.now().astimezone(ZoneInfo("America/Sao_Paulo"))
    noon = datetime(now.year, now.month, now.day, 12, tzinfo=now.tzinfo)
    world.later = noon - now
    locator = await ticketed(world)
    number = (await show(world, locator))["flightTickets"][0]["number"]
    (ticket,) = (await world.trip("checkFlightTickets", {"confirmationId": locator}))["tickets"]
    assert (ticket["number"], ticket["isVoidable"], ticket["isRefundable"]) == (number, True, True)
    world.later += timedelta(hours=12, minutes=1)
    (ticket,) = (await world.trip("checkFlightTickets", {"tickets": [{"number": number}]}))["tickets"]
    assert (ticket["isVoidable"], ticket["isRefundable"]) == (False, True)
    late = await world.trip("voidFlightTickets", {"tickets": [number]})
    assert (error_types(late), late["voidedTickets"]) == (["UNABLE_TO_VOID_TICKET"], [])
    stopped = await world.trip(
        "cancelBooking", {"confirmationId": locator, "cancelAll": True, "flightTicketOperation": "VOID"}
    )
    assert error_types(stopped) == ["UNABLE_TO_VOID_TICKET"]
    assert "flights" in await show(world, locator)
    refunded = await world.trip("refundFlightTickets", {"tickets": [{"number": number}]})
    assert refunded["refundedTickets"] == [number]
    assert await documents(world) == [("ticket", "refunded")]


async def test_a_void_commits_each_document_and_stops_at_the_first_failure(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    answer = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    numbers = [each["number"] for each in answer["tickets"]]
    halted = await world.trip("voidFlightTickets", {"tickets": [numbers[0], "0000000000000", numbers[1]]})
    assert (halted["voidedTickets"], error_types(halted)) == ([numbers[0]], ["UNABLE_TO_VOID_TICKET"])
    rest = await world.trip("voidFlightTickets", {"tickets": numbers, "errorHandlingPolicy": "ALLOW_PARTIAL_CANCEL"})
    assert rest["voidedTickets"] == numbers[1:]
    assert [each["fieldValue"] for each in rest["warnings"]] == [numbers[0]]
    shown = await show(world, locator)
    assert [each["ticketStatusCode"] for each in shown["flightTickets"]] == ["TV", "TV", "MV", "MV"]
    assert (shown["isTicketed"], "flights" in shown) == (False, True)


async def test_cancelling_with_void_or_refund_undoes_every_document(world: World) -> None:
    for operation, status, codes in (
        ("VOID", "voided", ["TV", "TV", "MV", "MV"]),
        ("REFUND", "refunded", ["TR", "TR", "MR", "MR"]),
    ):
        await world.http.delete("/sandbox/books")
        locator, items = await with_seat_and_bag(world)
        issued = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
        answer = await world.trip(
            "cancelBooking", {"confirmationId": locator, "cancelAll": True, "flightTicketOperation": operation}
        )
        assert answer[f"{status}Tickets"] == [each["number"] for each in issued["tickets"]]
        shown = await show(world, locator)
        assert [each["ticketStatusCode"] for each in shown["flightTickets"]] == codes
        assert "flights" not in shown
        assert {each["status"] for each in (await world.books())["tickets"]} == {status}


async def test_emds_are_not_checked_and_an_open_booking_has_nothing_to_check(world: World) -> None:
    locator, items = await with_seat_and_bag(world)
    before = await world.trip("checkFlightTickets", {"confirmationId": locator})
    assert error_types(before) == ["BOOKING_NOT_FULFILLED"]
    issued = await world.trip("fulfillFlightTickets", fulfilment(locator, *items))
    emd = issued["tickets"][-1]["number"]
    checked = await world.trip("checkFlightTickets", {"tickets": [{"number": emd}]})
    assert (checked["tickets"], [each["type"] for each in checked["warnings"]]) == ([], ["UNABLE_TO_CHECK_TICKET"])
    assert len((await world.trip("checkFlightTickets", {"confirmationId": locator}))["tickets"]) == 2


async def test_a_locator_and_numbers_together_are_refused(world: World) -> None:
    for method, tickets in (("voidFlightTickets", ["0470000000000"]), ("refundFlightTickets", [{"number": "1"}])):
        path = f"/v1/trip/orders/{method}"
        both = await world.sabre(path, {"confirmationId": "ABCDEF", "tickets": tickets})
        assert (both.status_code, both.json()["errors"][0]["type"]) == (400, "INVALID_FLAGS_COMBINATION")
        neither = await world.sabre(path, {})
        assert (neither.status_code, neither.json()["errors"][0]["type"]) == (400, "MANDATORY_DATA_MISSING")


async def test_documents_survive_a_restart(world: World) -> None:
    locator = await ticketed(world)
    before = (await show(world, locator))["flightTickets"]
    await world.restart()
    assert (await show(world, locator))["flightTickets"] == before
    assert error_types(await world.trip("fulfillFlightTickets", fulfilment(locator))) == ["BOOKING_FULFILLED"]
