import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.days import in_days
from tests.eventually import eventually
from tests.kit.trips import booked, direct, error_types, fulfilment, order, ticketed
from tests.kit.world import KEY, STRIPE, TRIP, Json, World, shop_request


def rule(provider: str, operation: str, mode: str, **more: Any) -> Json:
    return {"provider": provider, "operation": operation, "mode": mode, "seconds": 0.1} | more


async def tickets(world: World) -> int:
    return len((await world.books())["tickets"])


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after"])
async def test_a_cut_line_is_no_answer_at_all(world: World, mode: str) -> None:
    locator = await booked(world)
    await world.fault(rule("sabre", "fulfillFlightTickets", mode, seconds=0.3))
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert 0.3 <= time.monotonic() - started < 5
    assert await tickets(world) == (1 if mode == "timeout_after" else 0)


async def test_the_effect_of_a_timeout_after_is_there_before_the_line_is_cut(world: World) -> None:
    locator = await booked(world)
    await world.fault(rule("sabre", "fulfillFlightTickets", "timeout_after", seconds=60))
    asking = asyncio.create_task(world.trip("fulfillFlightTickets", fulfilment(locator)))
    await eventually(lambda: tickets(world))
    assert not asking.done()
    asking.cancel()  # the sandbox lets go of a line whose client has left: stopping it does not wait a minute
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_after_a_cut_line_the_server_still_answers(world: World) -> None:
    await world.fault(rule("sabre", "getBooking", "timeout_before", times=3))
    asked = [world.trip("getBooking", {"confirmationId": "ZZZZZZ"}) for _ in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, httpx.RemoteProtocolError) for answer in answers) == 3
    assert sum(isinstance(answer, dict) for answer in answers) == 3


async def test_a_slow_answer_comes_late_with_its_effect(world: World) -> None:
    await world.fault(rule("stripe", "authorize", "slow", seconds=0.4))
    started = time.monotonic()
    assert (await world.intent()).status_code == 200
    assert time.monotonic() - started >= 0.4
    assert len((await world.books())["charges"]) == 1


