"""What Booking Management's answers mean. HTTP 200 is not success: `errors` and `warnings` say how it went."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from services.ticketing.domain import SEGMENT_GONE, IssuedDocument, Itinerary, Kind, Reading, Reserved
from shared.kernel.errors import Misconfigured, OutcomeUnknown, Refused
from shared.kernel.money import Money

Json = dict[str, Any]

UNKNOWN = frozenset({"INTERNAL_SERVER_TIMEOUT", "UNABLE_TO_RETRIEVE_TICKETS", "FULFILLMENT_NOT_CONFIRMED"})
"""The documents may have been issued: to be read, never to be asked for again at once."""
CANNOT_BE_TICKETED = frozenset(
    {
        "ANCILLARY_NOT_FOUND",
        "BOOKING_CANCELLED",
        "BOOKING_NOT_FOUND",
        "MISSING_PRICE_QUOTE_AIR_EXTRAS_DETAILS",
    }
)
BAD_REQUEST = "BAD_REQUEST"
KINDS: dict[str, tuple[bool, bool]] = {
    "TE": (True, True),
    "TV": (True, False),
    "TR": (True, False),
    "OV": (True, False),
    "ME": (False, True),
    "MV": (False, False),
    "MR": (False, False),
}
"""Ticket status code -> (a flight ticket, not an EMD; in force)."""
SEAT_GROUP = "SA"
COUPONS_GONE = frozenset({"V", "RF", "E"})
"""Coupon status codes: voided, refunded, exchanged. Nobody flies by such a coupon any more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One of `errors` or `warnings`. Sabre's description stays out: it may quote the passenger."""

    type: str
    category: str
    field: str = ""
    value: str = ""

    @classmethod
    def of(cls, found: Json) -> Self:
        return cls(
            type=str(found.get("type", "")),
            category=str(found.get("category", "")),
            field=str(found.get("fieldName", "")),
            value=str(found.get("fieldValue", "")),
        )

    @property
    def segment_gone(self) -> bool:
        return self.field == "flightStatusCode" and self.value in SEGMENT_GONE

    @property
    def ours(self) -> bool:
        """A printer or an agency (PCC) that is not set up."""
        return "PRINTER" in self.type or "PCC" in self.type


def errors(body: Json) -> tuple[Problem, ...]:
    return tuple(Problem.of(found) for found in body.get("errors") or ())


def warnings(body: Json) -> tuple[Problem, ...]:
    return tuple(Problem.of(found) for found in body.get("warnings") or ())


def types(problems: tuple[Problem, ...]) -> frozenset[str]:
    return frozenset(problem.type for problem in problems)


def not_created(problems: tuple[Problem, ...]) -> Exception:
    """What a createBooking without a booking means. What is not known to be a refusal is unknown."""
    for problem in problems:
        if problem.ours:
            return Misconfigured(f"createBooking: {problem.type}")
        if problem.segment_gone:
            return Refused("segment_unavailable", f"the airline answered {problem.value}")
        if problem.type == "SEAT_NOT_AVAILABLE":
            return Refused("seat_unavailable", f"seat {problem.value} is not available")
        if problem.field == "basePrice":
            return Refused("price_changed", "a bag has another price now")
        if problem.category == BAD_REQUEST:
            return Refused("booking_refused", f"the airline does not accept {problem.field or problem.type}")
    return OutcomeUnknown(f"createBooking: {_named(problems)}")


def not_issued(problems: tuple[Problem, ...]) -> Exception:
    """What a fulfillFlightTickets without documents means."""
    if types(problems) & UNKNOWN:
        return OutcomeUnknown(f"fulfillFlightTickets: {_named(problems)}")
    for problem in problems:
        if problem.ours:
            return Misconfigured(f"fulfillFlightTickets: {problem.type}")
        if problem.segment_gone:
            return Refused("segment_unavailable", f"the airline answered {problem.value}")
        if problem.type == "PRICE_MISMATCH":
            return Refused("price_changed", "the airline asks another price than it quoted")
        if problem.type in CANNOT_BE_TICKETED or problem.category == BAD_REQUEST:
            return Refused("issue_refused", f"the airline answered {problem.type}")
    return OutcomeUnknown(f"fulfillFlightTickets: {_named(problems)}")


