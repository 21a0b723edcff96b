"""What stands in a cart, and what the offers service quotes for it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.contracts import journey
from shared.kernel.money import Money
from shared.kernel.values import Value


class SeatQuote(Value):
    segment: int
    seat: str
    price: Money


class BagQuote(Value):
    pieces: int
    price: Money


class Quote(Value):
    """An offer, as the offers service made it. Price, taxes and miles are for all `adults`."""

    id: str
    expired: bool
    expires_at: AwareDatetime
    adults: int
    cabin: str
    segments: tuple[journey.Segment, ...]
    price: Money
    taxes: Money
    miles: int
    seats: tuple[SeatQuote, ...] = ()
    bags: tuple[BagQuote, ...] = ()


class PriceNow(Value):
    """What an offer's flights cost at this moment."""

    price: Money
    taxes: Money
    miles: int


class FlightItem(Value):
    kind: Literal["flight"] = "flight"
    id: str
    offer_id: str
    offer_expires_at: AwareDatetime
    cabin: str
    segments: tuple[journey.Segment, ...]
    passengers: tuple[journey.Passenger, ...]
    price: Money
    taxes: Money
    miles: int


class SeatChoice(Value):
    """Which seat for whom: indexes of the flight's own segments and passengers."""

    segment: int
    passenger: int
    seat: str


class BagChoice(Value):
    """How many bags for whom."""

    passenger: int
    pieces: int


class SeatItem(SeatChoice):
    kind: Literal["seat"] = "seat"
    id: str
    offer_id: str
    price: Money


class BagItem(BagChoice):
    kind: Literal["bag"] = "bag"
    id: str
    offer_id: str
    price: Money


Item = Annotated[FlightItem | SeatItem | BagItem, Field(discriminator="kind")]
