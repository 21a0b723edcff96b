"""The checkout's bus edge."""

from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from services.checkout.cases.starting import CannotStart, KeyReused, Starter, Wish
from services.checkout.domain.announcing import NamedPurchase, refused_event, unreadable_event
from services.checkout.domain.checkout import Checkout
from services.checkout.ports import CartsUnavailable, Senders
from shared.bus.arrival import Arrival
from shared.bus.dispatch import HandlerTable
from shared.bus.outbox import Outbox
from shared.bus.retry import Unreadable
from shared.contracts import CATALOGUE
from shared.contracts.checkout import StartCheckout, WakeCheckout
from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer
from shared.kernel.errors import Later
from shared.saga.orchestrator import Orchestrator
from shared.saga.record import Status


@dataclass(frozen=True, slots=True)
class Requests:
    """What the checkout is asked by message."""

    orchestrator: Orchestrator[Checkout]
    starter: Starter
    outbox: Outbox
    senders: Senders

    async def start(self, message: StartCheckout, envelope: Envelope) -> None:
        """Begin a purchase; what HTTP would refuse at once is told by `checkout.refused.v1`."""
        refusal = self.senders.refusal(envelope.sender, message.member_id)
        if refusal is not None:
            raise Unreadable(refusal)  # and no event: whoever asks for others' purchases learns nothing of them
        wish = Wish(
            member_id=message.member_id,
            key=message.key,
            cart_id=message.cart_id,
            payment=message.payment,
            contact=message.contact,
        )
        try:
            known = await self.starter.find(wish)
            if known is None:
                await self.starter.start(wish)
            elif known.record.status is Status.REFUSED:
                await self.outbox.say(refused_event(known), envelope)
        except KeyReused as reused:
            # An event about this id would speak of the purchase that lives under the key already.
            raise Unreadable(reused.detail) from reused
        except CannotStart as refused:
            await self.starter.record_refusal(wish, refused)
        except CartsUnavailable as silence:
            raise Later(str(silence)) from silence

    async def unreadable(self, arrival: Arrival, body: bytes, why: str) -> None:
        """Tell whoever waits for news of this key that none will come, where the body tells member and key."""
        try:
            named = NamedPurchase.model_validate_json(body)
        except ValidationError:
            return
        if self.senders.refusal(arrival.sender, named.member_id) is not None:
            return
        if not await self.starter.is_known(named.member_id, named.key):
            await self.outbox.say(unreadable_event(named, why), _cause(arrival))

    async def wake(self, message: WakeCheckout, _envelope: Envelope) -> None:
        await self.orchestrator.fire(message.checkout_id)


def table(requests: Requests) -> HandlerTable:
    """The service's handlers by kind of message: requests, and every answer there is."""
    answers = [contract for contract in CATALOGUE.values() if issubclass(contract, Answer)]
    return {
        StartCheckout: requests.start,
        WakeCheckout: requests.wake,
        **dict.fromkeys(answers, requests.orchestrator.take),
    }


def _cause(arrival: Arrival) -> Envelope | None:
    """What can be told of the message by name: nothing, where its envelope is at fault."""
    with suppress(ValueError):
        return Envelope.of(arrival.headers)
    return None
