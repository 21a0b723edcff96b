"""What a member does with carts: make, read, fill, empty. One change at a time wins; the others start over."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.cart.domain import cart as rules
from services.cart.domain.cart import Cart, Channel, UnknownCart, WrongField
from services.cart.ports import Offers
from shared.contracts.offers import Quote
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.store.documents import After
from shared.store.repository import Repository

log = logging.getLogger(__name__)

BY_MEMBER = "by_member"

Check = Callable[[Cart], None]
"""Refuses a cart that is not the one the caller read."""
Change = Callable[[Cart], Cart]


class Carts:
    """The carts of all members, each for its owner alone. Methods raise `UnknownCart` for any other."""

    def __init__(self, carts: Repository[Cart], offers: Offers, clock: Clock, ids: Ids, life: timedelta) -> None:
        self._carts = carts
        self._offers = offers
        self._clock = clock
        self._ids = ids
        self._life = life

    async def open(self, member_id: str, channel: Channel, currency: str) -> Cart:
        """A new, empty cart."""
        cart = rules.open_cart(self._ids.new(), member_id, channel, currency, self._clock.now() + self._life)
        return (await self._carts.save(cart, version=0)).value

    async def read(self, cart_id: str, member_id: str) -> Cart:
        stored = await self._carts.load(cart_id)
        return _owned(stored.value if stored else None, member_id)

    async def find(self, cart_id: str) -> Cart | None:
        """Anybody's cart: for the services."""
        stored = await self._carts.load(cart_id)
        return stored.value if stored and stored.value.member_id is not None else None

    async def newest(self, member_id: str, after: After, limit: int) -> Sequence[Cart]:
        """The member's carts after an id, newest first; ids begin with the time of their making."""
        found = await self._carts.find(BY_MEMBER, (member_id,), limit=limit, after=after, descending=True)
        return [stored.value for stored in found]

    async def quote(self, offer_id: str) -> Quote:
        """The offer an item is about. Raises `WrongField`, `CannotChange` when it expired, `OffersUnavailable`."""
        quote = await self._offers.find(offer_id)
        if quote is None:
            raise WrongField("/offer_id", "must be the id of an offer", "offer_unknown")
        rules.check_alive(quote, self._clock.now())
        return quote

    def new_item_id(self) -> str:
        return self._ids.new()

    async def change(self, cart_id: str, member_id: str, check: Check, change: Change) -> Cart:
        """Save a change of an open cart. Raises what `check` and `change` do, `CannotChange`, `Conflict` at last."""

        def edit(cart: Cart | None) -> Cart:
            cart = _owned(cart, member_id)
            check(cart)
            rules.check_open(cart, self._clock.now())
            return change(cart)

        return (await self._carts.change(cart_id, edit)).value

    async def check(self, cart_id: str, member_id: str, check: Check) -> None:
        """Raise what `change` would raise for this cart as it is now, before anybody is asked about an offer."""
        cart = await self.read(cart_id, member_id)
        check(cart)
        rules.check_open(cart, self._clock.now())

    async def delete(self, cart_id: str, member_id: str, check: Check) -> None:
        """Forget a cart, unless it is being bought or was."""

        def edit(cart: Cart | None) -> Cart:
            cart = _owned(cart, member_id)
            check(cart)
            rules.check_deletable(cart)
            return rules.deleted(cart, self._clock.now())

        await self._carts.change(cart_id, edit)


def _owned(cart: Cart | None, member_id: str) -> Cart:
    if cart is None or cart.member_id != member_id:
        raise UnknownCart
    return cart


def forgotten_at(kept: timedelta) -> Callable[[Cart], datetime | None]:
    """When a cart is swept: so long after its end, unless it is being bought or was."""

    def moment(cart: Cart) -> datetime | None:
        return cart.expires_at + kept if cart.state == "open" and cart.expires_at else None

    return moment
