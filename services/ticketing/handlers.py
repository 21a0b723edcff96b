"""The bus edge: each of ticketing's commands, carried out at the airline."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from services.ticketing.domain import Booking, IssuedDocument, Itinerary, Progress, Reading, objections
from services.ticketing.ports import Airline, IssueOrder, ReservationOrder
from shared.bus.dispatch import HandlerTable
from shared.contracts.steps import StepUndone
from shared.contracts.ticketing import (
    BookingReserved,
    CancelBooking,
    IssueTickets,
    ReserveBooking,
    TicketsIssued,
    VoidTickets,
)
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.worker.effect import Done, Effect, PartlyDone, Repeatable
from shared.worker.participant import Participant
from shared.worker.work import slot_of

log = logging.getLogger(__name__)

ISSUES = 2
"""One controlled retry, after reading has shown that the first call issued nothing."""
TRIES_TO_GIVE_BACK = 2
ONLY_A_PART = PartlyDone(Refused("issue_refused", "only a part of the documents was issued, and that was taken back"))


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command does at the airline. Undoing reads first and acts on what it reads, so it can be repeated."""

    airline: Airline
    pause: Callable[[], Awaitable[None]]

    async def reserve(self, booking: Booking, command: ReserveBooking, _key: str) -> Done:
        """A booking at another price, or with a segment that is not confirmed, is given back at once."""
        itinerary = Itinerary.of(command.order)
        made = await self.airline.reserve(ReservationOrder(command.purchase_id, itinerary, command.contact))
        refusal = objections(itinerary, made)
        if refusal is not None:
            await self._give_back(command.purchase_id, made.locator)
            raise refusal
        answer = BookingReserved.to(command, locators=(made.locator,))
        return Done(answer, booking.reserved(itinerary, made))

    async def find_reservation(self, _booking: Booking, _command: ReserveBooking, _key: str) -> Done | None:
        """The airline cannot be searched by our reference, so a booking is never created twice.

        One that was made all the same lapses at its ticketing limit.
        """
        raise Refused("reservation_unknown", "the airline did not say whether it booked")

    async def cancel(self, booking: Booking, command: CancelBooking) -> Done:
        undone = StepUndone.to(command)
        if not booking.locator:
            return Done(undone)
        reading = await self.airline.read(booking.locator)
        if reading is not None and not reading.cancelled:
            await self.airline.cancel(booking.locator, documents=bool(reading.in_force))
        return Done(undone, {"status": "cancelled"})

    async def issue(self, booking: Booking, command: IssueTickets, _key: str) -> Done | PartlyDone:
        if booking.status != "reserved":
            raise Refused("issue_refused", f"there is nothing to ticket, the booking is {booking.status}")
        issued = await self.airline.issue(IssueOrder(booking.locator, booking.price_quotes, booking.extras))
        told = booking.told_by(issued.tickets) if issued is not None else None
        if told is not None:
            return _issued(booking, command, told)
        reading = await _after_effect(self.airline.read(booking.locator))
        if reading is None:
            raise OutcomeUnknown("issued, but the booking cannot be read")
        if booking.progress(reading) is Progress.COMPLETE:
            return _issued(booking, command, reading)
        if issued is not None:
            raise OutcomeUnknown("issued, but not all documents can be seen")
        return ONLY_A_PART

    async def find_documents(self, booking: Booking, command: IssueTickets, _key: str) -> Done | PartlyDone | None:
        """All there: issued. None after repeated reads: it may be called again. Some: of no use, all or nothing."""
        if not booking.locator:
            raise Refused("issue_refused", "there is nothing to ticket, the booking is not on record")
        reading = await self._settled(booking)
        if reading is None:
            raise Refused("issue_refused", "the airline does not know the booking any more")
        match booking.progress(reading):
            case Progress.COMPLETE:
                return _issued(booking, command, reading)
            case Progress.PARTIAL:
                return ONLY_A_PART
            case Progress.TAKEN_BACK:
                raise ONLY_A_PART.refusal
            case Progress.NONE if reading.cancelled:
                raise Refused("issue_refused", "the booking is cancelled")
            case Progress.NONE:
                return None

    async def void_surplus(self, booking: Booking, command: IssueTickets) -> None:
        """Void what is in force and not on record: another call's documents, or a part of them."""
        kept = booking.on_record(slot_of(command))
        reading = await self.airline.read(booking.locator)
        surplus = _surplus(reading, kept)
        if not surplus:
            return
        log.warning("documents voided", extra={"purchase_id": command.purchase_id, "count": len(surplus)})
        await self.airline.void_or_refund(booking.locator, surplus)
        await self._check_taken_back(booking, kept)

    async def void(self, booking: Booking, command: VoidTickets) -> Done:
        undone = StepUndone.to(command)
        if not booking.locator:
            return Done(undone)
        known = booking.status == "ticketed"
        reading = await (self.airline.read(booking.locator) if known else self._settled(booking))
        if reading is None or not reading.in_force:
            return Done(undone, {"status": "voided"} if known else {})
        await self.airline.void_or_refund(booking.locator, reading.in_force)
        await self._check_taken_back(booking)
        return Done(undone, {"status": "voided"})

    async def _settled(self, booking: Booking) -> Reading | None:
        """What two readings agree on: the airline may still be issuing while it is being read."""
        first = await self.airline.read(booking.locator)
        if first is not None and booking.progress(first) is Progress.COMPLETE:
            return first
        await self.pause()
        second = await self.airline.read(booking.locator)
        if first != second:
            raise OutcomeUnknown("the airline is still issuing")
        return second

    async def _check_taken_back(self, booking: Booking, kept: frozenset[str] = frozenset()) -> None:
        left = _surplus(await _after_effect(self.airline.read(booking.locator)), kept)
        if left:
            raise OutcomeUnknown(f"{len(left)} documents are still in force")

    async def _give_back(self, purchase_id: str, locator: str) -> None:
        """The refusal stands whether or not this succeeds: a booking nobody tickets lapses at its ticketing limit."""
        for _ in range(TRIES_TO_GIVE_BACK):
            with suppress(NotSent, Misconfigured, OutcomeUnknown):
                await self.airline.cancel(locator, documents=False)
                return
        log.warning("booking left to lapse", extra={"purchase_id": purchase_id})


