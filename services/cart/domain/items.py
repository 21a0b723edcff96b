"""What stands in a cart."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.contracts import journey
from shared.kernel.money import Money
from shared.kernel.values import Value


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
