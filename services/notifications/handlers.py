"""The bus edge: tell the customer, once.

Nobody repeats the command: what could not be sent comes back by itself, for as long as messages are retried. A mail
whose fate is unknown is sent again under the same `Message-ID`.
"""

from dataclasses import dataclass

from services.notifications.cases.telling import Telling
from services.notifications.domain.notice import Delivery, Notice
from shared.bus.dispatch import HandlerTable
from shared.contracts.notifications import CustomerNotified, NotifyCustomer
from shared.contracts.steps import Answer, StepRefused
from shared.worker.effect import Done, Effect
from shared.worker.participant import Participant

AS_OFTEN_AS_IT_TAKES = 1_000_000
"""Calls for one message: the budget of time ends the attempts, not their number."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command tells, and how it is found out what became of it."""

    telling: Telling

    async def send(self, notice: Notice, command: NotifyCustomer, _key: str) -> Done:
        key, delivery = await self.telling.tell(notice, command)
        return Done(_answer(command, delivery), {"deliveries": {**notice.deliveries, key: delivery}})

    async def find(self, _notice: Notice, _command: NotifyCustomer, _key: str) -> Done | None:
        """SMTP keeps no record to ask: send again, which the mailbox knows by the `Message-ID`."""
        return None


def _answer(command: NotifyCustomer, delivery: Delivery) -> Answer:
    if delivery.refused_as is not None:
        return StepRefused.to(command, code=delivery.refused_as, detail=delivery.provider_reply)
    return CustomerNotified.to(command, message_id=delivery.message_id)


def table(participant: Participant[Notice], telling: Telling) -> HandlerTable:
    """The service's handlers by kind of message."""
    steps = Steps(telling)
    return {
        NotifyCustomer: participant.handler(
            Effect(steps.send, steps.find, calls=AS_OFTEN_AS_IT_TAKES, asked_again=False),
            answered=lambda command: command.answer_wanted,
        ),
    }