async def test_an_error_is_a_500_without_effect_and_not_remembered_under_the_key(world: World) -> None:
    await world.fault(rule("stripe", "authorize", "error", times=1), rule("sabre", "createBooking", "error", times=1))
    broken = await world.intent("key-1")
    assert (broken.status_code, broken.json()["error"]["type"]) == (500, "api_error")
    assert (await world.books())["charges"] == []
    again = await world.intent("key-1")
    assert (again.status_code, "Idempotent-Replayed" in again.headers) == (200, False)
    assert (await world.sabre("/v1/trip/orders/createBooking", order(await direct(world)))).status_code == 500
    assert (await world.books())["bookings"] == []


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after"])
async def test_after_a_cut_line_the_same_key_charges_once(world: World, mode: str) -> None:
    await world.fault(rule("stripe", "authorize", mode, times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        await world.intent("key-1")
    again = await world.intent("key-1")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (
        200,
        "true" if mode == "timeout_after" else None,
    )
    assert [each["authorized"] for each in (await world.books())["charges"]] == [125_000]


async def test_a_refused_issue_is_a_segment_status_with_http_200(world: World) -> None:
    locator = await booked(world)
    await world.fault(rule("sabre", "fulfillFlightTickets", "refuse", times=1))
    answer = await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert [(each["fieldName"], each["fieldValue"]) for each in answer["errors"]] == [("flightStatusCode", "UC")]
    assert await tickets(world) == 0
    assert "errors" not in await world.trip("fulfillFlightTickets", fulfilment(locator))


@pytest.mark.parametrize(
    ("method", "code", "place", "expected"),
    [
        ("createBooking", None, "errors", "UNABLE_TO_BOOK_FLIGHTS_WRONG_STATUS_CODE"),
        ("fulfillFlightTickets", "LL", "errors", "UNABLE_TO_BOOK_FLIGHTS_WRONG_STATUS_CODE"),
        ("fulfillFlightTickets", "PRINTER_NOT_ASSIGNED", "errors", "PRINTER_NOT_ASSIGNED"),
        ("fulfillFlightTickets", "FULFILLMENT_NOT_CONFIRMED", "warnings", "FULFILLMENT_NOT_CONFIRMED"),
        ("fulfillFlightTickets", "UNABLE_TO_RETRIEVE_TICKETS", "warnings", "UNABLE_TO_RETRIEVE_TICKETS"),
        ("getBooking", None, "errors", "INTERNAL_SERVER_TIMEOUT"),
        ("checkFlightTickets", None, "errors", "INTERNAL_SERVER_TIMEOUT"),
        ("voidFlightTickets", None, "errors", "UNABLE_TO_VOID_TICKET"),
        ("refundFlightTickets", None, "errors", "UNABLE_TO_REFUND_TICKET"),
        ("cancelBooking", None, "errors", "UNABLE_TO_CANCEL_FLIGHTS"),
    ],
)
async def test_each_method_of_sabres_has_its_refusal(
    world: World, method: str, code: str | None, place: str, expected: str
) -> None:
    locator = await ticketed(world)
    before = await world.books()
    await world.fault(rule("sabre", method, "refuse", code=code))
    answer = await world.trip(method, fulfilment(locator) | {"cancelAll": True})
    assert [each["type"] for each in answer[place]] == [expected]
    assert await world.books() == before


async def test_half_of_the_documents_are_issued_when_told_so(world: World) -> None:
    locator = await booked(world, travelers=2)
    await world.fault(rule("sabre", "fulfillFlightTickets", "refuse", code="PARTIAL_FULFILLMENT", times=1))
    half = await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert (len(half["tickets"]), [each["type"] for each in half["warnings"]]) == (1, ["PARTIAL_FULFILLMENT"])
    rest = await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert [each["travelerGivenName"] for each in rest["tickets"]] == ["ANA2"]


async def test_refused_searches_find_nothing_and_refused_tokens_are_401(world: World) -> None:
    await world.fault(rule("sabre", "shop", "refuse"), rule("sabre", "getseats", "refuse", code="503"))
    found = (await world.sabre("/v5/offers/shop", shop_request("GRU", "LIS", in_days(60)))).json()
    assert found["groupedItineraryResponse"]["statistics"]["itineraryCount"] == 0
    assert (await world.sabre("/v1/offers/getseats", {})).status_code == 503
    await world.fault(rule("sabre", "token", "refuse"))
    response = await world.http.post("/sandbox/sabre/v2/auth/token", data={"grant_type": "client_credentials"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("code", "status", "outer", "decline"),
    [
        (None, 402, "card_declined", "generic_decline"),
        ("insufficient_funds", 402, "card_declined", "insufficient_funds"),
        ("expired_card", 402, "expired_card", None),
        ("429", 429, "rate_limit", None),
    ],
)
async def test_a_refused_authorisation_is_a_decline(
    world: World, code: str | None, status: int, outer: str, decline: str | None
) -> None:
    await world.fault(rule("stripe", "authorize", "refuse", code=code))
    response = await world.intent()
    error = response.json()["error"]
    assert (response.status_code, error["code"], error.get("decline_code")) == (status, outer, decline)
    assert (await world.books())["charges"] == []


@pytest.mark.parametrize(
    ("operation", "path", "code"),
    [
        ("capture", "/payment_intents/{}/capture", "charge_expired_for_capture"),
        ("void", "/payment_intents/{}/cancel", "payment_intent_unexpected_state"),
        ("refund", "/refunds", "charge_disputed"),
    ],
)
async def test_each_operation_of_stripes_has_its_refusal(world: World, operation: str, path: str, code: str) -> None:
    intent = (await world.intent()).json()
    await world.fault(rule("stripe", operation, "refuse"))
    response = await world.stripe(
        path.format(intent["id"]), {"payment_intent": intent["id"]} if "refund" in path else {}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    charge = (await world.books())["charges"][0]
    assert (charge["captured"], charge["voided"], charge["refunded"]) == (0, 0, 0)


async def test_a_refused_read_is_a_429(world: World) -> None:
    await world.fault(rule("stripe", "read", "refuse"))
    assert (await world.http.get(f"{STRIPE}/payment_intents", headers=KEY)).status_code == 429


async def test_a_star_hits_every_operation_of_its_provider_and_no_others(world: World) -> None:
    await world.fault(rule("stripe", "*", "error"))
    assert (await world.intent()).status_code == 500
    assert (await world.http.get(f"{STRIPE}/payment_intents", headers=KEY)).status_code == 500
    assert error_types(await world.trip("getBooking", {"confirmationId": "ZZZZZZ"})) == ["BOOKING_NOT_FOUND"]


async def test_the_first_rule_that_fires_wins_and_a_spent_one_makes_way(world: World) -> None:
    await world.fault(
        rule("stripe", "authorize", "refuse", probability=0.0),
        rule("stripe", "authorize", "refuse", code="lost_card", times=2),
        rule("stripe", "authorize", "refuse", code="stolen_card"),
    )
    codes = [(await world.intent()).json()["error"]["decline_code"] for _ in range(3)]
    assert codes == ["lost_card", "lost_card", "stolen_card"]
    assert [each["hits"] for each in (await world.get("/sandbox/faults"))["rules"]] == [0, 2, 1]


async def test_a_likely_rule_fires_sometimes(world: World) -> None:
    await world.fault(rule("stripe", "authorize", "refuse", probability=0.5))
    statuses = {(await world.intent()).status_code for _ in range(40)}
    assert statuses == {200, 402}


async def test_rules_and_their_hits_survive_a_restart(world: World) -> None:
    await world.fault(rule("stripe", "authorize", "refuse", times=2))
    assert (await world.intent()).status_code == 402
    before = await world.get("/sandbox/faults")
    await world.restart()
    assert await world.get("/sandbox/faults") == before
    assert [(await world.intent()).status_code for _ in range(2)] == [402, 200]


async def test_rules_are_replaced_and_cleared(world: World) -> None:
    await world.fault(rule("stripe", "authorize", "refuse"))
    await world.fault(rule("stripe", "capture", "refuse"))
    assert (await world.intent()).status_code == 200
    assert (await world.http.delete("/sandbox/faults")).status_code == 204
    assert await world.get("/sandbox/faults") == {"rules": []}


async def test_providers_of_later_are_accepted(world: World) -> None:
    await world.fault(*(rule(name, "*", "refuse") for name in ("orders", "pix", "siebel", "sms", "desk")))


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"provider": "amadeus"}, "/rules/0/provider"),
        ({"operation": "fulfil"}, "/rules/0"),
        ({"mode": "explode"}, "/rules/0/mode"),
        ({"times": 0}, "/rules/0/times"),
        ({"probability": 1.5}, "/rules/0/probability"),
        ({"seconds": -1}, "/rules/0/seconds"),
        ({"colour": "red"}, "/rules/0/colour"),
    ],
)
async def test_a_wrong_rule_is_refused_by_field_and_the_old_ones_stay(
    world: World, changed: Json, pointer: str
) -> None:
    await world.fault(rule("stripe", "authorize", "refuse"))
    response = await world.http.put(
        "/sandbox/faults", json={"rules": [rule("sabre", "createBooking", "refuse") | changed]}
    )
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await world.intent()).status_code == 402


async def test_a_request_without_a_token_has_no_effect_whatever_the_fault(world: World) -> None:
    await world.fault(rule("sabre", "createBooking", "slow"))
    response = await world.http.post(f"{TRIP}/createBooking", json=order(await direct(world)))
    assert response.status_code == 401
    assert (await world.books())["bookings"] == []
