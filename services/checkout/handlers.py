"""The checkout's bus edge."""

import logging

from services.checkout.domain import Checkout
from services.checkout.ports import CartsUnavailable
from services.checkout.starting import CannotStart, KeyReused, Starter, Wish, refused_event
from shared.bus.dispatch import Handler, HandlerTable
from shared.bus.outbox import Outbox
from shared.bus.retry import Unreadable
from shared.contracts import CATALOGUE
from shared.contracts.checkout import StartCheckout, WakeCheckout
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Answer
from shared.kernel.errors import Later
from shared.saga.process import Orchestrator
from shared.saga.record import Status

log = logging.getLogger(__name__)


class Handlers:
    """What the checkout does with its messages."""

    def __init__(self, orchestrator: Orchestrator[Checkout], starter: Starter, outbox: Outbox) -> None:
        self._orchestrator = orchestrator
        self._starter = starter
        self._outbox = outbox

    def table(self) -> HandlerTable:
        table: dict[type[Message], Handler] = {StartCheckout: self.start, WakeCheckout: self.wake}
        for contract in CATALOGUE.values():
            if issubclass(contract, Answer):
                table[contract] = self._orchestrator.take
        return table

    async def start(self, message: StartCheckout, envelope: Envelope) -> None:
        """Begin a purchase; what HTTP would refuse at once is told by `checkout.refused.v1`."""
        wish = Wish(
            member_id=message.member_id,
            key=message.key,
            cart_id=message.cart_id,
            payment=message.payment,
            contact=message.contact,
        )
        try:
            known = await self._starter.find(wish)
            if known is None:
                await self._starter.start(wish)
            elif known.record.status is Status.REFUSED:
                await self._outbox.say(refused_event(known), envelope)
        except KeyReused as reused:
            # An event about this id would speak of the purchase that lives under the key already.
            raise Unreadable(reused.detail) from reused
        except CannotStart as refused:
            await self._starter.record_refusal(wish, refused)
        except CartsUnavailable as silence:
            raise Later(str(silence)) from silence

    async def wake(self, message: WakeCheckout, _envelope: Envelope) -> None:
        await self._orchestrator.fire(message.checkout_id)
