"""Bookings (PNRs), the documents issued for them, and how far an issue came: rules, no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, pairwise
from typing import Any, Literal, Self

from shared.contracts.journey import ADULT_AGE, Bag, Document, Flight, Order, Passenger, Seat, Segment, Ticket
from shared.contracts.ticketing import TicketsIssued
from shared.kernel.errors import Refused
from shared.kernel.money import Money
from shared.worker.work import Work

Changes = Mapping[str, Any]
"""The fields of a booking that a transition replaces."""

Kind = Literal["ticket", "seat", "bag"]
SEGMENT_GONE = frozenset({"UC", "US", "UN", "NO", "LL"})
"""Segment statuses that mean: not confirmed, the offer is gone. None of them is a passing fault."""
COUPONS_PER_TICKET = 4
"""More flights are a conjunction: tickets with numbers one after the other."""


@dataclass(frozen=True, slots=True)
class SeatChoice:
    """A seat, by the itinerary's indexes."""

    segment: int
    passenger: int
    number: str


@dataclass(frozen=True, slots=True)
class BagChoice:
    """So many pieces of one passenger on the segments of one offer, sold by `carrier`."""

    segments: tuple[int, ...]
    passenger: int
    pieces: int
    carrier: str
    price: Money


@dataclass(frozen=True, slots=True)
class Itinerary:
    """An order as one booking sees it: all its flights one after the other, and the people on every one of them.

    Indexes count through all flights' segments, and through the passengers as the first flight names them.
    `journeys` are the segments of each offer: priced for itself, its connections not to be broken.
    """

    segments: tuple[Segment, ...]
    journeys: tuple[tuple[int, ...], ...]
    passengers: tuple[Passenger, ...]
    seats: tuple[SeatChoice, ...]
    bags: tuple[BagChoice, ...]
    flights_price: Money
    """Fares and taxes of everybody, whatever part of them miles pay."""
    extras_price: Money
    documents: int
    """How many EMDs: one for each bag and for each seat that costs something."""

    @classmethod
    def of(cls, order: Order) -> Self:
        """Raises Refused: `passengers_differ` when not everybody is on every flight, for a PNR has one set of people;
        `booking_refused`."""
        if not order.flights:
            raise Refused("booking_refused", "there is no flight to book")
        passengers = order.flights[0].passengers
        day = order.flights[0].segments[0].departs_at.date()
        if any(passenger.age_on(day) < ADULT_AGE for passenger in passengers):
            raise Refused("booking_refused", f"only adults, of {ADULT_AGE} years or more, are ticketed")
        for flight in order.flights:
            if sorted(map(_identity, flight.passengers)) != sorted(map(_identity, passengers)):
                raise Refused("passengers_differ", "flights with different passengers are bought one by one")
        journeys = _journeys(order.flights)
        places = {flight.offer_id: journey for flight, journey in zip(order.flights, journeys, strict=True)}
        nothing = Money.zero(order.money.currency)
        return cls(
            segments=tuple(segment for flight in order.flights for segment in flight.segments),
            journeys=journeys,
            passengers=passengers,
            seats=tuple(_seat(order, seat, places) for seat in order.seats),
            bags=tuple(_bag(order, bag, places) for bag in order.bags),
            flights_price=sum((flight.price + flight.taxes for flight in order.flights), nothing),
            extras_price=sum(
                (*(seat.price for seat in order.seats), *(bag.price for bag in order.bags)),
                nothing,
            ),
            documents=len(order.bags) + sum(seat.price.amount > 0 for seat in order.seats),
        )

    @property
    def price(self) -> Money:
        return self.flights_price + self.extras_price

    @property
    def tickets(self) -> int:
        """How many flight tickets where each carrier issues its own, none for more than four flights."""
        return len(self.passengers) * len({segment.carrier for segment in self.segments})


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """A ticket or an EMD as the airline tells it.

    `flights` are the airline's ids of the flights that coupons in force are good for, `extras` those of the bags and
    seats that an EMD pays for. Five flights are a conjunction of two tickets, of which each has its own number.
    """

    number: str
    kind: Kind
    passenger: int
    flights: tuple[str, ...]
    in_force: bool
    extras: tuple[str, ...] = ()

    @property
    def covers(self) -> frozenset[str]:
        """What it is good for, by the airline's ids."""
        return frozenset(self.flights if self.kind == "ticket" else self.extras)


