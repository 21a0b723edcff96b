"""Bargain Finder Max: journeys and their prices, in the compact form that lists each schedule once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.sandbox.sabre.money import as_number
from services.sandbox.sabre.pricing import (
    BOOKING_CLASS,
    CABIN_OF_CLASS,
    Fare,
    PriceDay,
    cabin_on,
    cabins_of,
    journey_fares,
)
from services.sandbox.sabre.schedule import Flight, Journey, find, journeys
from services.sandbox.sabre.shop_requests import ChosenFlight, ShopQuery

AGENCY_ZONE = ZoneInfo("America/Sao_Paulo")
SOLD_DAYS_AHEAD = 361  # as far as airlines file their timetables
CHECK_IN_CLOSES = timedelta(hours=1)
ALWAYS_AVAILABLE = 9  # what a GDS says when there are nine or more
NO_AVAILABILITY = {"severity": "Info", "type": "ERROR", "code": "NAV", "text": "No Availability"}

Offer = tuple[Journey, str, list[Fare]]


def shop(query: ShopQuery, now: datetime, on: PriceDay) -> dict[str, Any]:
    """The cheapest journeys of a day; none where nobody flies."""
    leg, wanted = query.leg, query.cabin
    stops = query.travel_preferences.max_stops_quantity
    found = journeys(
        leg.origin_location.location_code,
        leg.destination_location.location_code,
        leg.departure_date_time.date(),
        2 if stops is None else min(stops, 2),
    )
    offers = [
        (journey, cabins, journey_fares(journey, cabins, on))
        for journey in found
        if _sold(journey, now)
        for cabins in ["".join(cabin_on(flight.plan, wanted) for flight in journey)]
        if wanted in cabins
    ]
    offers.sort(key=lambda offer: sum(fare.total for fare in offer[2]))
    return answer(query, offers[: query.itineraries], on)


def revalidate(query: ShopQuery, now: datetime, on: PriceDay) -> dict[str, Any]:
    """The chosen flights at today's price; none when one of them is not sold any more."""
    chosen = query.leg.chosen.flight
    flights = [flight for flight in map(_still_there, chosen) if flight is not None]
    if not chosen or len(flights) < len(chosen) or not _sold(tuple(flights), now):
        return answer(query, [], on)
    journey = tuple(flights)
    cabins = "".join(CABIN_OF_CLASS[flight.class_of_service] for flight in chosen)
    return answer(query, [(journey, cabins, journey_fares(journey, cabins, on))], on)


def _still_there(chosen: ChosenFlight) -> Flight | None:
    leaves = chosen.departure_date_time
    flight = find(
        chosen.airline.marketing,
        chosen.number,
        chosen.origin_location.location_code,
        chosen.destination_location.location_code,
        leaves.date(),
    )
    if flight is None or flight.departs_at.replace(tzinfo=None) != leaves.replace(tzinfo=None):
        return None
    return flight if CABIN_OF_CLASS.get(chosen.class_of_service, "-") in cabins_of(flight.plan) else None


def _sold(journey: Journey, now: datetime) -> bool:
    leaves = journey[0].departs_at
    return now + CHECK_IN_CLOSES < leaves <= now + timedelta(days=SOLD_DAYS_AHEAD)


def answer(query: ShopQuery, offers: Iterable[Offer], on: PriceDay) -> dict[str, Any]:
    """The grouped itinerary response; also the way to say that there is nothing."""
    leg = query.leg
    schedules = _Schedules(leg.departure_date_time.date().toordinal())
    legs, itineraries = [], []
    for number, (journey, cabins, fares) in enumerate(offers, 1):
        elapsed = journey[-1].arrives_at - journey[0].departs_at
        legs.append({"id": number, "elapsedTime": _minutes(elapsed), "schedules": [*map(schedules.refer, journey)]})
        itineraries.append(
            {
                "id": number,
                "pricingSource": "ADVJR1",
                "legs": [{"ref": number}],
                "pricingInformation": [{"fare": _fare(query, journey, cabins, fares, on)}],
            }
        )
    group = {
        "groupDescription": {
            "legDescriptions": [
                {
                    "departureDate": leg.departure_date_time.date().isoformat(),
                    "departureLocation": leg.origin_location.location_code,
                    "arrivalLocation": leg.destination_location.location_code,
                }
            ]
        },
        "itineraries": itineraries,
    }
    return {
        "groupedItineraryResponse": {
            "version": "5",
            "messages": [] if itineraries else [NO_AVAILABILITY],
            "statistics": {"itineraryCount": len(itineraries)},
            "scheduleDescs": schedules.described,
            "legDescs": legs,
            "itineraryGroups": [group] if itineraries else [],
        }
    }


