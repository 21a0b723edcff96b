"""The cart on the bus: what a purchase orders, and what it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.cart import purchase
from services.cart.domain import Cart, UnknownCart
from services.cart.ports import Offers
from shared.bus.dispatch import Handler, HandlerTable
from shared.bus.outbox import Outbox
from shared.contracts.cart import CartClosed, CartLocked, CloseCart, LockCart, UnlockCart
from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer, StepRefused, StepUndone
from shared.kernel.clock import Clock
from shared.worker.effect import Done, Repeatable
from shared.worker.participant import Participant

C = TypeVar("C", LockCart, UnlockCart, CloseCart)


def no_cart(_cart_id: str) -> Cart:
    """What a command finds where there is no cart. Ids are ours, so none will come, and nothing is put on record."""
    raise UnknownCart


def table(participant: Participant[Cart], offers: Offers, clock: Clock, outbox: Outbox) -> HandlerTable:
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

    def answering(act: Callable[[Cart, C], Awaitable[Done]], unknown: Callable[[C], Answer]) -> Handler:
        """The handler of a step; `unknown` answers where there is no such cart, now and whenever it is asked again."""
        known = participant.handler(Repeatable(act), key=lambda command: command.cart_id)

        async def handle(command: C, cause: Envelope) -> None:
            try:
                await known(command, cause)
            except UnknownCart:
                await outbox.say(unknown(command), cause)

        return handle

    return {
        LockCart: answering(lock, _not_found),
        UnlockCart: answering(unlock, StepUndone.to),
        CloseCart: answering(close, CartClosed.to),
    }


def _not_found(command: LockCart) -> StepRefused:
    return StepRefused.to(command, code="not_found", detail="there is no such cart")
