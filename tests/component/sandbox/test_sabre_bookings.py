import base64
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.days import in_days
from tests.kit.trips import (
    bag_to_book,
    bags,
    booked,
    direct,
    error_types,
    flights_to_book,
    order,
    seats,
    shop,
    two_carriers,
)
from tests.kit.world import TRIP, Json, World


async def show(world: World, locator: str) -> Json:
    return await world.trip("getBooking", {"confirmationId": locator})


async def bookings(world: World) -> list[tuple[str, str]]:
    return [(each["reference"], each["status"]) for each in (await world.books())["bookings"]]


async def test_a_booking_carries_our_reference_and_its_price_is_the_one_shopped(world: World) -> None:
    itinerary = next(each for each in await shop(world, "GRU", "LIS") if len(each["schedules"]) == 1)
    flights = await direct(world)
    answer = await world.trip("createBooking", order(flights, travelers=2))
    shown = await show(world, answer["confirmationId"])
    assert {key: shown[key] for key in answer["booking"]} == answer["booking"]
    assert shown["remarks"] == [{"type": "GENERAL", "text": "REF/checkout-1"}]
    assert (shown["isTicketed"], shown["isCancelable"]) == (False, True)
    assert "flightTickets" not in shown
    total = shown["payments"]["flightTotals"][0]
    assert Decimal(total["total"]) == Decimal(str(itinerary["fare"]["totalFare"]["totalPrice"]))
    quote = shown["fares"][0]
    assert (quote["recordId"], quote["recordTypeCode"], quote["travelerIndices"]) == ("1", "PQ", [1, 2])
    assert Decimal(quote["totals"]["total"]) * 2 == Decimal(total["total"])
    assert [each["givenName"] for each in shown["travelers"]] == ["ANA1", "ANA2"]
    assert await bookings(world) == [("checkout-1", "open")]


async def test_seats_with_a_price_become_ancillaries_and_bags_are_kept_as_ordered(world: World) -> None:
    flights = await direct(world)
    free = [seat for seat in await seats(world, flights) if seat["occupationStatusCode"] == "F"]
    paid = next(seat for seat in free if seat["price"]["amount"] != "0.00")
    gratis = next(seat for seat in free if seat["price"]["amount"] == "0.00")
    chosen = [{"number": paid["number"], "travelerIndex": 1}, {"number": gratis["number"], "travelerIndex": 2}]
    wanted = order([flights[0] | {"seats": chosen}], travelers=2)
    bag = (await bags(world, flights))[1]
    wanted["travelers"][1]["ancillaries"] = [bag_to_book(bag)]
    shown = await show(world, (await world.trip("createBooking", wanted))["confirmationId"])
    assert [(seat["number"], seat["travelerIndex"]) for seat in shown["flights"][0]["seats"]] == [
        (paid["number"], 1),
        (gratis["number"], 2),
    ]
    first, second = (each["ancillaries"] for each in shown["travelers"])
    assert [(each["groupCode"], each["totals"]["total"]) for each in first] == [("SA", paid["price"]["amount"])]
    assert [(each["groupCode"], each["numberOfItems"], each["totals"]["total"]) for each in second] == [
        ("BG", 2, bag["price"]["amount"])
    ]
    assert {each["statusCode"] for each in (*first, *second)} == {"HD"}
    total = Decimal(paid["price"]["amount"]) + Decimal(bag["price"]["amount"])
    assert Decimal(shown["payments"]["ancillaryTotals"][0]["total"]) == total


