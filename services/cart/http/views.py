"""How carts look on HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.cart.domain import cart as rules
from shared.contracts.cart import CartAtCheckout
from shared.kernel.money import Money
from shared.web.bodies import Shown


class CartSegment(Shown):
    """One flight; times carry their airport's offset."""

    carrier: str
    number: str
    origin: str = Field(serialization_alias="from")
    destination: str = Field(serialization_alias="to")
    departs_at: AwareDatetime
    arrives_at: AwareDatetime


class CartPassenger(Shown):
    given_name: str
    surname: str
    birth_date: str
    document: str


class CartFlight(Shown):
    """Flights of one offer; price, taxes and miles are for all passengers."""

    kind: Literal["flight"]
    id: str
    offer_id: str
    offer_expires_at: AwareDatetime
    segments: list[CartSegment]
    passengers: list[CartPassenger]
    price: Money
    taxes: Money
    miles: int


class CartSeat(Shown):
    kind: Literal["seat"]
    id: str
    offer_id: str
    segment: int
    passenger: int
    seat: str
    price: Money
    miles: None = None


class CartBag(Shown):
    kind: Literal["bag"]
    id: str
    offer_id: str
    passenger: int
    pieces: int
    price: Money
    miles: None = None


class CartTotal(Shown):
    money: Money
    miles: int


class ShownCart(Shown):
    """A cart as its owner sees it. `total.money` is what is left to pay when `use_miles` pay fares."""

    id: str
    member_id: str
    channel: rules.Channel
    currency: str
    status: rules.Status
    items: list[Annotated[CartFlight | CartSeat | CartBag, Field(discriminator="kind")]]
    use_miles: int
    promo_code: None = None
    total: CartTotal
    expires_at: AwareDatetime


class ShownCarts(Shown):
    """One page of a member's carts, newest first."""

    carts: list[ShownCart]
    next_cursor: str | None


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