async def _after_effect(answer: Awaitable[Reading | None]) -> Reading | None:
    """Once there was an effect, "no effect" says nothing about the step as a whole any more."""
    try:
        return await answer
    except (NotSent, Misconfigured) as error:
        raise OutcomeUnknown(str(error)) from error


def _issued(booking: Booking, command: IssueTickets, reading: Reading) -> Done:
    """What covers everything is told; what is in force beside it is too much."""
    told = booking.covering(reading)
    answer = TicketsIssued.to(command, tickets=booking.tickets(told), documents=booking.documents(told))
    return Done(answer, {"status": "ticketed"}, untidy=len(told) < len(reading.in_force))


def _surplus(reading: Reading | None, kept: frozenset[str]) -> tuple[IssuedDocument, ...]:
    """What is in force beside the documents of these numbers."""
    in_force = reading.in_force if reading is not None else ()
    return tuple(document for document in in_force if document.number not in kept)


def table(participant: Participant[Booking], airline: Airline, pause: Callable[[], Awaitable[None]]) -> HandlerTable:
    """Ticketing's handlers. `pause` lies between two readings that must agree."""
    steps = Steps(airline, pause)
    return {
        ReserveBooking: participant.handler(
            Effect(call=steps.reserve, find=steps.find_reservation, calls=1, can_be_found=False)
        ),
        CancelBooking: participant.handler(Repeatable(steps.cancel)),
        IssueTickets: participant.handler(
            Effect(steps.issue, steps.find_documents, tidy=steps.void_surplus, calls=ISSUES)
        ),
        VoidTickets: participant.handler(Repeatable(steps.void)),
    }
