"""What a purchase may do with a cart: lock it at today's price, give it back, close it. Rules, without I/O."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.cart.domain.cart import MOST_PURCHASES, Cart, UnknownCart, total_money
from services.cart.domain.items import BagItem, FlightItem, SeatItem
from shared.contracts import journey
from shared.contracts.checkout import Total
from shared.contracts.offers import Price
from shared.kernel.errors import Refused
from shared.kernel.values import changed


def check_lockable(cart: Cart, member_id: str, purchase_id: str, now: datetime) -> None:
    """Raise Refused unless this purchase may have the cart, UnknownCart where it is not its member's."""
    if cart.member_id is None or cart.member_id != member_id:
        raise UnknownCart
    if cart.worn_out_for(purchase_id):
        raise Refused("cart_locked", f"{MOST_PURCHASES} purchases of the cart came to nothing: fill a new one")
    if cart.state != "open" and not (cart.state == "locked" and cart.locked_by == purchase_id):
        raise Refused("cart_locked", "the cart is being bought, or was bought")
    if cart.status(now) == "expired":
        raise Refused("cart_expired", "the cart has expired")
    if not cart.flights:
        raise Refused("cart_empty", "there is nothing to buy in the cart")
    if expired := cart.expired_offers(now):
        raise offer_expired(expired)


def check_accepted(cart: Cart, revision: int | None, total: Total | None) -> None:
    """Raise Refused unless the cart is what the buyer accepted; what is not told is not compared.

    A locked cart changes no more, but its lock raised the revision.
    """
    changed_since = revision is not None and cart.state == "open" and cart.revision != revision
    if changed_since or total not in (None, cart.total()):
        raise _price_changed(total, cart.total())


def check_prices(cart: Cart, now_for: Mapping[str, Price | None]) -> None:
    """Raise Refused when a fare moved since it was put into the cart, or is not for sale any more."""
    if gone := [offer_id for offer_id, price in now_for.items() if price is None]:
        raise offer_expired(gone)
    flights = [_at(flight, now_for[flight.offer_id]) for flight in cart.flights]
    if flights != list(cart.flights):
        anew = changed(cart, items=(*flights, *cart.extras))
        miles = min(cart.use_miles, anew.most_miles)
        after = Total(money=total_money(anew, miles), miles=miles)
        raise _price_changed(cart.total(), after)


def locked(cart: Cart, purchase_id: str) -> dict[str, Any]:
    """The changes that make the cart this purchase's alone."""
    if cart.state == "locked":
        return {}
    return {"state": "locked", "locked_by": purchase_id, "revision": cart.revision + 1}


def unlocked(cart: Cart, purchase_id: str) -> dict[str, Any]:
    """The changes that give the cart back; none when another purchase has it, or nobody."""
    if cart.state != "locked" or cart.locked_by != purchase_id:
        return {}
    return {"state": "open", "locked_by": None, "revision": cart.revision + 1}


def closed(cart: Cart, purchase_id: str) -> dict[str, Any]:
    """The changes that make the cart bought for good; none when it is already, or is not this purchase's."""
    if cart.state != "locked" or cart.locked_by != purchase_id:
        return {}
    return {"state": "purchased", "revision": cart.revision + 1}


def order_of(cart: Cart) -> journey.Order:
    """What a locked cart holds and costs, as the other services are told."""
    return journey.Order(
        flights=tuple(_flight(item) for item in cart.flights),
        seats=tuple(_seat(item) for item in cart.items if isinstance(item, SeatItem)),
        bags=tuple(_bag(item) for item in cart.items if isinstance(item, BagItem)),
        money=cart.total().money,
        miles=cart.use_miles,
    )


def offer_expired(offer_ids: list[str]) -> Refused:
    return Refused("offer_expired", f"no longer for sale: {', '.join(offer_ids)}")


def _price_changed(before: Total | None, now: Total) -> Refused:
    if before in (None, now):
        return Refused("price_changed", f"the cart was changed after {before or now} was accepted, and is now {now}")
    return Refused("price_changed", f"the price was {before}, and is now {now}")


def _at(flight: FlightItem, price: Price | None) -> FlightItem:
    return changed(flight, **dict(price)) if price else flight


def _flight(item: FlightItem) -> journey.Flight:
    return journey.Flight(
        item_id=item.id,
        offer_id=item.offer_id,
        segments=item.segments,
        passengers=item.passengers,
        price=item.price,
        taxes=item.taxes,
        cabin=item.cabin,
    )


def _seat(item: SeatItem) -> journey.Seat:
    return journey.Seat(item_id=item.id, **item.model_dump(exclude={"kind", "id"}))


def _bag(item: BagItem) -> journey.Bag:
    return journey.Bag(item_id=item.id, **item.model_dump(exclude={"kind", "id"}))
