"""Booking Management's request bodies. Source: Booking Management API v1, and its public Postman collection."""

from typing import Any, Literal

from services.ticketing.domain import BagChoice, Itinerary
from services.ticketing.ports import IssueOrder, ReservationOrder
from shared.contracts.journey import Contact, Passenger
from shared.kernel.errors import Refused
from shared.kernel.money import Money
from shared.kernel.names import NoRule, printed

Json = dict[str, Any]

BAG_SUBCODES = {1: "0CC", 2: "0CD", 3: "0CE"}
"""ATPCO's service subcodes for so many checked bags."""
BAG_GROUP = "BG"
BAG_REASON = "C"
"""ATPCO's reason for issuance: baggage."""
EMD_ASSOCIATED = "2"
"""EMD type: associated with the coupons of a ticket."""
HALT = "HALT_ON_ERROR"
PARTIAL = "ALLOW_PARTIAL_CANCEL"
CASH: Json = {"primaryFormOfPayment": 1}
"""The agency settles with the airline; the customer's card is charged by us."""


def create_booking(order: ReservationOrder) -> Json:
    """A booking for everybody on all flights. Our reference goes into a general remark: other fields are too short."""
    itinerary = order.itinerary
    return {
        "agency": {"ticketingPolicy": "TODAY"},
        "travelers": [_traveler(itinerary, place) for place in range(len(itinerary.passengers))],
        "contactInfo": _contact(order.contact),
        "flightDetails": {
            "flights": [_flight(itinerary, place) for place in range(len(itinerary.segments))],
            "flightPricing": [{}],
        },
        "remarks": [{"type": "GENERAL", "text": f"REF/{order.reference}"}],
    }


def fulfill_flight_tickets(order: IssueOrder, printer: str, country: str) -> Json:
    """Issue all documents at the quoted price. By default Sabre would silently take whatever price holds by then."""
    quoted = {"priceQuoteRecordIds": list(order.price_quotes)}
    fulfillments: list[Json] = [{"ticketingQualifiers": quoted, "payment": CASH}]
    if order.extras:
        fulfillments.append({"ancillaryIds": list(order.extras), "payment": CASH})
    return {
        "confirmationId": order.locator,
        "fulfillments": fulfillments,
        "designatePrinters": [{"hardcopy": {"address": printer}}, {"ticket": {"countryCode": country}}],
        "formsOfPayment": [{"type": "CASH"}],
        "acceptPriceChanges": False,
        "priceQuoteExpirationMethod": "Quit",
    }


def of_booking(locator: str) -> Json:
    """getBooking and checkFlightTickets ask with the locator alone."""
    return {"confirmationId": locator}


def void_flight_tickets(numbers: list[str]) -> Json:
    """Numbers as strings. What cannot be voided must not keep the others from it."""
    return {"tickets": numbers, "errorHandlingPolicy": PARTIAL}


def refund_flight_tickets(numbers: list[str]) -> Json:
    """Numbers as objects, unlike for a void."""
    return {"tickets": [{"number": number} for number in numbers], "errorHandlingPolicy": PARTIAL}


def cancel_booking(locator: str, operation: Literal["VOID", "REFUND"] | None) -> Json:
    body: Json = {"confirmationId": locator, "retrieveBooking": False, "cancelAll": True, "errorHandlingPolicy": HALT}
    return body | ({"flightTicketOperation": operation} if operation else {})


def decimal(money: Money) -> str:
    """As Sabre writes money, with the currency's decimals: "2964.53"."""
    return f"{money.decimal():f}"


def _traveler(itinerary: Itinerary, place: int) -> Json:
    passenger: Passenger = itinerary.passengers[place]
    traveler: Json = {
        "givenName": _name(passenger.given_name),
        "surname": _name(passenger.surname),
        "birthDate": passenger.birth_date,
        "passengerCode": "ADT",
        "identityDocuments": [{"documentNumber": passenger.document, "documentType": "PASSPORT"}],
    }
    bags = [_bag(bag) for bag in itinerary.bags if bag.passenger == place]
    return traveler | ({"ancillaries": bags} if bags else {})


def _bag(bag: BagChoice) -> Json:
    if bag.pieces not in BAG_SUBCODES:
        raise Refused("booking_refused", f"{bag.pieces} bags cannot be booked for one passenger")
    return {
        "commercialName": f"{bag.pieces} CHECKED BAG{'S' if bag.pieces > 1 else ''} UP TO 23KG",
        "reasonForIssuance": BAG_REASON,
        "subcode": BAG_SUBCODES[bag.pieces],
        "groupCode": BAG_GROUP,
        "airlineCode": bag.carrier,
        "basePrice": decimal(bag.price),
        "currencyCode": bag.price.currency,
        "numberOfItems": bag.pieces,
        "electronicMiscellaneousDocumentType": EMD_ASSOCIATED,
        "flightIndices": [segment + 1 for segment in bag.segments],
    }


def _flight(itinerary: Itinerary, place: int) -> Json:
    segment = itinerary.segments[place]
    flight: Json = {
        "flightNumber": int(segment.number),
        "airlineCode": segment.carrier,
        "fromAirportCode": segment.origin,
        "toAirportCode": segment.destination,
        "departureDate": segment.departs_at.date().isoformat(),
        "departureTime": f"{segment.departs_at:%H:%M}",
        "bookingClass": segment.booking_class,
        "isMarriageGroup": any(place in journey[1:] for journey in itinerary.journeys),
        "flightStatusCode": "NN",
    }
    seats = [
        {"number": seat.number, "travelerIndex": seat.passenger + 1}
        for seat in itinerary.seats
        if seat.segment == place
    ]
    return flight | ({"seats": seats} if seats else {})


def _contact(contact: Contact) -> Json:
    return {"emails": [contact.email]} | ({"phones": [contact.phone]} if contact.phone else {})


def _name(text: str) -> str:
    try:
        return printed(text)
    except NoRule as none:
        raise Refused("booking_refused", f"no ticket can be printed for a name with {none.letter!r}") from none
