"""A booking as getBooking shows it, and documents as every method shows them."""

from typing import Any

from services.sandbox.sabre.money import decimal
from services.sandbox.sabre.records import BookedAncillary, BookedFlight, Booking, Document
from services.sandbox.sabre.shopping import AGENCY_ZONE

STATUS_CODES = {
    ("ticket", "issued"): "TE",
    ("ticket", "voided"): "TV",
    ("ticket", "refunded"): "TR",
    ("emd", "issued"): "ME",
    ("emd", "voided"): "MV",
    ("emd", "refunded"): "MR",
}
STATUS_NAMES = {"issued": "Issued", "voided": "Voided", "refunded": "Refunded/Exchanged"}
COUPONS = {"issued": ("Not Flown", "I"), "voided": ("Voided", "V"), "refunded": ("Refunded", "RF")}
REASON_NAMES = {"A": "AIR TRANSPORTATION", "C": "BAGGAGE"}


def totals(subtotal: int, taxes: int, currency: str) -> dict[str, str]:
    """Money as Booking Management writes it."""
    return {
        "subtotal": decimal(subtotal, currency),
        "taxes": decimal(taxes, currency),
        "total": decimal(subtotal + taxes, currency),
        "currencyCode": currency,
    }


def status_code(document: Document) -> str:
    return STATUS_CODES[document.kind, document.status]


def booking_view(booking: Booking, documents: list[Document]) -> dict[str, Any]:
    """Segments are there while the booking lives, documents for ever."""
    created, deadline = booking.created_at.astimezone(AGENCY_ZONE), booking.deadline.astimezone(AGENCY_ZONE)
    live = booking.status != "cancelled"
    shown: dict[str, Any] = {
        "bookingId": booking.locator,
        "startDate": booking.flights[0].departs_at.date().isoformat(),
        "endDate": booking.flights[-1].arrives_at.date().isoformat(),
        "isCancelable": live,
        "isTicketed": any(document.status == "issued" and document.kind == "ticket" for document in documents),
        "creationDetails": {
            "creationDate": created.date().isoformat(),
            "creationTime": f"{created:%H:%M}",
            "purchaseDeadlineDate": deadline.date().isoformat(),
            "purchaseDeadlineTime": f"{deadline:%H:%M}",
            "primeHostId": "1S",
        },
        "contactInfo": booking.contact_info,
        "remarks": booking.remarks,
        "travelers": [_traveler(booking, number, documents) for number in range(1, len(booking.travelers) + 1)],
    }
    if live:
        shown["flights"] = [_flight(booking, flight) for flight in booking.flights]
    if booking.priced:
        shown["fares"] = [_fare(booking)]
        shown["payments"] = _payments(booking)
    if documents:
        shown["flightTickets"] = [_document(document) for document in documents]
    return shown


def _traveler(booking: Booking, number: int, documents: list[Document]) -> dict[str, Any]:
    traveler = booking.travelers[number - 1]
    shown: dict[str, Any] = {
        "givenName": traveler.given_name,
        "surname": traveler.surname,
        "type": "ADULT",
        "passengerCode": traveler.passenger_code,
        "nameAssociationId": str(number),
        "identityDocuments": traveler.identity_documents,
        "ancillaries": [
            _ancillary(item, documents, booking.currency) for item in booking.ancillaries if item.traveler == number
        ],
    }
    if traveler.birth_date is not None:
        shown["birthDate"] = traveler.birth_date.isoformat()
    return shown


def _ancillary(item: BookedAncillary, documents: list[Document], currency: str) -> dict[str, Any]:
    paid = [each for each in documents if each.ancillary == item.item_id and each.status == "issued"]
    shown: dict[str, Any] = {
        "itemId": item.item_id,
        "commercialName": item.name,
        "numberOfItems": item.pieces,
        "reasonForIssuanceCode": item.reason,
        "reasonForIssuanceName": REASON_NAMES[item.reason],
        "subcode": item.subcode,
        "groupCode": item.group_code,
        "airlineCode": item.airline,
        "flights": [{"itemId": flight} for flight in item.flights],
        "statusCode": "HI" if paid else "HD",
        "statusName": "Confirmed with EMD issued" if paid else "Confirmed",
        "totals": totals(item.price, 0, currency),
    }
    if paid:
        shown["electronicMiscellaneousDocumentNumber"] = paid[-1].number
    return shown


def _flight(booking: Booking, flight: BookedFlight) -> dict[str, Any]:
    confirmed = {"statusCode": "HK", "statusName": "Confirmed"}
    return {
        "itemId": flight.item_id,
        "confirmationId": flight.airline + booking.locator[:4],
        "flightNumber": flight.number,
        "airlineCode": flight.airline,
        "fromAirportCode": flight.origin,
        "toAirportCode": flight.destination,
        "departureDate": flight.departs_at.date().isoformat(),
        "departureTime": f"{flight.departs_at:%H:%M}",
        "arrivalDate": flight.arrives_at.date().isoformat(),
        "arrivalTime": f"{flight.arrives_at:%H:%M}",
        "bookingClass": flight.booking_class,
        "cabinTypeCode": flight.cabin,
        "flightStatusCode": "HK",
        "flightStatusName": "Confirmed",
        "numberOfSeats": len(booking.travelers),
        "travelerIndices": list(range(1, len(booking.travelers) + 1)),
        "durationInMinutes": int((flight.arrives_at - flight.departs_at).total_seconds()) // 60,
        "seats": [{"number": seat.number, "travelerIndex": seat.traveler} | confirmed for seat in flight.seats],
    }


def _fare(booking: Booking) -> dict[str, Any]:
    return {
        "recordId": "1",
        "recordTypeCode": "PQ",
        "recordTypeName": "Price Quote",
        "airlineCode": booking.flights[0].airline,
        "travelerIndices": list(range(1, len(booking.travelers) + 1)),
        "hasValidPricing": booking.status == "open",
        "fareConstruction": [
            {
                "flights": [{"itemId": flight.item_id}],
                "baseRate": {"amount": decimal(flight.base, booking.currency), "currencyCode": booking.currency},
            }
            for flight in booking.flights
        ],
        "totals": totals(booking.base, booking.taxes, booking.currency),
    }


def _payments(booking: Booking) -> dict[str, Any]:
    travelers = len(booking.travelers)
    shown = {"flightTotals": [totals(booking.base * travelers, booking.taxes * travelers, booking.currency)]}
    if booking.ancillaries:
        shown["ancillaryTotals"] = [totals(sum(item.price for item in booking.ancillaries), 0, booking.currency)]
    return shown


def _document(document: Document) -> dict[str, Any]:
    name, code = COUPONS[document.status]
    coupons = [{"itemId": flight, "couponStatus": name, "couponStatusCode": code} for flight in document.flights]
    shown: dict[str, Any] = {
        "number": document.number,
        "date": document.issued_at.astimezone(AGENCY_ZONE).date().isoformat(),
        "airlineCode": document.airline,
        "travelerIndex": document.traveler,
        "ticketStatusName": STATUS_NAMES[document.status],
        "ticketStatusCode": status_code(document),
        "payment": totals(document.subtotal, document.taxes, document.currency),
        "flightCoupons": coupons,
        "allCoupons": coupons,
    }
    if document.ancillary is not None:
        shown["ancillaryIds"] = [document.ancillary]
    return shown
