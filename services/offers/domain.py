"""What an offer is, which searches make sense, and what a fare costs in miles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.kernel.money import Miles, Money
from shared.kernel.values import Value
from shared.kernel.zones import earliest_day_at, latest_day_at

Cabin = Literal["economy", "premium_economy", "business", "first"]

FARTHEST_DAYS = 361
"""Airlines open their flights for sale so many days ahead."""
MILES_STEP = 100
"""Miles prices are quoted in whole hundreds per passenger."""


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for: one way, IATA airport codes."""

    origin: str
    destination: str
    date: date
    adults: int
    cabin: Cabin


class WrongQuery(Exception):
    """A search that makes no sense: which parameter, and what was expected."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"{parameter} {detail}")
        self.parameter = parameter
        self.detail = detail


class Segment(Value):
    """One flight. `carrier` and airports are IATA codes, times carry their airport's offset.

    `cabin` is what the aircraft has, which may be less than what was looked for.
    """

    carrier: str
    number: str
    origin: str
    destination: str
    departs_at: AwareDatetime
    arrives_at: AwareDatetime
    booking_class: str
    cabin: Cabin


class Fare(Value):
    """For all passengers: `price` without taxes, and the taxes."""

    price: Money
    taxes: Money


class Itinerary(Value):
    """Flights one can buy, at a price."""

    segments: tuple[Segment, ...]
    fare: Fare


class SeatPrice(Value):
    """A free seat (`12A`) on the segment of that index; the price is per passenger."""

    segment: int
    seat: str
    price: Money


class BagPrice(Value):
    """So many checked bags of one passenger, priced together for the whole journey."""

    pieces: int
    price: Money


class Extras(Value):
    """What may be bought with an itinerary."""

    seats: tuple[SeatPrice, ...] = ()
    bags: tuple[BagPrice, ...] = ()

    def sold_in(self, currency: str) -> "Extras":
        """Those priced in the fare's currency: a cart has one, and prices are not exchanged."""
        return Extras(
            seats=tuple(seat for seat in self.seats if seat.price.currency == currency),
            bags=tuple(bag for bag in self.bags if bag.price.currency == currency),
        )


class Offer(Value):
    """An itinerary with its extras, as quoted; price, taxes and miles are totals for all adults."""

    schema_version: ClassVar[int] = 1

    id: str
    expires_at: AwareDatetime
    adults: int
    cabin: Cabin
    segments: tuple[Segment, ...]
    price: Money
    taxes: Money
    miles: int
    seats: tuple[SeatPrice, ...] = ()
    bags: tuple[BagPrice, ...] = ()

    def expired(self, now: datetime) -> bool:
        return now >= self.expires_at


def check(query: Query, now: datetime) -> None:
    """Raise WrongQuery for a search that cannot have an answer. Days are those of the departure's airport."""
    if query.origin == query.destination:
        raise WrongQuery("to", "must be another airport than from")
    if query.date < earliest_day_at(query.origin, now):
        raise WrongQuery("date", "must not be in the past")


def is_on_sale(query: Query, now: datetime) -> bool:
    """Airlines have not opened later days yet: nothing is found then, and nobody need be asked."""
    return query.date <= latest_day_at(query.origin, now) + timedelta(days=FARTHEST_DAYS)


def miles_price(price: Money, adults: int, miles_per_hundred: int) -> Miles:
    """The fares paid in miles: `miles_per_hundred` for each 100 minor units, up to whole hundreds per passenger.

    It follows the fare: a fare that moves takes its miles price along. At least one step, however cheap the fare.
    """
    per_adult = -(-price.amount // adults)
    exact = -(-per_adult * miles_per_hundred // 100)
    return Miles(max(1, -(-exact // MILES_STEP)) * MILES_STEP * adults)


def some_itineraries(found: Sequence[Itinerary], most: int) -> list[Itinerary]:
    """The cheapest, in the order given (cheapest first), but half the places go to those with the fewest flights.

    A non-stop flight is seldom among the cheapest, and often what is looked for.
    """
    fewest = min((len(one.segments) for one in found), default=0)
    shortest = [number for number, one in enumerate(found) if len(one.segments) == fewest][: -(-most // 2)]
    cheapest = [number for number in range(len(found)) if number not in shortest]
    chosen = sorted(shortest + cheapest[: most - len(shortest)])
    return [found[number] for number in chosen]


def some_seats(free: Sequence[SeatPrice], most: int) -> tuple[SeatPrice, ...]:
    """At most so many of the free seats: whole rows, spread over the cabin, so that neighbours stay neighbours."""
    rows: dict[str, list[SeatPrice]] = {}
    for seat in free:
        rows.setdefault(seat.seat[:-1], []).append(seat)
    widest = max((len(row) for row in rows.values()), default=1)
    if len(free) <= most or widest > most:
        return tuple(free[:most])
    found, wanted = list(rows.values()), most // widest
    spread = [found[number * len(found) // wanted] for number in range(wanted)]
    return tuple(seat for row in spread for seat in row)
