"""The cart on the bus: what a purchase orders, and what it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.cart.cases.locking import Locking
from services.cart.domain import purchase
from services.cart.domain.cart import Cart, UnknownCart
from shared.bus.dispatch import Handler, HandlerTable
from shared.bus.outbox import Outbox
from shared.contracts.cart import CartClosed, CartLocked, CloseCart, LockCart, UnlockCart
from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer, StepRefused, StepUndone
from shared.worker.effect import Done, Repeatable
from shared.worker.participant import Participant

C = TypeVar("C", LockCart, UnlockCart, CloseCart)


def no_cart(_cart_id: str) -> Cart:
    """What a command finds where there is no cart. Ids are ours, so none will come, and nothing is put on record."""
    raise UnknownCart


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command does with a cart. All of them may be carried out again."""

    locking: Locking

    async def lock(self, cart: Cart, command: LockCart) -> Done:
        await self.locking.check(cart, command)
        answer = CartLocked.to(command, order=purchase.order_of(cart))
        return Done(answer, purchase.locked(cart, command.purchase_id))

    async def unlock(self, cart: Cart, command: UnlockCart) -> Done:
        return Done(StepUndone.to(command), purchase.unlocked(cart, command.purchase_id))

    async def close(self, cart: Cart, command: CloseCart) -> Done:
        return Done(CartClosed.to(command), purchase.closed(cart, command.purchase_id))


def _not_found(command: LockCart) -> StepRefused:
    return StepRefused.to(command, code="not_found", detail="there is no such cart")


def table(participant: Participant[Cart], locking: Locking, outbox: Outbox) -> HandlerTable:
    """The service's handlers by kind of message."""

    def answering(act: Callable[[Cart, C], Awaitable[Done]], unknown: Callable[[C], Answer]) -> Handler:
        """The handler of a step; `unknown` answers where there is no such cart, now and whenever it is asked again."""
        known = participant.handler(Repeatable(act), key=lambda command: command.cart_id)

        async def handle(command: C, cause: Envelope) -> None:
            try:
                await known(command, cause)
            except UnknownCart:
                await outbox.say(unknown(command), cause)

        return handle

    steps = Steps(locking)
    return {
        LockCart: answering(steps.lock, _not_found),
        UnlockCart: answering(steps.unlock, StepUndone.to),
        CloseCart: answering(steps.close, CartClosed.to),
    }
