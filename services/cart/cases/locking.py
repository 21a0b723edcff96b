"""Locking a cart for a purchase: at the price that the airline asks today, or not at all."""

import asyncio

from services.cart.domain import purchase
from services.cart.domain.cart import Cart
from services.cart.ports import Offers
from shared.contracts.cart import LockCart
from shared.kernel.clock import Clock


class Locking:
    """Prices are only asked for, so all of it may be done again."""

    def __init__(self, offers: Offers, clock: Clock) -> None:
        self._offers = offers
        self._clock = clock

    async def check(self, cart: Cart, command: LockCart) -> None:
        """Raise Refused unless this purchase may have the cart as it is, UnknownCart, `OffersUnavailable`."""
        purchase.check_lockable(cart, command.member_id, command.purchase_id, self._clock.now())
        purchase.check_accepted(cart, command.revision, command.total)
        ids = [flight.offer_id for flight in cart.flights]
        prices = await asyncio.gather(*map(self._offers.price_now, ids))
        purchase.check_prices(cart, dict(zip(ids, prices, strict=True)))
