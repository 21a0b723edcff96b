"""How offers look on HTTP."""

from pydantic import AwareDatetime, Field

from services.offers import domain
from shared.kernel.money import Money
from shared.web.bodies import Shown


class OfferedSegment(Shown):
    """One flight; times carry their airport's offset."""

    carrier: str
    number: str
    origin: str = Field(serialization_alias="from")
    destination: str = Field(serialization_alias="to")
    departs_at: AwareDatetime
    arrives_at: AwareDatetime
    cabin: domain.Cabin


class OfferedSeat(Shown):
    """A free seat; the price is per passenger and segment."""

    segment: int
    seat: str
    price: Money


class OfferedBag(Shown):
    """Bags of one passenger for the whole journey; the price is for that number of pieces."""

    pieces: int
    price: Money


class ShownOffer(Shown):
    """Flights at a price: `price` (without taxes), `taxes` and `miles` are totals for all `adults`."""

    id: str
    expires_at: AwareDatetime
    adults: int
    cabin: domain.Cabin
    segments: list[OfferedSegment]
    price: Money
    taxes: Money
    miles: int
    seats: list[OfferedSeat]
    bags: list[OfferedBag]


class ShownOffers(Shown):
    """What a search found, cheapest first."""

    offers: list[ShownOffer]