class _Schedules:
    """Each flight is described once, without dates: those are told as days to add."""

    def __init__(self, first_day: int) -> None:
        self._first_day = first_day
        self._ids: dict[tuple[str, int, str, str], int] = {}
        self.described: list[dict[str, Any]] = []

    def refer(self, flight: Flight) -> dict[str, int]:
        plan = flight.plan
        key = (plan.carrier, plan.number, *_times(flight))
        if key not in self._ids:
            self._ids[key] = len(self._ids) + 1
            self.described.append(_described(self._ids[key], flight))
        reference = {"ref": self._ids[key]}
        if later := flight.departs_at.date().toordinal() - self._first_day:
            reference["departureDateAdjustment"] = later
        return reference


def _described(number: int, flight: Flight) -> dict[str, Any]:
    plan = flight.plan
    leaves, arrives = _times(flight)
    arrival = _stop(plan.destination.code, plan.destination.city, plan.destination.country, arrives)
    if later := flight.arrives_at.date().toordinal() - flight.departs_at.date().toordinal():
        arrival["dateAdjustment"] = later
    return {
        "id": number,
        "stopCount": 0,
        "eTicketable": True,
        "elapsedTime": plan.block_minutes,
        "totalMilesFlown": plan.miles,
        "departure": _stop(plan.origin.code, plan.origin.city, plan.origin.country, leaves),
        "arrival": arrival,
        "carrier": {
            "marketing": plan.carrier,
            "marketingFlightNumber": plan.number,
            "operating": plan.carrier,
            "operatingFlightNumber": plan.number,
            "equipment": {"code": plan.aircraft},
        },
    }


def _fare(query: ShopQuery, journey: Journey, cabins: str, fares: list[Fare], on: PriceDay) -> dict[str, Any]:
    base, taxes = sum(fare.base for fare in fares), sum(fare.taxes for fare in fares)
    travelers = sum(kind.quantity for kind in query.passengers)
    segments = [
        {
            "segment": {
                "bookingCode": BOOKING_CLASS[cabin],
                "cabinCode": cabin,
                "seatsAvailable": ALWAYS_AVAILABLE,
            }
        }
        for cabin in cabins
    ]
    longest = max(journey, key=lambda flight: flight.plan.km)
    return {
        "validatingCarrierCode": longest.plan.carrier,
        "lastTicketDate": (on.day + timedelta(days=1)).isoformat(),
        "totalFare": _totals("totalPrice", base * travelers, taxes * travelers, on.currency)
        | {"baseFareCurrency": on.currency},
        "passengerInfoList": [
            {
                "passengerInfo": {
                    "passengerType": kind.code,
                    "passengerNumber": kind.quantity,
                    "nonRefundable": False,
                    "passengerTotalFare": _totals("totalFare", base, taxes, on.currency),
                    "fareComponents": [{"segments": segments}],
                }
            }
            for kind in query.passengers
        ],
    }


def _totals(name: str, base: int, taxes: int, currency: str) -> dict[str, Any]:
    """Shopping speaks JSON numbers."""
    return {
        name: as_number(base + taxes, currency),
        "baseFareAmount": as_number(base, currency),
        "totalTaxAmount": as_number(taxes, currency),
        "currency": currency,
    }


def _stop(airport: str, city: str, country: str, time: str) -> dict[str, Any]:
    return {"airport": airport, "city": city, "country": country, "time": time}


def _times(flight: Flight) -> tuple[str, str]:
    """Hours with their offset, as in 23:15:00-03:00."""
    return flight.departs_at.isoformat()[11:], flight.arrives_at.isoformat()[11:]


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
