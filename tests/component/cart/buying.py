"""A purchase's commands to a cart, as the checkout sends them."""

from typing import Any

from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Command, StepRefused
from shared.runtime.service import Service
from tests.kit.laptop import Laptop

CAUSE = Envelope(id="e-1", source="milesaga/checkout", type="cart.lock.v1", correlation_id="p-1")


class Purchase:
    """Sends a purchase's commands, as they come from the queue, and hands over the answers."""

    def __init__(self, cart: Service, laptop: Laptop, cart_id: str, purchase_id: str = "p-1") -> None:
        self._table, self._bag = cart.table, laptop.recorder
        self._cart_id, self._id = cart_id, purchase_id

    async def lock(self, member: str = "ana", **fields: Any) -> Message:
        return await self.answer(self._lock(member, **fields))

    async def lock_in_vain(self) -> None:
        """No answer: whoever asked asks again."""
        before = list(self._bag.said)
        await self._table[LockCart](self._lock("ana"), CAUSE)
        assert self._bag.said == before

    def _lock(self, member: str, **fields: Any) -> LockCart:
        return LockCart(purchase_id=self._id, step="lock the cart", cart_id=self._cart_id, member_id=member, **fields)

    async def unlock(self, **fields: Any) -> Message:
        return await self.answer(
            UnlockCart(purchase_id=self._id, step="lock the cart", cart_id=self._cart_id, **fields)
        )

    async def close(self) -> Message:
        return await self.answer(CloseCart(purchase_id=self._id, step="close the cart", cart_id=self._cart_id))

    async def answer(self, command: Command) -> Message:
        before = len(self._bag.said)
        await self._table[type(command)](command, CAUSE)
        [answer] = self._bag.said[before:]
        return answer


def refused(answer: Message) -> str:
    assert isinstance(answer, StepRefused), answer
    return answer.code