def ticket_numbers(tickets: list[Json]) -> tuple[str, ...]:
    """Of what fulfillFlightTickets issued, where all of it are flight tickets in force, each with its number."""
    numbers = tuple(str(ticket.get("number") or "") for ticket in tickets)
    plain = all(KINDS.get(str(ticket.get("ticketStatusCode"))) == (True, True) for ticket in tickets)
    return numbers if plain and all(numbers) else ()


def reserved(locator: str, booking: Json, itinerary: Itinerary) -> Reserved:
    """A booking just made, as createBooking or getBooking shows it."""
    flights = booking.get("flights") or []
    payments = booking.get("payments") or {}
    currency = itinerary.flights_price.currency
    totals = [*(payments.get("flightTotals") or ()), *(payments.get("ancillaryTotals") or ())]
    return Reserved(
        locator=locator,
        price=sum((_money(total) for total in totals), Money.zero(currency if not totals else _currency(totals[0]))),
        price_quotes=tuple(str(fare["recordId"]) for fare in booking.get("fares") or ()),
        flights=tuple(_flight_id(flights, itinerary, place) for place in range(len(itinerary.segments))),
        extras=tuple(str(extra["itemId"]) for extra in _extras(booking)),
        unconfirmed=tuple(
            str(flight["flightStatusCode"]) for flight in flights if flight.get("flightStatusCode") in SEGMENT_GONE
        ),
    )


def reading(locator: str, booking: Json) -> Reading:
    """A booking as getBooking shows it; a cancelled one has no flights any more."""
    return Reading(
        locator=locator,
        cancelled=not booking.get("flights"),
        documents=tuple(_document(found, _extras(booking)) for found in booking.get("flightTickets") or ()),
        passengers=len(booking.get("travelers") or ()),
    )


def _document(found: Json, extras: list[Json]) -> IssuedDocument:
    is_ticket, in_force = KINDS.get(str(found["ticketStatusCode"]), (not found.get("ancillaryIds"), True))
    number = str(found["number"])
    paid = [] if is_ticket else [extra for extra in extras if _pays_for(found, number, extra)]
    kind: Kind = "ticket"
    if not is_ticket:
        kind = "seat" if any(extra.get("groupCode") == SEAT_GROUP for extra in paid) else "bag"
    return IssuedDocument(
        number=number,
        kind=kind,
        passenger=int(found["travelerIndex"]) - 1,
        flights=tuple(
            str(coupon["itemId"])
            for coupon in found.get("flightCoupons") or ()
            if coupon.get("couponStatusCode") not in COUPONS_GONE
        ),
        in_force=in_force,
        extras=tuple(str(extra["itemId"]) for extra in paid),
    )


def _pays_for(found: Json, number: str, extra: Json) -> bool:
    """An EMD names its extras, or an extra its EMD."""
    told = map(str, found.get("ancillaryIds") or ())
    return str(extra["itemId"]) in told or str(extra.get("electronicMiscellaneousDocumentNumber")) == number


def _extras(booking: Json) -> list[Json]:
    return [extra for traveler in booking.get("travelers") or () for extra in traveler.get("ancillaries") or ()]


def _flight_id(flights: list[Json], itinerary: Itinerary, place: int) -> str:
    """The airline's id of a segment; empty when the booking does not show it."""
    segment = itinerary.segments[place]
    wanted = (segment.carrier, int(segment.number), segment.origin, segment.departs_at.date().isoformat())
    for flight in flights:
        shown = (flight["airlineCode"], int(flight["flightNumber"]), flight["fromAirportCode"], flight["departureDate"])
        if shown == wanted:
            return str(flight["itemId"])
    return ""


def _money(total: Json) -> Money:
    return Money.of(Decimal(str(total["total"])), _currency(total))


def _currency(total: Json) -> str:
    return str(total["currencyCode"])


def _named(problems: tuple[Problem, ...]) -> str:
    return ", ".join(sorted(types(problems))) or "neither an answer nor an error"
