"""Seats and bags on offer: get seats, get ancillaries. Both simplified from Sabre's, and named so in the README."""

import sqlite3
from collections.abc import Callable
from typing import Any

from services.sandbox.sabre.errors import entry
from services.sandbox.sabre.money import decimal
from services.sandbox.sabre.pricing import bag_prices, cabin_on
from services.sandbox.sabre.schedule import Flight, find
from services.sandbox.sabre.seatmaps import Seat, layout, seats
from services.sandbox.sabre.shop_requests import Segment

BAG_SUBCODES = ("0CC", "0CD", "0CE")  # ATPCO's for the first, second and third checked bag
SEAT_SUBCODE = "0B5"
BAG_GROUP, SEAT_GROUP = "BG", "SA"
BAG_REASON, SEAT_REASON = "C", "A"  # reasons for issuance: baggage, air transportation


def bag_name(pieces: int) -> str:
    return f"{pieces} CHECKED BAG{'S' if pieces > 1 else ''} UP TO 23KG"


def flight_key(flight: Flight) -> str:
    """How records name a flight on its day."""
    plan = flight.plan
    return f"{plan.carrier}{plan.number}/{plan.origin.code}{plan.destination.code}/{flight.departs_at.date()}"


def sold_seats(connection: sqlite3.Connection, flight: Flight) -> frozenset[str]:
    rows = connection.execute("SELECT seat FROM seats WHERE flight = ?", (flight_key(flight),))
    return frozenset(seat for (seat,) in rows)


def seat_maps(segments: tuple[Segment, ...], currency: str) -> Callable[[sqlite3.Connection], dict[str, Any]]:
    """A map for each flight that exists, with what is sold marked as occupied."""

    def read(connection: sqlite3.Connection) -> dict[str, Any]:
        maps, errors = [], []
        for segment in segments:
            flight = _flight(segment)
            if flight is None:
                errors.append(_unknown(segment))
                continue
            cabin = cabin_on(flight.plan, segment.cabin_type_code)
            maps.append(_seat_map(segment, flight, cabin, currency, sold_seats(connection, flight)))
        return {"response": {"seatMaps": maps}} | ({"errors": errors} if errors else {})

    return read


def bags(segments: tuple[Segment, ...], currency: str) -> dict[str, Any]:
    """One to three pieces, priced for the whole journey; sold by the carrier of the longest flight."""
    flights = [flight for flight in map(_flight, segments) if flight is not None]
    if len(flights) < len(segments):
        return {"errors": [_unknown(segment) for segment in segments if _flight(segment) is None]}
    carrier = max(flights, key=lambda flight: flight.plan.km).plan.carrier
    prices = bag_prices([flight.plan for flight in flights])
    return {
        "response": {
            "ancillaries": [
                {
                    "groupCode": BAG_GROUP,
                    "subcode": subcode,
                    "reasonForIssuance": BAG_REASON,
                    "commercialName": bag_name(pieces),
                    "airlineCode": carrier,
                    "numberOfItems": pieces,
                    "electronicMiscellaneousDocumentType": "2",
                    "price": {"amount": decimal(price, currency), "currencyCode": currency},
                }
                for pieces, (subcode, price) in enumerate(zip(BAG_SUBCODES, prices, strict=True), 1)
            ]
        }
    }


def _flight(segment: Segment) -> Flight | None:
    return find(
        segment.marketing_carrier_info.carrier_code,
        segment.marketing_carrier_info.carrier_flight_number,
        segment.departure.location_code,
        segment.arrival.location_code,
        segment.departure.aircraft_scheduled_date.date,
    )


def _unknown(segment: Segment) -> dict[str, str]:
    return entry(
        "FLIGHT_NOT_FOUND",
        "No such flight on that day",
        "INVALID_DATA",
        fieldPath="request.paxSegments",
        fieldName="paxSegmentId",
        fieldValue=segment.pax_segment_id,
    )


def _seat_map(segment: Segment, flight: Flight, cabin: str, currency: str, sold: frozenset[str]) -> dict[str, Any]:
    shape = layout(flight.plan, cabin)
    rows: dict[int, list[dict[str, Any]]] = {}
    for seat in seats(flight.plan, flight.departs_at.date(), cabin).values():
        rows.setdefault(seat.row, []).append(_shown(seat, currency, sold))
    return {
        "paxSegmentRefId": segment.pax_segment_id,
        "cabinCompartments": [
            {
                "cabinTypeCode": cabin,
                "firstRow": shape.first_row,
                "lastRow": shape.last_row,
                "columns": shape.columns,
                "seatRows": [{"row": row, "seats": seated} for row, seated in rows.items()],
            }
        ],
    }


def _shown(seat: Seat, currency: str, sold: frozenset[str]) -> dict[str, Any]:
    return {
        "column": seat.column,
        "occupationStatusCode": "O" if seat.taken or seat.number in sold else "F",
        "characteristics": list(seat.characteristics),
        "price": {"amount": decimal(seat.price, currency), "currencyCode": currency},
    }
