from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.days import day_in, in_days
from tests.kit.trips import (
    bags,
    direct,
    flights_to_book,
    order,
    pax_segments,
    read_itineraries,
    seats,
    shop,
)
from tests.kit.world import Json, World, shop_request


async def revalidate(world: World, flights: list[Json], adults: int = 2) -> list[Json]:
    body = shop_request(
        flights[0]["fromAirportCode"], flights[-1]["toAirportCode"], flights[0]["departureDate"], adults=adults
    )
    body["OTA_AirLowFareSearchRQ"]["OriginDestinationInformation"][0]["TPA_Extensions"] = {
        "Flight": [
            {
                "Number": flight["flightNumber"],
                "DepartureDateTime": f"{flight['departureDate']}T{flight['departureTime']}:00",
                "ArrivalDateTime": f"{flight['departureDate']}T23:59:00",
                "Type": "A",
                "ClassOfService": flight["bookingClass"],
                "OriginLocation": {"LocationCode": flight["fromAirportCode"]},
                "DestinationLocation": {"LocationCode": flight["toAirportCode"]},
                "Airline": {"Marketing": flight["airlineCode"], "Operating": flight["airlineCode"]},
            }
            for flight in flights
        ]
    }
    response = await world.sabre("/v5/shop/flights/revalidate", body)
    assert response.status_code == 200, response.text
    return read_itineraries(response.json())


async def test_a_journey_to_lisbon_is_offered_direct_and_with_a_domestic_carrier_first(world: World) -> None:
    itineraries = await shop(world, "GRU", "LIS")
    carriers = [tuple(each["carrier"]["marketing"] for each in found["schedules"]) for found in itineraries]
    assert ("TP",) in carriers
    assert ("G3", "TP") in carriers


async def test_itineraries_are_cheapest_first_and_their_sums_are_right(world: World) -> None:
    itineraries = await shop(world, "GRU", "LIS", adults=2)
    totals = [Decimal(str(each["fare"]["totalFare"]["totalPrice"])) for each in itineraries]
    assert totals == sorted(totals)
    for each in itineraries:
        fare = each["fare"]
        total, one = fare["totalFare"], fare["passengerInfoList"][0]["passengerInfo"]["passengerTotalFare"]
        base, taxes = Decimal(str(total["baseFareAmount"])), Decimal(str(total["totalTaxAmount"]))
        assert base + taxes == Decimal(str(total["totalPrice"])) == 2 * Decimal(str(one["totalFare"]))


async def test_times_carry_their_airports_offset_and_dates_are_told_as_days_to_add(world: World) -> None:
    found = next(each for each in await shop(world, "GRU", "LIS") if len(each["schedules"]) == 1)
    schedule = found["schedules"][0]
    day = day_in(60)
    leaves = datetime.fromisoformat(f"{day}T{schedule['departure']['time']}")
    lands = day + timedelta(days=schedule["arrival"].get("dateAdjustment", 0))
    arrives = datetime.fromisoformat(f"{lands}T{schedule['arrival']['time']}")
    assert leaves.utcoffset() == timedelta(hours=-3)
    assert arrives - leaves == timedelta(minutes=schedule["elapsedTime"])
    assert timedelta(hours=8) < arrives - leaves < timedelta(hours=12)


@pytest.mark.parametrize(
    ("origin", "destination", "days"),
    [
        ("GRU", "XXX", 60),
        ("XXX", "GRU", 60),
        ("GRU", "GRU", 60),
        ("CAC", "SYD", 60),
        ("GRU", "LIS", -1),
        ("GRU", "LIS", 400),
    ],
)
async def test_where_nobody_flies_there_are_no_itineraries(
    world: World, origin: str, destination: str, days: int
) -> None:
    response = await world.sabre("/v5/offers/shop", shop_request(origin, destination, in_days(days)))
    found = response.json()["groupedItineraryResponse"]
    assert (found["statistics"]["itineraryCount"], found["itineraryGroups"]) == (0, [])
    assert found["messages"][0]["code"] == "NAV"


async def test_business_class_costs_more_and_falls_back_where_there_is_none(world: World) -> None:
    economy = {each["schedules"][0]["id"]: each for each in await shop(world, "POA", "LIS", adults=1)}
    business = await shop(world, "POA", "LIS", adults=1, cabin="C")
    assert business
    for each in business:
        segments = each["fare"]["passengerInfoList"][0]["passengerInfo"]["fareComponents"][0]["segments"]
        codes = [segment["segment"]["bookingCode"] for segment in segments]
        carriers = [schedule["carrier"]["marketing"] for schedule in each["schedules"]]
        assert codes == ["J" if carrier == "TP" else "Y" for carrier in carriers]
    cheapest = min(each["fare"]["totalFare"]["totalPrice"] for each in economy.values())
    assert min(each["fare"]["totalFare"]["totalPrice"] for each in business) > 2 * cheapest