async def test_a_taken_seat_refuses_the_whole_booking(world: World) -> None:
    flights = await direct(world)
    on_map = await seats(world, flights)
    taken = next(seat["number"] for seat in on_map if seat["occupationStatusCode"] == "O")
    free = next(seat["number"] for seat in on_map if seat["occupationStatusCode"] == "F")
    wanted = [flights[0] | {"seats": [{"number": free, "travelerIndex": 1}]}]
    await world.trip("createBooking", order(wanted, reference="checkout-0"))
    for number in (taken, free, "99Z"):
        wanted = [flights[0] | {"seats": [{"number": number, "travelerIndex": 1}]}]
        answer = await world.trip("createBooking", order(wanted))
        assert error_types(answer) == ["SEAT_NOT_AVAILABLE"]
        assert answer["errors"][0]["fieldPath"] == "flightDetails.flights[0].seats[0]"
        assert answer["errors"][0]["fieldValue"] == number
    assert await bookings(world) == [("checkout-0", "open")]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"flightNumber": 9999}, "UN"),
        ({"departureTime": "03:33"}, "UN"),
        ({"departureDate": "2020-01-01"}, "UN"),
        ({"bookingClass": "F"}, "NO"),
    ],
)
async def test_a_segment_that_is_not_confirmed_refuses_the_booking(world: World, changed: Json, status: str) -> None:
    flights = [(await direct(world))[0] | changed]
    answer = await world.trip("createBooking", order(flights))
    error = answer["errors"][0]
    assert error["type"] == "UNABLE_TO_BOOK_FLIGHTS_WRONG_STATUS_CODE"
    assert (error["fieldPath"], error["fieldName"], error["fieldValue"]) == (
        "flightDetails.flights[0]",
        "flightStatusCode",
        status,
    )
    assert "confirmationId" not in answer
    assert await bookings(world) == []


async def test_missing_and_wrong_data_are_named(world: World) -> None:
    flights = await direct(world)
    nameless = order(flights)
    del nameless["travelers"][0]["surname"]
    dear = order(flights)
    bag = bag_to_book((await bags(world, flights))[0])
    dear["travelers"][0]["ancillaries"] = [bag | {"basePrice": "1.00"}]
    foreign = order(flights)
    foreign["travelers"][0]["ancillaries"] = [bag | {"airlineCode": "KL"}]
    unseated = order([flights[0] | {"seats": [{"number": "20A", "travelerIndex": 2}]}])
    cases = [
        (nameless, "MANDATORY_DATA_MISSING", "surname"),
        (order([]), "INVALID_VALUE", "flights"),
        (dear, "INVALID_VALUE", "basePrice"),
        (foreign, "INVALID_VALUE", "airlineCode"),
        (unseated, "INVALID_VALUE", "travelerIndex"),
    ]
    for body, type_, field in cases:
        response = await world.sabre("/v1/trip/orders/createBooking", body)
        error = response.json()["errors"][0]
        assert (response.status_code, error["type"], error["fieldName"]) == (400, type_, field)
    assert await bookings(world) == []


async def test_a_journey_of_two_carriers_is_one_booking(world: World) -> None:
    flights = await two_carriers(world)
    shown = await show(world, (await world.trip("createBooking", order(flights, travelers=2)))["confirmationId"])
    assert [each["airlineCode"] for each in shown["flights"]] == ["G3", "TP"]
    assert [each["toAirportCode"] for each in shown["flights"]][-1] == "LIS"
    assert shown["flights"][0]["confirmationId"].startswith("G3")


async def test_journeys_that_are_not_married_are_priced_each_by_itself(world: World) -> None:
    there = await two_carriers(world)
    back = flights_to_book((await shop(world, "LIS", "POA", in_days(70), adults=1))[0], 70)

    async def price(flights: list[Json]) -> Decimal:
        booking = (await world.trip("createBooking", order(flights)))["booking"]
        return Decimal(booking["payments"]["flightTotals"][0]["total"])

    both = [*there, back[0] | {"isMarriageGroup": False}, *back[1:]]
    assert await price(both) == await price(there) + await price(back)
    assert await price([there[0], there[1] | {"isMarriageGroup": False}]) > await price(there)


async def test_the_same_order_twice_is_two_bookings_because_sabre_knows_no_key(world: World) -> None:
    assert await booked(world) != await booked(world)
    assert await bookings(world) == [("checkout-1", "open"), ("checkout-1", "open")]


async def test_an_unknown_booking_is_an_error_with_status_200(world: World) -> None:
    for method in ("getBooking", "checkFlightTickets"):
        assert error_types(await world.trip(method, {"confirmationId": "ZZZZZZ"})) == ["BOOKING_NOT_FOUND"]