@dataclass(frozen=True, slots=True)
class Reading:
    """A booking as the airline tells it."""

    locator: str
    cancelled: bool
    documents: tuple[IssuedDocument, ...] = ()
    passengers: int = 1
    """How many people are in the booking."""

    @property
    def in_force(self) -> tuple[IssuedDocument, ...]:
        return tuple(document for document in self.documents if document.in_force)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A booking just made. `flights` are the airline's ids of the itinerary's segments, in their order."""

    locator: str
    price: Money
    price_quotes: tuple[str, ...]
    flights: tuple[str, ...]
    extras: tuple[str, ...]
    """The airline's ids of the bags and of the seats that cost something."""
    unconfirmed: tuple[str, ...] = ()
    """Status of each segment that the airline did not confirm."""


class Progress(Enum):
    """How far issuing came."""

    NONE = "none"
    PARTIAL = "partial"
    COMPLETE = "complete"
    TAKEN_BACK = "taken back"


class Booking(Work):
    """The booking of a purchase; its id is the purchase's."""

    status: Literal["none", "reserved", "ticketed", "voided", "cancelled"] = "none"
    locator: str = ""
    """The airline's record locator, text of any length; empty when no booking is known."""
    price_quotes: tuple[str, ...] = ()
    flights: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    passengers: int = 0
    """0: kept by a release that counted tickets instead; the airline's own number holds then."""
    tickets_due: int = 0
    """How many there are where each carrier issues its own."""
    documents_due: int = 0
    """Only for a release that counts documents and runs beside this one."""

    def reserved(self, itinerary: Itinerary, made: Reserved) -> Changes:
        """The airline holds the seats."""
        return {
            "status": "reserved",
            "locator": made.locator,
            "price_quotes": made.price_quotes,
            "flights": made.flights,
            "extras": made.extras,
            "passengers": len(itinerary.passengers),
            "tickets_due": itinerary.tickets,
            "documents_due": itinerary.documents,
        }

    def progress(self, reading: Reading) -> Progress:
        """Every passenger on every flight and every extra, or the issue is not done."""
        if self.covering(reading):
            return Progress.COMPLETE
        if reading.in_force:
            return Progress.PARTIAL
        return Progress.TAKEN_BACK if reading.documents else Progress.NONE

    def covering(self, reading: Reading) -> tuple[IssuedDocument, ...]:
        """The documents in force that cover everybody on every flight, and every extra, once; none when that cannot be.

        How many they are is the airline's affair: one ticket has four coupons at most, and may be good for flights of
        several carriers.
        """
        flights = frozenset(filter(None, self.flights))
        tickets = [found for found in reading.in_force if found.kind == "ticket"]
        dues = [
            (flights, [found for found in tickets if found.passenger == passenger])
            for passenger in range(self.passengers or reading.passengers)
        ]
        dues.append((frozenset(self.extras), [found for found in reading.in_force if found.kind != "ticket"]))
        chosen: set[str] = set()
        for due, documents in dues:
            covering = _once(due, [(found.number, found.covers & due) for found in documents])
            if covering is None:
                return ()
            chosen.update(covering)
        return tuple(document for document in reading.in_force if document.number in chosen)

    def told_by(self, numbers: Sequence[str]) -> Reading | None:
        """What reading the booking would show, where the answer to the issue leaves no other possibility.

        The answer names numbers alone. One ticket for one person, at one price on flights of one carrier that fit on
        it, with nothing beside it, is good for all of them; what another is good for must be read.
        """
        alone = self.passengers == self.tickets_due == len(self.price_quotes) == len(numbers) == 1
        if not alone or self.extras or not all(self.flights) or not 1 <= len(self.flights) <= COUPONS_PER_TICKET:
            return None
        ticket = IssuedDocument(numbers[0], "ticket", passenger=0, flights=self.flights, in_force=True)
        return Reading(self.locator, cancelled=False, documents=(ticket,))

    def on_record(self, slot: str) -> frozenset[str]:
        """Numbers of the documents that whoever asked for them was told of, and that nobody has taken back."""
        answer = self.log(slot).answer
        issued = answer.message() if answer is not None and self.status == "ticketed" else None
        if not isinstance(issued, TicketsIssued):
            return frozenset()
        return frozenset([one.number for one in issued.tickets] + [one.number for one in issued.documents])

    def tickets(self, documents: Iterable[IssuedDocument]) -> tuple[Ticket, ...]:
        """The flight tickets among them, with indexes into the itinerary."""
        return tuple(
            Ticket(number=found.number, passenger=found.passenger, segments=self._segments(found))
            for found in documents
            if found.kind == "ticket"
        )

    def documents(self, documents: Iterable[IssuedDocument]) -> tuple[Document, ...]:
        """The EMDs among them, with indexes into the itinerary."""
        return tuple(
            Document(number=found.number, passenger=found.passenger, kind=found.kind)
            for found in documents
            if found.kind != "ticket"
        )

    def _segments(self, found: IssuedDocument) -> tuple[int, ...]:
        return tuple(sorted(self.flights.index(flight) for flight in found.flights if flight in self.flights))


