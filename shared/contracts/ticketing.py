"""Ticketing's words: a booking (PNR) is reserved, its tickets are issued."""

from typing import ClassVar

from shared.contracts.journey import Contact, Document, Order, Ticket
from shared.contracts.steps import Answer, Command, Undo


class ReserveBooking(Command):
    """Create one booking of all flights and confirm its price.
    Answers: BookingReserved | StepRefused (`segment_unavailable`, `price_changed`, `seat_unavailable`,
    `passengers_differ`: not everybody is on every flight, `booking_refused`: the airline does not accept the data,
    `reservation_unknown`: the airline cannot be asked whether it booked, so nothing is built on it)."""

    type: ClassVar[str] = "ticketing.reserve.v1"
    order: Order
    contact: Contact


class BookingReserved(Answer):
    """The seats are held by the airline under these record locators (text of any length)."""

    type: ClassVar[str] = "ticketing.reserved.v1"
    locators: tuple[str, ...]


class CancelBooking(Undo):
    """Give the booking back. Answers: StepUndone."""

    type: ClassVar[str] = "ticketing.cancel_booking.v1"


class IssueTickets(Command):
    """Issue tickets for every passenger on every flight, and an EMD per paid seat and bag: all of them, once.
    Answers: TicketsIssued | StepRefused (`segment_unavailable`, `price_changed`, `issue_refused`)."""

    type: ClassVar[str] = "ticketing.issue.v1"


class TicketsIssued(Answer):
    """Every document of the booking exists; `tickets` flights, `documents` EMDs."""

    type: ClassVar[str] = "ticketing.issued.v1"
    tickets: tuple[Ticket, ...]
    documents: tuple[Document, ...] = ()


class VoidTickets(Undo):
    """Void every document; past the void window, refund it. Answers: StepUndone | StepRefused (`not_voidable`)."""

    type: ClassVar[str] = "ticketing.void.v1"
