"""The cart on the bus: what a purchase orders, and what it is answered."""

import asyncio

from services.cart import purchase
from services.cart.domain import Cart
from services.cart.ports import Offers
from shared.bus.dispatch import HandlerTable
from shared.contracts.cart import CartClosed, CartLocked, CloseCart, LockCart, UnlockCart
from shared.contracts.envelope import StepUndone
from shared.kernel.clock import Clock
from shared.saga.participant import Done, Participant, Repeatable


def table(participant: Participant[Cart], offers: Offers, clock: Clock) -> HandlerTable:
    """A handler for each command. Prices are only asked for, so every step may be carried out again."""

    async def lock(cart: Cart, command: LockCart) -> Done:
        purchase.check_lockable(cart, command.member_id, command.purchase_id, clock.now())
        ids = [flight.offer_id for flight in cart.flights]
        prices = await asyncio.gather(*map(offers.price_now, ids))
        purchase.check_prices(cart, dict(zip(ids, prices, strict=True)))
        answer = CartLocked.to(command, order=purchase.order_of(cart))
        return Done(answer, purchase.locked(cart, command.purchase_id))

    async def unlock(cart: Cart, command: UnlockCart) -> Done:
        return Done(StepUndone.to(command), purchase.unlocked(cart, command.purchase_id))

    async def close(cart: Cart, command: CloseCart) -> Done:
        return Done(CartClosed.to(command), purchase.closed(cart, command.purchase_id))

    return {
        LockCart: participant.handler(Repeatable(lock), key=lambda command: command.cart_id),
        UnlockCart: participant.handler(Repeatable(unlock), key=lambda command: command.cart_id),
        CloseCart: participant.handler(Repeatable(close), key=lambda command: command.cart_id),
    }
