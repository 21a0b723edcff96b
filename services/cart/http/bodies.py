"""What clients send. Unknown fields are refused; numbers are numbers."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictInt

from services.cart.domain.cart import Channel
from shared.kernel.currencies import DECIMALS
from shared.kernel.money import Currency
from shared.web.bodies import Body, day_only


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be printable text")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(day_only(text)).isoformat()
    except ValueError:
        raise ValueError("must be a date such as 1990-05-01") from None


Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_printable)]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Index = Annotated[StrictInt, Field(ge=0, le=99)]


class NewCart(Body):
    """An empty cart."""

    channel: Channel
    currency: Annotated[Currency, Field(json_schema_extra={"enum": sorted(DECIMALS)})]


class NewPassenger(Body):
    """Who flies, as the travel document says."""

    given_name: Name
    surname: Name
    birth_date: Annotated[str, Field(max_length=10), AfterValidator(_day)]
    document: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_printable)]


class NewFlight(Body):
    """The flights of an offer, for exactly the offer's number of passengers."""

    kind: Literal["flight"]
    offer_id: Identifier
    passengers: Annotated[list[NewPassenger], Field(min_length=1, max_length=9)]


class NewSeat(Body):
    """One of the offer's seats; `segment` and `passenger` are indexes into the flight item's."""

    kind: Literal["seat"]
    offer_id: Identifier
    segment: Index
    passenger: Index
    seat: Annotated[str, Field(min_length=2, max_length=5)]


class NewBag(Body):
    """Checked bags of one passenger."""

    kind: Literal["bag"]
    offer_id: Identifier
    passenger: Index
    pieces: Annotated[StrictInt, Field(ge=1, le=9)]


NewItem = Annotated[NewFlight | NewSeat | NewBag, Field(discriminator="kind")]


class CartChange(Body):
    """What to change; what is left out, or null, stays. Promo codes are not taken yet: null."""

    use_miles: StrictInt | None = None
    promo_code: Annotated[Any, Field(description="Must be null")] = None