async def test_a_cancelled_booking_has_no_flights_and_cannot_be_cancelled_again(world: World) -> None:
    locator = await booked(world)
    answer = await world.trip("cancelBooking", {"confirmationId": locator, "cancelAll": True, "retrieveBooking": True})
    assert "flights" not in answer["booking"]
    shown = await show(world, locator)
    assert "flights" not in shown
    assert (shown["isCancelable"], shown["isTicketed"]) == (False, False)
    again = await world.trip("cancelBooking", {"confirmationId": locator, "cancelAll": True})
    assert error_types(again) == ["BOOKING_CANCELLED"]
    assert await bookings(world) == [("checkout-1", "cancelled")]


async def test_a_booking_nobody_tickets_lapses_after_its_limit(world: World) -> None:
    locator = await booked(world)
    world.later = timedelta(hours=23, minutes=59)
    assert "flights" in await show(world, locator)
    world.later = timedelta(hours=24, seconds=1)
    assert await bookings(world) == [("checkout-1", "cancelled")]
    assert "flights" not in await show(world, locator)


async def test_a_booking_survives_a_restart(world: World) -> None:
    locator = await booked(world)
    before = await show(world, locator)
    await world.restart()
    after = await show(world, locator)
    assert after | {"timestamp": ""} == before | {"timestamp": ""}


async def test_answers_carry_the_headers_sabre_asserts(world: World) -> None:
    response = await world.sabre("/v1/trip/orders/getBooking", {"confirmationId": "ZZZZZZ"})
    assert response.headers["x-request-id"]
    assert response.headers["ConversationId"]


async def test_a_token_is_needed_ends_after_ten_minutes_and_survives_a_restart(world: World) -> None:
    token = await world.sabre_token()

    async def status(authorization: str) -> int:
        response = await world.http.post(
            f"{TRIP}/getBooking", json={"confirmationId": "ZZZZZZ"}, headers={"Authorization": authorization}
        )
        return response.status_code

    assert await status(f"Bearer {token}") == 200
    forged = token[:-4] + ("AAA=" if not token.endswith("AAA=") else "BBB=")
    for wrong in ("", "Bearer", "Bearer nonsense", f"Basic {token}", f"Bearer {forged}"):
        assert await status(wrong) == 401
    await world.restart()
    assert await status(f"Bearer {token}") == 200
    world.later = timedelta(seconds=601)
    assert await status(f"Bearer {token}") == 401


async def test_a_token_is_given_for_credentials_and_grant_only(world: World) -> None:
    basic = "Basic " + base64.b64encode(b"agency:secret").decode()
    for headers, form in (
        ({}, {"grant_type": "client_credentials"}),
        ({"Authorization": "Basic ###"}, {"grant_type": "client_credentials"}),
        ({"Authorization": basic}, {"grant_type": "password"}),
    ):
        response = await world.http.post("/sandbox/sabre/v2/auth/token", data=form, headers=headers)
        assert response.status_code == 401


@pytest.mark.parametrize(("typed", "kept"), [("D'Avila", "DAVILA"), ("ana  lucia", "ANA LUCIA"), ("SOUZA", "SOUZA")])
async def test_a_name_is_kept_in_capitals_without_punctuation(world: World, typed: str, kept: str) -> None:
    wanted = order(await direct(world))
    wanted["travelers"][0]["surname"] = typed
    booking = (await world.trip("createBooking", wanted))["booking"]
    assert booking["travelers"][0]["surname"] == kept


@pytest.mark.parametrize("name", ["Ávila", "李", "", " "])
async def test_a_name_with_other_letters_than_a_to_z_is_not_booked(world: World, name: str) -> None:
    wanted = order(await direct(world))
    wanted["travelers"][0]["surname"] = name
    answer = await world.sabre("/v1/trip/orders/createBooking", wanted)
    assert answer.status_code == 400
    assert (await world.books())["bookings"] == []
