"""`Airline` over Sabre's Booking Management."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.ticketing.adapters.sabre import answers, requests
from services.ticketing.adapters.sabre.line import SabreLine
from services.ticketing.domain import IssuedDocument, Reading, Reserved
from services.ticketing.ports import Issued, IssueOrder, ReservationOrder
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused

Json = dict[str, Any]

NUMBERS_AT_ONCE = 12
"""Sabre voids or refunds so many documents per request."""
GONE = frozenset({"BOOKING_CANCELLED", "BOOKING_NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class SabreOffice:
    """Our ticketing office: the printer (line address) and country that tickets are issued with."""

    printer: str
    country: str


class SabreAirline:
    """One booking per purchase, of all its flights."""

    def __init__(self, line: SabreLine, office: SabreOffice) -> None:
        self._line = line
        self._office = office

    async def reserve(self, order: ReservationOrder) -> Reserved:
        body = await self._line.post("createBooking", requests.create_booking(order))
        problems = answers.errors(body)
        locator = str(body.get("confirmationId") or "")
        if not locator:
            raise answers.not_created((*problems, *answers.warnings(body)))
        if problems:
            await self._give_back_half(locator)
            raise answers.not_created(problems)
        booking = body.get("booking") or await self._shown_after_create(locator)
        made = answers.reserved(locator, booking, order.itinerary)
        if not all(made.flights):
            await self._give_back_half(locator)
            raise Refused("segment_unavailable", "the airline does not show every flight as it was ordered")
        return made

    async def read(self, locator: str) -> Reading | None:
        booking = await self._booking(locator)
        return None if booking is None else answers.reading(locator, booking)

    async def issue(self, order: IssueOrder) -> Issued | None:
        office = self._office
        wanted = requests.fulfill_flight_tickets(order, office.printer, office.country)
        body = await self._line.post("fulfillFlightTickets", wanted)
        errors = answers.errors(body)
        problems = (*errors, *answers.warnings(body))
        found = answers.types(problems)
        tickets: list[Json] = body.get("tickets") or []
        if found & answers.UNKNOWN:
            raise answers.not_issued(problems)
        if "BOOKING_FULFILLED" in found:
            return Issued()
        if "PARTIAL_FULFILLMENT" in found or (tickets and errors):
            return None
        if not tickets:
            raise answers.not_issued(problems)
        committed = sum(ticket.get("isCommitted") is True for ticket in tickets)
        if committed != len(tickets):
            raise OutcomeUnknown(f"fulfillFlightTickets: {committed} of {len(tickets)} documents committed")
        return Issued(() if problems else answers.ticket_numbers(tickets))

    async def void_or_refund(self, locator: str, documents: tuple[IssuedDocument, ...]) -> None:
        tickets = [document.number for document in documents if document.kind == "ticket"]
        emds = [document.number for document in documents if document.kind != "ticket"]
        voidable, refundable = await self._check(locator) if tickets else (set(emds), set(emds))
        past_window = [number for number in tickets if number not in voidable]
        if not refundable.issuperset(past_window):
            raise Refused("not_voidable", "a ticket can be neither voided nor refunded any more")
        # EMDs cannot be checked. They are issued with the tickets, so the same window holds for them.
        to_void = [number for number in tickets if number in voidable] + (emds if not past_window else [])
        left = await self._void(to_void)
        to_refund = past_window + (emds if past_window else [number for number in left if number in emds])
        for numbers in _portions(to_refund):
            await self._line.post("refundFlightTickets", requests.refund_flight_tickets(numbers))

    async def cancel(self, locator: str, *, documents: bool) -> None:
        found = await self._cancel(locator, "VOID" if documents else None)
        if documents and "UNABLE_TO_VOID_TICKET" in found:
            found = await self._cancel(locator, "REFUND")
        if found and not found & GONE:
            raise OutcomeUnknown(f"cancelBooking: {', '.join(sorted(found))}")

    async def _booking(self, locator: str) -> Json | None:
        """As getBooking shows it. An answer with errors may lack anything, so it is none."""
        body = await self._line.post("getBooking", requests.of_booking(locator))
        found = answers.types(answers.errors(body))
        if "BOOKING_NOT_FOUND" in found:
            return None
        if found or not body.get("bookingId"):
            raise OutcomeUnknown(f"getBooking: {', '.join(sorted(found)) or 'no booking in the answer'}")
        return body

    async def _shown_after_create(self, locator: str) -> Json:
        try:
            booking = await self._booking(locator)
        except (NotSent, Misconfigured) as error:
            raise OutcomeUnknown(str(error)) from error
        if booking is None:
            raise OutcomeUnknown("createBooking: the booking made is not known")
        return booking

    async def _give_back_half(self, locator: str) -> None:
        """A booking made with errors is not the one ordered."""
        try:
            await self.cancel(locator, documents=False)
        except (NotSent, Misconfigured) as error:
            raise OutcomeUnknown(str(error)) from error

    async def _check(self, locator: str) -> tuple[set[str], set[str]]:
        """The numbers of the tickets that can be voided, and of those that can be refunded, at this moment."""
        body = await self._line.post("checkFlightTickets", requests.of_booking(locator))
        found = answers.types(answers.errors(body))
        if found:
            raise NotSent(f"checkFlightTickets: {', '.join(sorted(found))}")
        tickets: list[Json] = body.get("tickets") or []
        voidable = {str(ticket["number"]) for ticket in tickets if ticket.get("isVoidable")}
        return voidable, {str(ticket["number"]) for ticket in tickets if ticket.get("isRefundable")}

    async def _void(self, numbers: Sequence[str]) -> list[str]:
        """Void what can be voided; the numbers of the others."""
        voided: set[str] = set()
        for portion in _portions(numbers):
            body = await self._line.post("voidFlightTickets", requests.void_flight_tickets(portion))
            voided.update(map(str, body.get("voidedTickets") or ()))
        return [number for number in numbers if number not in voided]

    async def _cancel(self, locator: str, operation: Literal["VOID", "REFUND"] | None) -> frozenset[str]:
        body = await self._line.post("cancelBooking", requests.cancel_booking(locator, operation))
        return answers.types(answers.errors(body))


def _portions(numbers: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(numbers), NUMBERS_AT_ONCE):
        yield list(numbers[start : start + NUMBERS_AT_ONCE])
