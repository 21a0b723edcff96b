"""How carts look on HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.cart.domain import cart as rules
from shared.contracts.cart import CartAtCheckout
from shared.kernel.money import Money
from shared.web.bodies import Shown
from shared.web.pages import NextCursor


class CartSegment(Shown):
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


class CartPassenger(Shown):
    given_name: Annotated[str, Field(description="As the travel document has it", examples=["Ana"])]
    surname: Annotated[str, Field(description="As the travel document has it", examples=["Souza"])]
    birth_date: Annotated[str, Field(description="Day of birth", examples=["1990-05-01"])]
    document: Annotated[str, Field(description="Number of the travel document", examples=["FX123456"])]
    name_on_ticket: Annotated[
        str | None,
        Field(description="As the airline prints it; null where it cannot", examples=["SOUZA/ANA"]),
    ]


class CartFlight(Shown):
    """Flights of one offer; price, taxes and miles are for all passengers."""

    kind: Annotated[Literal["flight"], Field(description="A flight item")]
    id: Annotated[str, Field(description="Of the item, to remove it by", examples=["0198f0c2-5a61-7c3e"])]
    offer_id: Annotated[str, Field(description="The offer it is of", examples=["0198f0c2-5a61-7c3e"])]
    offer_expires_at: Annotated[AwareDatetime, Field(description="Until when the price is promised")]
    segments: Annotated[list[CartSegment], Field(description="The flights in their order")]
    passengers: Annotated[list[CartPassenger], Field(description="Who flies")]
    price: Annotated[Money, Field(description="The fares of all passengers without taxes")]
    taxes: Annotated[Money, Field(description="Of all passengers")]
    miles: Annotated[int, Field(description="What the fares of all passengers cost in miles", examples=[61000])]


class CartSeat(Shown):
    kind: Annotated[Literal["seat"], Field(description="A seat item")]
    id: Annotated[str, Field(description="Of the item, to remove it by", examples=["0198f0c2-5a61-7c3e"])]
    offer_id: Annotated[str, Field(description="The offer it is of", examples=["0198f0c2-5a61-7c3e"])]
    segment: Annotated[int, Field(description="Index into the flight's segments", examples=[0])]
    passenger: Annotated[int, Field(description="Index into the flight's passengers", examples=[0])]
    seat: Annotated[str, Field(description="Row and letter", examples=["12A"])]
    price: Annotated[Money, Field(description="Of the seat")]
    miles: Annotated[None, Field(description="Seats cost money only")] = None


class CartBag(Shown):
    kind: Annotated[Literal["bag"], Field(description="A bag item")]
    id: Annotated[str, Field(description="Of the item, to remove it by", examples=["0198f0c2-5a61-7c3e"])]
    offer_id: Annotated[str, Field(description="The offer it is of", examples=["0198f0c2-5a61-7c3e"])]
    passenger: Annotated[int, Field(description="Index into the flight's passengers", examples=[0])]
    pieces: Annotated[int, Field(description="How many", examples=[1])]
    price: Annotated[Money, Field(description="Of all pieces")]
    miles: Annotated[None, Field(description="Bags cost money only")] = None


class CartTotal(Shown):
    money: Annotated[Money, Field(description="What is left to pay in money")]
    miles: Annotated[int, Field(description="What is paid in miles", examples=[30000])]


class ShownCart(Shown):
    """A cart as its owner sees it. `total.money` is what is left to pay when `use_miles` pay fares."""

    id: Annotated[str, Field(description="Of the cart", examples=["0198f0c2-5a61-7c3e"])]
    member_id: Annotated[str, Field(description="Whose it is", examples=["ana-1"])]
    channel: Annotated[rules.Channel, Field(description="Where it was opened")]
    currency: Annotated[str, Field(description="ISO 4217 code", examples=["BRL"])]
    status: Annotated[rules.Status, Field(description="What can be done with it: only an open one changes")]
    items: Annotated[
        list[Annotated[CartFlight | CartSeat | CartBag, Field(discriminator="kind")]],
        Field(description="In the order they were added"),
    ]
    use_miles: Annotated[int, Field(description="How many miles pay the fares", examples=[30000])]
    promo_code: Annotated[None, Field(description="Not built yet: always null")] = None
    total: Annotated[CartTotal, Field(description="What it costs now")]
    expires_at: Annotated[AwareDatetime, Field(description="When it ends by itself")]


class ShownCarts(Shown):
    """One page of a member's carts, newest first."""

    carts: Annotated[list[ShownCart], Field(description="The page")]
    next_cursor: NextCursor


def shown(cart: rules.Cart, now: datetime) -> ShownCart:
    return ShownCart.model_validate(
        {
            "id": cart.id,
            "member_id": cart.member_id,
            "channel": cart.channel,
            "currency": cart.currency,
            "status": cart.status(now),
            "items": cart.items,
            "use_miles": cart.use_miles,
            "total": cart.total(),
            "expires_at": cart.expires_at,
        }
    )


def for_services(cart: rules.Cart, member_id: str, now: datetime) -> CartAtCheckout:
    """What a checkout must know before it begins."""
    return CartAtCheckout(
        id=cart.id,
        member_id=member_id,
        channel=cart.channel,
        status=cart.status(now),
        currency=cart.currency,
        items=len(cart.items),
        expired_offers=tuple(cart.expired_offers(now)),
        total=cart.total(),
        revision=cart.revision,
    )
