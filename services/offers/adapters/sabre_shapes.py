"""Sabre's shopping requests and answers, and what they mean here. Pure: a shape not as documented raises KeyError,
ValueError or TypeError."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from services.offers.domain import BagPrice, Cabin, Fare, Itinerary, Query, SeatPrice, Segment
from shared.kernel.currencies import DECIMALS
from shared.kernel.money import Money

CABIN_CODES: dict[Cabin, str] = {"economy": "Y", "premium_economy": "S", "business": "C", "first": "F"}
CABINS: dict[str, Cabin] = {code: cabin for cabin, code in CABIN_CODES.items()}
FREE = "F"
BAGGAGE = "BG"
NO_SUCH_FLIGHT = "FLIGHT_NOT_FOUND"
MOST_STOPS = 2


@lru_cache(maxsize=4096)
def money(amount: str | Decimal | int, currency: str) -> Money:
    """Remembered, because a seat map has hundreds of seats and a handful of prices."""
    return Money.of(Decimal(str(amount)), currency)


def shop_request(query: Query, pseudo_city: str, chosen: Sequence[Segment] = ()) -> dict[str, Any]:
    """A Bargain Finder Max request; with chosen flights, one to revalidate them."""
    leg: dict[str, Any] = {
        "RPH": "1",
        "DepartureDateTime": f"{query.date.isoformat()}T00:00:00",
        "OriginLocation": {"LocationCode": query.origin},
        "DestinationLocation": {"LocationCode": query.destination},
    }
    if chosen:
        leg["TPA_Extensions"] = {"Flight": [_chosen(segment) for segment in chosen]}
    requestor = {"Type": "1", "ID": "1", "CompanyName": {"Code": "TN"}}
    return {
        "OTA_AirLowFareSearchRQ": {
            "Version": "5",
            "POS": {"Source": [{"PseudoCityCode": pseudo_city, "RequestorID": requestor}]},
            "OriginDestinationInformation": [leg],
            "TravelPreferences": {
                "CabinPref": [{"Cabin": CABIN_CODES[query.cabin], "PreferLevel": "Preferred"}],
                "MaxStopsQuantity": MOST_STOPS,
            },
            "TravelerInfoSummary": {
                "AirTravelerAvail": [{"PassengerTypeQuantity": [{"Code": "ADT", "Quantity": query.adults}]}]
            },
            "TPA_Extensions": {"IntelliSellTransaction": {"RequestType": {"Name": "50ITINS"}}},
        }
    }


def itineraries(answer: Mapping[str, Any]) -> Iterator[Itinerary]:
    """The itineraries of a grouped answer, in its order. It lists schedules and legs once and refers to them.

    What is sold in a currency that nobody here can count is left out, as it is of seats and bags.
    """
    response = answer["groupedItineraryResponse"]
    schedules = {schedule["id"]: schedule for schedule in response.get("scheduleDescs", ())}
    legs = {leg["id"]: leg for leg in response.get("legDescs", ())}
    for group in response.get("itineraryGroups", ()):
        first_day = date.fromisoformat(group["groupDescription"]["legDescriptions"][0]["departureDate"])
        for itinerary in group["itineraries"]:
            stops = [stop for leg in itinerary["legs"] for stop in legs[leg["ref"]]["schedules"]]
            fare = itinerary["pricingInformation"][0]["fare"]
            if fare["totalFare"]["currency"] not in DECIMALS:
                continue
            sold = fare["passengerInfoList"][0]["passengerInfo"]["fareComponents"][0]["segments"]
            yield Itinerary(
                segments=tuple(
                    _segment(schedules[stop["ref"]], first_day + _days(stop, "departureDateAdjustment"), one["segment"])
                    for stop, one in zip(stops, sold, strict=True)
                ),
                fare=_fare(fare["totalFare"]),
            )


def segment_request(reference: int, segment: Segment) -> dict[str, Any]:
    """A flight as seat maps and ancillaries are asked for."""
    return {
        "paxSegmentId": str(reference),
        "marketingCarrierInfo": {"carrierCode": segment.carrier, "carrierFlightNumber": segment.number},
        "departure": {
            "locationCode": segment.origin,
            "aircraftScheduledDate": {"date": segment.departs_at.date().isoformat()},
        },
        "arrival": {"locationCode": segment.destination},
        "cabinTypeCode": CABIN_CODES[segment.cabin],
    }


def free_seats(seat_map: Mapping[str, Any]) -> list[SeatPrice]:
    """In the map's order; the segment is the reference it was asked under."""
    return [
        SeatPrice(
            segment=int(seat_map["paxSegmentRefId"]),
            seat=f"{row['row']}{seat['column']}",
            price=money(seat["price"]["amount"], seat["price"]["currencyCode"]),
        )
        for cabin in seat_map["cabinCompartments"]
        for row in cabin["seatRows"]
        for seat in row["seats"]
        if seat["occupationStatusCode"] == FREE and seat["price"]["currencyCode"] in DECIMALS
    ]


def bags(answer: Mapping[str, Any]) -> tuple[BagPrice, ...]:
    """Checked bags by number of pieces; none where the carriers file none, or the flight is gone."""
    if "response" not in answer and {error["type"] for error in answer["errors"]} == {NO_SUCH_FLIGHT}:
        return ()
    return tuple(
        BagPrice(pieces=int(one["numberOfItems"]), price=money(one["price"]["amount"], one["price"]["currencyCode"]))
        for one in answer["response"]["ancillaries"]
        if one["groupCode"] == BAGGAGE and one["price"]["currencyCode"] in DECIMALS
    )


def _segment(schedule: Mapping[str, Any], day: date, sold: Mapping[str, Any]) -> Segment:
    departure, arrival, carrier = schedule["departure"], schedule["arrival"], schedule["carrier"]
    return Segment(
        carrier=carrier["marketing"],
        number=str(carrier["marketingFlightNumber"]),
        origin=departure["airport"],
        destination=arrival["airport"],
        departs_at=datetime.fromisoformat(f"{day.isoformat()}T{departure['time']}"),
        arrives_at=datetime.fromisoformat(f"{(day + _days(arrival, 'dateAdjustment')).isoformat()}T{arrival['time']}"),
        booking_class=sold["bookingCode"],
        cabin=CABINS[sold["cabinCode"]],
    )


def _fare(total: Mapping[str, Any]) -> Fare:
    """The fare in the currency it is sold in. `equivalentAmount` stands beside a fare filed in another currency."""
    currency = total["currency"]
    filed_here = total.get("baseFareCurrency", currency) == currency
    price = total["baseFareAmount"] if filed_here else total["equivalentAmount"]
    return Fare(price=money(price, currency), taxes=money(total["totalTaxAmount"], currency))


def _days(holder: Mapping[str, Any], name: str) -> timedelta:
    return timedelta(days=int(holder.get(name, 0)))


def _chosen(segment: Segment) -> dict[str, Any]:
    return {
        "Number": int(segment.number),
        "DepartureDateTime": segment.departs_at.replace(tzinfo=None).isoformat(),
        "ArrivalDateTime": segment.arrives_at.replace(tzinfo=None).isoformat(),
        "Type": "A",
        "ClassOfService": segment.booking_class,
        "OriginLocation": {"LocationCode": segment.origin},
        "DestinationLocation": {"LocationCode": segment.destination},
        "Airline": {"Marketing": segment.carrier, "Operating": segment.carrier},
    }
