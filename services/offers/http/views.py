"""How offers look on HTTP."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from services.offers import domain
from shared.kernel.money import Money
from shared.web.bodies import Shown


class OfferedSegment(Shown):
    """One flight; times carry their airport's offset."""

    carrier: Annotated[str, Field(description="IATA code of the airline", examples=["TP"])]
    number: Annotated[str, Field(description="Flight number without the carrier", examples=["84"])]
    origin: str = Field(serialization_alias="from", description="IATA code of the airport", examples=["GRU"])
    destination: str = Field(serialization_alias="to", description="IATA code of the airport", examples=["LIS"])
    departs_at: Annotated[
        AwareDatetime, Field(description="With the airport's offset", examples=["2027-01-20T17:30:00-03:00"])
    ]
    arrives_at: Annotated[
        AwareDatetime, Field(description="With the airport's offset", examples=["2027-01-21T06:30:00+00:00"])
    ]
    cabin: Annotated[domain.Cabin, Field(description="In which the offer is")]


class OfferedSeat(Shown):
    """A free seat; the price is per passenger and segment."""

    segment: Annotated[int, Field(description="Index into the offer's segments", examples=[0])]
    seat: Annotated[str, Field(description="Row and letter", examples=["12A"])]
    price: Annotated[Money, Field(description="For one passenger")]


class OfferedBag(Shown):
    """Bags of one passenger for the whole journey; the price is for that number of pieces."""

    pieces: Annotated[int, Field(description="How many pieces the price is for", examples=[1])]
    price: Annotated[Money, Field(description="For one passenger, the whole journey")]


class ShownOffer(Shown):
    """Flights at a price: `price` (without taxes), `taxes` and `miles` are totals for all `adults`."""

    id: Annotated[str, Field(description="Goes into a cart as offer_id", examples=["0198f0c2-5a61-7c3e"])]
    expires_at: Annotated[AwareDatetime, Field(description="Until when the price is promised")]
    adults: Annotated[int, Field(description="How many passengers it is for", examples=[1])]
    cabin: Annotated[domain.Cabin, Field(description="As asked for")]
    segments: Annotated[list[OfferedSegment], Field(description="The flights in their order")]
    price: Annotated[Money, Field(description="The fares of all adults without taxes")]
    taxes: Annotated[Money, Field(description="Of all adults; always paid in money")]
    miles: Annotated[int, Field(description="What the fares of all adults cost in miles", examples=[61000])]
    seats: Annotated[list[OfferedSeat], Field(description="Seats that can be bought")]
    bags: Annotated[list[OfferedBag], Field(description="Bags that can be bought")]


class ShownOffers(Shown):
    """What a search found, cheapest first."""

    offers: Annotated[list[ShownOffer], Field(description="Empty where nobody flies")]