def _once(due: frozenset[str], offered: Sequence[tuple[str, frozenset[str]]]) -> tuple[str, ...] | None:
    """Numbers of documents that cover what is due, each part of it once; None when no choice of them does."""
    if not due:
        return ()
    fitting = [(number, covers) for number, covers in offered if covers and covers <= due]
    if not due <= frozenset().union(*(covers for _, covers in fitting)):
        return None
    part = min(due)
    for number, covers in fitting:
        if part in covers and (rest := _once(due - covers, fitting)) is not None:
            return (number, *rest)
    return None


def objections(itinerary: Itinerary, made: Reserved) -> Refused | None:
    """What is wrong with a booking just made: it cannot stay then."""
    if made.unconfirmed:
        return Refused("segment_unavailable", f"the airline answered {', '.join(made.unconfirmed)}")
    if made.price != itinerary.price or len(made.extras) != itinerary.documents:
        return Refused("price_changed", f"it was {itinerary.price}, the airline asks {made.price}")
    return None


def _identity(passenger: Passenger) -> tuple[str, str, str, str]:
    return passenger.given_name, passenger.surname, passenger.birth_date, passenger.document


def _journeys(flights: Sequence[Flight]) -> tuple[tuple[int, ...], ...]:
    """The itinerary's segments of each flight item."""
    ends = tuple(accumulate(len(flight.segments) for flight in flights))
    return tuple(tuple(range(start, end)) for start, end in pairwise((0, *ends)))


def _seat(order: Order, seat: Seat, places: Mapping[str, tuple[int, ...]]) -> SeatChoice:
    return SeatChoice(places[seat.offer_id][seat.segment], _passenger(order, seat), seat.seat)


def _bag(order: Order, bag: Bag, places: Mapping[str, tuple[int, ...]]) -> BagChoice:
    flight = _flight(order, bag)
    # The carrier of the longest flight sets the baggage rules of a journey, as IATA Resolution 302 has it.
    longest = max(flight.segments, key=lambda segment: segment.arrives_at - segment.departs_at)
    return BagChoice(places[bag.offer_id], _passenger(order, bag), bag.pieces, longest.carrier, bag.price)


def _passenger(order: Order, extra: Seat | Bag) -> int:
    """An index into one flight's passengers as one into the itinerary's."""
    place = order.place_of(_flight(order, extra), extra.passenger)
    if place is None:
        raise Refused("booking_refused", "a seat or bag belongs to no passenger of the order")
    return place


def _flight(order: Order, extra: Seat | Bag) -> Flight:
    for flight in order.flights:
        if flight.offer_id == extra.offer_id:
            return flight
    raise Refused("booking_refused", "a seat or bag belongs to no flight of the order")
