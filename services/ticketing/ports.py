"""What ticketing needs of an airline's reservation system."""

from dataclasses import dataclass, field
from typing import Protocol

from services.ticketing.domain import IssuedDocument, Itinerary, Reading, Reserved
from shared.contracts.journey import Contact


@dataclass(frozen=True, slots=True)
class ReservationOrder:
    """Book `itinerary`; `reference` is the purchase, noted in the booking but not searchable."""

    reference: str
    itinerary: Itinerary = field(repr=False)
    contact: Contact = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """Ticket a booking at its price quotes, and issue an EMD for each extra."""

    locator: str
    price_quotes: tuple[str, ...]
    extras: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """Every document, says the answer."""

    tickets: tuple[str, ...] = ()
    """Their numbers, where the answer is of flight tickets alone, each committed, and warns of nothing."""


class Airline(Protocol):
    """Books, tickets, and takes both back.

    Errors of every method: `Refused` (final, with the contract's code), `NotSent` (certainly without effect, may be
    repeated), `OutcomeUnknown` (a timeout, a 5xx, or an answer that says so), `Misconfigured` (our agency's set-up,
    without effect). None of the methods takes an idempotency key: the airline knows none.
    """

    async def reserve(self, order: ReservationOrder) -> Reserved:
        """Create a booking. Never to be repeated when its outcome is unknown: it cannot be searched for.

        Refused: `segment_unavailable`, `seat_unavailable`, `price_changed`, `booking_refused`.
        """
        ...

    async def read(self, locator: str) -> Reading | None:
        """The booking and its documents now; None when the airline does not know it. Without effect."""
        ...

    async def issue(self, order: IssueOrder) -> Issued | None:
        """Issue every document. None: only a part of them. `read` tells what each is good for.

        Refused: `segment_unavailable`, `price_changed`, `issue_refused`.
        """
        ...

    async def void_or_refund(self, locator: str, documents: tuple[IssuedDocument, ...]) -> None:
        """Void each document, or refund it when it is past its void window, as the airline says at this moment.

        Repeatable: commits document by document, so read afterwards. Refused: `not_voidable`, neither is possible.
        """
        ...

    async def cancel(self, locator: str, *, documents: bool) -> None:
        """Give the booking back, with its documents where it has some. Repeatable; cancelled already is fine."""
        ...
