"""Journeys to book: found by searching, as an offers service would."""

from typing import Any

from tests.days import in_days
from tests.kit.world import Json, World, shop_request

DAY = in_days(60)


async def shop(world: World, origin: str, destination: str, day: str = DAY, **how: Any) -> list[Json]:
    """Each itinerary with its `flights` as createBooking wants them and its `fare`."""
    response = await world.sabre("/v5/offers/shop", shop_request(origin, destination, day, **how))
    assert response.status_code == 200, response.text
    return read_itineraries(response.json())


def read_itineraries(answer: Json) -> list[Json]:
    found = answer["groupedItineraryResponse"]
    schedules = {each["id"]: each for each in found["scheduleDescs"]}
    legs = {each["id"]: each for each in found["legDescs"]}
    itineraries = [each for group in found["itineraryGroups"] for each in group["itineraries"]]
    assert len(itineraries) == found["statistics"]["itineraryCount"]
    return [
        {
            "schedules": [schedules[ref["ref"]] for ref in legs[each["legs"][0]["ref"]]["schedules"]],
            "days_later": [ref.get("departureDateAdjustment", 0) for ref in legs[each["legs"][0]["ref"]]["schedules"]],
            "fare": each["pricingInformation"][0]["fare"],
        }
        for each in itineraries
    ]


def flights_to_book(itinerary: Json, days_ahead: int = 60) -> list[Json]:
    sold = itinerary["fare"]["passengerInfoList"][0]["passengerInfo"]["fareComponents"][0]["segments"]
    return [
        {
            "flightNumber": schedule["carrier"]["marketingFlightNumber"],
            "airlineCode": schedule["carrier"]["marketing"],
            "fromAirportCode": schedule["departure"]["airport"],
            "toAirportCode": schedule["arrival"]["airport"],
            "departureDate": in_days(days_ahead + later),
            "departureTime": schedule["departure"]["time"][:5],
            "bookingClass": segment["segment"]["bookingCode"],
            "flightStatusCode": "NN",
        }
        for schedule, later, segment in zip(itinerary["schedules"], itinerary["days_later"], sold, strict=True)
    ]


def pax_segments(flights: list[Json], cabin: str = "Y") -> list[Json]:
    return [
        {
            "paxSegmentId": str(index),
            "marketingCarrierInfo": {
                "carrierCode": flight["airlineCode"],
                "carrierFlightNumber": str(flight["flightNumber"]),
            },
            "departure": {
                "locationCode": flight["fromAirportCode"],
                "aircraftScheduledDate": {"date": flight["departureDate"]},
            },
            "arrival": {"locationCode": flight["toAirportCode"]},
            "cabinTypeCode": cabin,
        }
        for index, flight in enumerate(flights)
    ]


async def seats(world: World, flights: list[Json], index: int = 0) -> list[Json]:
    """The seats of one flight with their `number`."""
    body = {"requestType": "payload", "request": {"paxSegments": pax_segments(flights), "currency": "BRL"}}
    response = await world.sabre("/v1/offers/getseats", body)
    compartment = response.json()["response"]["seatMaps"][index]["cabinCompartments"][0]
    return [
        seat | {"number": f"{row['row']}{seat['column']}"} for row in compartment["seatRows"] for seat in row["seats"]
    ]


async def bags(world: World, flights: list[Json]) -> list[Json]:
    body = {"requestType": "payload", "request": {"paxSegments": pax_segments(flights)}}
    response = await world.sabre("/v2/offers/getancillaries", body)
    offered: list[Json] = response.json()["response"]["ancillaries"]
    return offered


def bag_to_book(offered: Json) -> Json:
    kept = {key: value for key, value in offered.items() if key != "price"}
    return kept | {"basePrice": offered["price"]["amount"], "currencyCode": "BRL", "flightIndices": [1]}


def order(flights: list[Json], *, travelers: int = 1, reference: str = "checkout-1", **more: Any) -> Json:
    people = [
        {
            "givenName": f"ANA{number}",
            "surname": "SOUZA",
            "birthDate": "1990-05-01",
            "passengerCode": "ADT",
            "identityDocuments": [{"documentNumber": "FX123456", "documentType": "PASSPORT"}],
        }
        for number in range(1, travelers + 1)
    ]
    return {
        "agency": {"ticketingPolicy": "TODAY"},
        "travelers": people,
        "contactInfo": {"emails": ["ana@example.com"], "phones": ["+5511999990000"]},
        "flightDetails": {"flights": flights, "flightPricing": [{}]},
        "remarks": [{"type": "GENERAL", "text": f"REF/{reference}"}],
    } | more


async def direct(world: World) -> list[Json]:
    """TP from Sao Paulo to Lisbon, which flies every day."""
    itineraries = await shop(world, "GRU", "LIS", adults=1)
    return flights_to_book(next(each for each in itineraries if len(each["schedules"]) == 1))


async def two_carriers(world: World) -> list[Json]:
    itineraries = await shop(world, "POA", "LIS", adults=2)
    carriers = [{schedule["carrier"]["marketing"] for schedule in each["schedules"]} for each in itineraries]
    return flights_to_book(itineraries[carriers.index({"G3", "TP"})])


async def hop(world: World, origin: str, destination: str, carrier: str, days_ahead: int) -> Json:
    """One flight of that carrier, sold for itself."""
    for found in await shop(world, origin, destination, in_days(days_ahead), adults=1):
        if [each["carrier"]["marketing"] for each in found["schedules"]] == [carrier]:
            return flights_to_book(found, days_ahead)[0] | {"isMarriageGroup": False}
    raise AssertionError(f"{carrier} does not fly {origin}-{destination}")


async def five_of_one_carrier(world: World) -> list[Json]:
    """To Lisbon and around Europe, all with TP."""
    legs = ("GRU-LIS", "LIS-OPO", "OPO-LIS", "LIS-MAD", "MAD-LIS")
    return [await hop(world, leg[:3], leg[-3:], "TP", 60 + day) for day, leg in enumerate(legs)]


async def booked(world: World, **how: Any) -> str:
    """The locator of a booking on the direct flight."""
    answer = await world.trip("createBooking", order(await direct(world), **how))
    return str(answer["confirmationId"])


def fulfilment(locator: str, *ancillaries: str, **more: Any) -> Json:
    entries: list[Json] = [
        {"ticketingQualifiers": {"priceQuoteRecordIds": ["1"]}, "payment": {"primaryFormOfPayment": 1}}
    ]
    if ancillaries:
        entries.append({"ancillaryIds": list(ancillaries), "payment": {"primaryFormOfPayment": 1}})
    return {
        "confirmationId": locator,
        "fulfillments": entries,
        "formsOfPayment": [{"type": "CASH"}],
        "acceptPriceChanges": False,
        "priceQuoteExpirationMethod": "Quit",
    } | more


async def ticketed(world: World, **how: Any) -> str:
    locator = await booked(world, **how)
    answer = await world.trip("fulfillFlightTickets", fulfilment(locator))
    assert "errors" not in answer, answer
    return locator


def error_types(answer: Json) -> list[str]:
    return [error["type"] for error in answer.get("errors", ())]
