"""What the offers service tells other services over its internal routes."""

from typing import Self

from pydantic import AwareDatetime, model_validator

from shared.contracts.journey import Part, Segment
from shared.kernel.money import Money


class QuotedSegment(Segment):
    """A flight of an offer, with the cabin that its aircraft has."""

    cabin: str

    def flown(self) -> Segment:
        """As everybody else knows it."""
        return Segment(**self.model_dump(exclude={"cabin"}))


class SeatQuote(Part):
    """A free seat (`12A`) on the segment of that index; the price is per passenger."""

    segment: int
    seat: str
    price: Money


class BagQuote(Part):
    """So many checked bags of one passenger, priced together for the whole journey."""

    pieces: int
    price: Money


class Quote(Part):
    """An offer as it was made, expired or not. Price, taxes and miles are for all `adults`."""

    id: str
    expired: bool
    expires_at: AwareDatetime
    adults: int
    cabin: str
    segments: tuple[QuotedSegment, ...]
    price: Money
    taxes: Money
    miles: int
    seats: tuple[SeatQuote, ...] = ()
    bags: tuple[BagQuote, ...] = ()


class Price(Part):
    """What an offer's flights cost, for all its adults."""

    price: Money
    taxes: Money
    miles: int


class PriceNow(Part):
    """What the airline asks at this moment; no price where the flights are not for sale any more."""

    available: bool
    expired: bool
    price: Money | None = None
    taxes: Money | None = None
    miles: int | None = None

    @model_validator(mode="after")
    def _what_is_for_sale_has_a_price(self) -> Self:
        if self.available and not self.expired and None in (self.price, self.taxes, self.miles):
            raise ValueError("for sale, but without a price")
        return self

    def for_sale(self) -> Price | None:
        """The price at which the offer can be bought."""
        if not self.available or self.expired:
            return None
        return Price.model_validate(self.model_dump(include=set(Price.model_fields)))
