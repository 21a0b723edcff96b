"""Documents: issued, checked, voided, refunded; and the booking cancelled with them."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from services.sandbox.memory import next_serial
from services.sandbox.sabre.booking_requests import (
    CancelBooking,
    CheckTickets,
    ErrorPolicy,
    FulfillTickets,
)
from services.sandbox.sabre.carriers import ACCOUNTING, TICKETED_TOGETHER
from services.sandbox.sabre.errors import SabreError, entry
from services.sandbox.sabre.money import decimal
from services.sandbox.sabre.pricing import Fare, PriceDay, booking_fares
from services.sandbox.sabre.records import (
    BookedFlight,
    Booking,
    Document,
    add_document,
    close_booking,
    documents_of,
    find_document,
    load_booking,
    save_booking,
    save_document,
)
from services.sandbox.sabre.schedule import find
from services.sandbox.sabre.shopping import AGENCY_ZONE
from services.sandbox.sabre.views import STATUS_NAMES, booking_view, status_code, totals

FIRST_SERIAL = 2_400_000_000
COUPONS_PER_TICKET = 4
"""More flights are a conjunction: tickets with numbers one after the other."""

Undone = Literal["voided", "refunded"]
FAILURE = {"voided": "UNABLE_TO_VOID_TICKET", "refunded": "UNABLE_TO_REFUND_TICKET"}


def fulfill(
    connection: sqlite3.Connection,
    order: FulfillTickets,
    now: datetime,
    factor: Decimal,
    *,
    halfway: bool = False,
) -> dict[str, Any]:
    """Issue what is asked for and not issued yet. `halfway` stops in the middle, as a real outage would."""
    booking = load_booking(connection, order.confirmation_id, now)
    if booking.status == "cancelled":
        raise SabreError("BOOKING_CANCELLED", "The booking is cancelled")
    if not booking.priced:
        raise SabreError("MISSING_PRICE_QUOTE_AIR_EXTRAS_DETAILS", "Reprice the booking and retry")
    issued = [document for document in documents_of(connection, booking.locator) if document.status == "issued"]
    have = {_paid_for(document) for document in issued}
    warnings = _settle_price(booking, order, factor) if not any(each.kind == "ticket" for each in issued) else []
    planned = [document for document in _planned(booking, order, now) if _paid_for(document) not in have]
    if not planned:
        raise SabreError("BOOKING_FULFILLED", "The booking is already fulfilled")
    if halfway:
        planned = planned[: len(planned) // 2]
        warnings.append(entry("PARTIAL_FULFILLMENT", "At least one fulfillment operation was not processed"))
    for document in planned:
        prefix, serial = ACCOUNTING[document.airline], FIRST_SERIAL + next_serial(connection, "document")
        document.number = f"{prefix}{serial:010d}"
        add_document(connection, document)
    if any(document.kind == "ticket" for document in planned):
        booking.status = "ticketed"
    save_booking(connection, booking)
    answer: dict[str, Any] = {"tickets": [_issued(booking, document) for document in planned]}
    return answer | ({"warnings": warnings} if warnings else {})


def _paid_for(document: Document) -> tuple[int, tuple[str, ...], str | None]:
    """What only one living document may pay for."""
    return document.traveler, tuple(document.flights), document.ancillary


def _on_tickets(flights: list[BookedFlight]) -> Iterator[list[BookedFlight]]:
    """The flights of each ticket of a traveler, in the order of their numbers."""
    plates: dict[str, list[BookedFlight]] = {}
    for flight in flights:
        plates.setdefault(TICKETED_TOGETHER.get(flight.airline, flight.airline), []).append(flight)
    for flown in plates.values():
        yield from (flown[start : start + COUPONS_PER_TICKET] for start in range(0, len(flown), COUPONS_PER_TICKET))


def _planned(booking: Booking, order: FulfillTickets, now: datetime) -> Iterator[Document]:
    common = {"number": "", "locator": booking.locator, "reference": booking.reference, "issued_at": now}
    common |= {"currency": booking.currency}
    if any(not each.ancillary_ids for each in order.fulfillments):
        for traveler in range(1, len(booking.travelers) + 1):
            for flown in _on_tickets(booking.flights):
                yield Document.model_validate(
                    common
                    | {"airline": flown[0].airline, "traveler": traveler}
                    | {"subtotal": sum(flight.base for flight in flown)}
                    | {"taxes": sum(flight.taxes for flight in flown)}
                    | {"flights": [flight.item_id for flight in flown]}
                )
    items = {item.item_id: item for item in booking.ancillaries}
    for item_id in dict.fromkeys(each for entry_ in order.fulfillments for each in entry_.ancillary_ids):
        if item_id not in items:
            raise SabreError(
                "ANCILLARY_NOT_FOUND",
                f"Ancillary {item_id} is not in the booking",
                fieldName="ancillaryIds",
                fieldValue=item_id,
            )
        item = items[item_id]
        yield Document.model_validate(
            common
            | {"airline": item.airline, "traveler": item.traveler, "subtotal": item.price, "taxes": 0}
            | {"flights": item.flights, "ancillary": item_id}
        )


def _settle_price(booking: Booking, order: FulfillTickets, factor: Decimal) -> list[dict[str, str]]:
    """The quote holds for its day; only the airlines' price level can have moved since."""
    fares = _fares_now(booking, PriceDay(booking.priced_on, factor))
    if sum(fare.total for fare in fares) == booking.base + booking.taxes:
        return []
    new_total = decimal(sum(fare.total for fare in fares) * len(booking.travelers), booking.currency)
    if not order.accept_price_changes:
        raise SabreError(
            "PRICE_MISMATCH",
            f"No new tickets have been issued due to the price change (new total price: {new_total})",
        )
    for flight, fare in zip(booking.flights, fares, strict=True):
        flight.base, flight.taxes = fare.base, fare.taxes
    return [entry("PRICE_CHANGE", f"The price change occurred. The new total price: {new_total}")]