async def test_the_number_of_itineraries_asked_for_is_the_most_that_come(world: World) -> None:
    body = shop_request("GRU", "LIS", in_days(60))
    body["OTA_AirLowFareSearchRQ"]["TPA_Extensions"]["IntelliSellTransaction"]["RequestType"]["Name"] = "3ITINS"
    assert len(read_itineraries((await world.sabre("/v5/offers/shop", body)).json())) == 3


async def test_chosen_flights_are_priced_again_at_the_new_level(world: World) -> None:
    offered = next(each for each in await shop(world, "GRU", "LIS") if len(each["schedules"]) == 2)
    flights = flights_to_book(offered)
    (same,) = await revalidate(world, flights)
    assert same["fare"]["totalFare"] == offered["fare"]["totalFare"]
    await world.http.put("/sandbox/prices", json={"factor": 1.1})
    (dearer,) = await revalidate(world, flights)
    before, after = offered["fare"]["totalFare"], dearer["fare"]["totalFare"]
    assert after["totalTaxAmount"] == before["totalTaxAmount"]
    base = Decimal(str(before["baseFareAmount"])) * Decimal("1.1")
    assert abs(Decimal(str(after["baseFareAmount"])) - base) <= Decimal(
        "0.02"
    )  # a cent per traveler and flight, at most
    assert after["baseFareAmount"] > before["baseFareAmount"]


async def test_a_flight_that_is_not_flown_is_not_priced(world: World) -> None:
    flights = await direct(world)
    assert await revalidate(world, [flights[0] | {"flightNumber": 9999}]) == []
    assert await revalidate(world, [flights[0] | {"departureTime": "03:33"}]) == []
    assert await revalidate(world, [flights[0] | {"bookingClass": "F"}]) == []


async def test_a_body_that_is_no_search_is_a_400(world: World) -> None:
    for body in ({}, shop_request("Sao Paulo", "LIS", in_days(60)), shop_request("GRU", "LIS", "soon")):
        response = await world.sabre("/v5/offers/shop", body)
        assert (response.status_code, response.json()["errorCode"]) == (400, "ERR.2SG.CLIENT.INVALID_REQUEST")


async def test_a_seat_map_has_free_taken_and_priced_seats_and_is_the_same_each_time(world: World) -> None:
    flights = await direct(world)
    shown = await seats(world, flights)
    assert {seat["occupationStatusCode"] for seat in shown} == {"F", "O"}
    assert any(Decimal(seat["price"]["amount"]) > 0 for seat in shown)
    assert any(Decimal(seat["price"]["amount"]) == 0 for seat in shown)
    assert shown == await seats(world, flights)
    columns = {seat["column"]: seat["characteristics"][0] for seat in shown}
    assert columns == {
        "A": "W",
        "B": "9",
        "C": "A",
        "D": "A",
        "E": "9",
        "F": "9",
        "G": "A",
        "H": "A",
        "J": "9",
        "K": "W",
    }


async def test_a_seat_that_was_booked_is_occupied_until_the_booking_is_cancelled(world: World) -> None:
    flights = await direct(world)
    free = next(seat for seat in await seats(world, flights) if seat["occupationStatusCode"] == "F")["number"]
    wanted = [flights[0] | {"seats": [{"number": free, "travelerIndex": 1}]}]
    locator = (await world.trip("createBooking", order(wanted)))["confirmationId"]

    async def occupation() -> str:
        return str(next(seat for seat in await seats(world, flights) if seat["number"] == free)["occupationStatusCode"])

    assert await occupation() == "O"
    await world.restart()
    assert await occupation() == "O"
    await world.trip("cancelBooking", {"confirmationId": locator, "cancelAll": True})
    assert await occupation() == "F"


async def test_bags_are_offered_by_pieces_for_the_whole_journey(world: World) -> None:
    offered = await bags(world, await direct(world))
    assert [(each["numberOfItems"], each["subcode"], each["airlineCode"]) for each in offered] == [
        (1, "0CC", "TP"),
        (2, "0CD", "TP"),
        (3, "0CE", "TP"),
    ]
    prices = [Decimal(each["price"]["amount"]) for each in offered]
    assert prices == sorted(prices)
    assert prices[0] > 0


async def test_seats_and_bags_of_an_unknown_flight_are_an_error(world: World) -> None:
    flights = [(await direct(world))[0] | {"flightNumber": 9999}]
    body = {"request": {"paxSegments": pax_segments(flights)}}
    maps = (await world.sabre("/v1/offers/getseats", body)).json()
    assert (maps["response"]["seatMaps"], maps["errors"][0]["type"]) == ([], "FLIGHT_NOT_FOUND")
    offered = (await world.sabre("/v2/offers/getancillaries", body)).json()
    assert [error["type"] for error in offered["errors"]] == ["FLIGHT_NOT_FOUND"]