def _fares_now(booking: Booking, on: PriceDay) -> list[Fare]:
    flights = [
        find(each.airline, each.number, each.origin, each.destination, each.departs_at.date())
        for each in booking.flights
    ]
    known = tuple(flight for flight in flights if flight is not None)
    cabins = "".join(flight.cabin for flight in booking.flights)
    return booking_fares(known, cabins, [flight.joined for flight in booking.flights], on)


def _issued(booking: Booking, document: Document) -> dict[str, Any]:
    traveler = booking.travelers[document.traveler - 1]
    return {
        "number": document.number,
        "date": document.issued_at.astimezone(AGENCY_ZONE).date().isoformat(),
        "travelerGivenName": traveler.given_name,
        "travelerSurname": traveler.surname,
        "payment": totals(document.subtotal, document.taxes, document.currency),
        "ticketStatusName": STATUS_NAMES[document.status],
        "ticketStatusCode": status_code(document),
        "isCommitted": True,
    }


def check(connection: sqlite3.Connection, order: CheckTickets, now: datetime) -> dict[str, Any]:
    """What could be done with each ticket now; nothing is changed."""
    found, warnings = [], []
    if order.confirmation_id:
        load_booking(connection, order.confirmation_id, now)
        all_of_it = documents_of(connection, order.confirmation_id)
        found = [document for document in all_of_it if document.kind == "ticket"]
    for number in [each.number for each in order.tickets]:
        document = find_document(connection, number)
        if document is None or document.kind == "emd":
            why = "not found" if document is None else "an EMD and currently not supported"
            warnings.append(entry("UNABLE_TO_CHECK_TICKET", f"The document is {why}", fieldValue=number))
        else:
            found.append(document)
    if not found and not warnings:
        raise SabreError("BOOKING_NOT_FULFILLED", "There are no tickets to check")
    answer: dict[str, Any] = {"tickets": [_checked(document, now) for document in found]}
    return answer | ({"warnings": warnings} if warnings else {})


def _checked(document: Document, now: datetime) -> dict[str, Any]:
    alive = document.status == "issued"
    nothing = {"amount": decimal(0, document.currency), "currencyCode": document.currency}
    return {
        "number": document.number,
        "isVoidable": alive and _voidable(document, now),
        "isRefundable": alive,
        "isAutomatedRefundsEligible": alive,
        "ticketStatusCode": status_code(document),
        "refundPenalties": [{"applicability": "BEFORE_DEPARTURE", "penalty": nothing}],
        "refundTotals": totals(document.subtotal, document.taxes, document.currency),
    }


def _voidable(document: Document, now: datetime) -> bool:
    """Until 23:59 agency time on the day of issue."""
    return document.issued_at.astimezone(AGENCY_ZONE).date() == now.astimezone(AGENCY_ZONE).date()


def undo(
    connection: sqlite3.Connection, wanted: list[str], into: Undone, policy: ErrorPolicy, now: datetime
) -> dict[str, Any]:
    """Void or refund one document after the other; each is done for good before the next is looked at."""
    done: list[str] = []
    failed: list[dict[str, str]] = []
    for number in wanted:
        document = find_document(connection, number)
        if document is None or document.status != "issued":
            why = "There is no such document, or it is voided or refunded already"
        elif into == "voided" and not _voidable(document, now):
            why = "The ticket is outside of the void period. Please follow refund procedures."
        else:
            document.status = into
            save_document(connection, document)
            _reopen(connection, document.locator, now)
            done.append(number)
            continue
        category = "CANCELLATION_ERROR" if policy == "HALT_ON_ERROR" else "WARNING"
        failed.append(entry(FAILURE[into], why, category, fieldName="number", fieldValue=number))
        if policy == "HALT_ON_ERROR":
            break
    answer: dict[str, Any] = {f"{into}Tickets": done}
    if failed:
        answer["errors" if policy == "HALT_ON_ERROR" else "warnings"] = failed
    return answer


def _reopen(connection: sqlite3.Connection, locator: str, now: datetime) -> None:
    """A booking without a living ticket is an open one again, and lapses as such."""
    booking = load_booking(connection, locator, now)
    alive = [each for each in documents_of(connection, locator) if each.status == "issued"]
    if booking.status == "ticketed" and not any(each.kind == "ticket" for each in alive):
        booking.status = "open"
        save_booking(connection, booking)


def issued_numbers(connection: sqlite3.Connection, locator: str, now: datetime) -> list[str]:
    load_booking(connection, locator, now)
    return [each.number for each in documents_of(connection, locator) if each.status == "issued"]


def cancel(connection: sqlite3.Connection, order: CancelBooking, now: datetime) -> dict[str, Any]:
    """The documents first, as told; then the segments, unless a document stands in the way."""
    booking = load_booking(connection, order.confirmation_id, now)
    if booking.status == "cancelled":
        raise SabreError("BOOKING_CANCELLED", "The booking is cancelled already")
    answer: dict[str, Any] = {}
    if order.flight_ticket_operation is not None:
        into: Undone = "voided" if order.flight_ticket_operation == "VOID" else "refunded"
        wanted = issued_numbers(connection, booking.locator, now)
        answer = undo(connection, wanted, into, order.error_handling_policy, now)
        booking = load_booking(connection, booking.locator, now)
    if "errors" not in answer:
        close_booking(connection, booking)
    if order.retrieve_booking:
        answer["booking"] = booking_view(booking, documents_of(connection, booking.locator))
    return answer
