"""The bus edge: tell the customer, once.

Nobody repeats the command: what could not be sent comes back by itself, for as long as messages are retried. A mail
whose fate is unknown is sent again under the same `Message-ID`.
"""

from datetime import timedelta

from services.notifications.domain.locales import negotiate
from services.notifications.domain.notice import Delivery, Notice, message_key, recipient_digest
from services.notifications.domain.receipt import one_line
from services.notifications.ports import Mail, Mailer, Templates
from shared.bus.dispatch import HandlerTable
from shared.bus.outbox import Outbox
from shared.contracts.notifications import CustomerNotified, NotifyCustomer
from shared.contracts.steps import Answer, StepRefused
from shared.kernel.clock import Clock
from shared.kernel.errors import Refused
from shared.store.repository import Repository
from shared.worker.effect import Done, Effect
from shared.worker.participant import Participant

AS_OFTEN_AS_IT_TAKES = 1_000_000
"""Calls for one message: the budget of time ends the attempts, not their number."""
MARGIN = timedelta(seconds=5)
"""Beyond the mailer's own timeout."""
SETTLE = timedelta(seconds=5)
"""Given to a mail server to finish with a mail after the line broke."""


class NotificationHandlers:
    """Writes and sends what a purchase's customer is told."""

    def __init__(self, templates: Templates, mailer: Mailer, clock: Clock, message_domain: str) -> None:
        self._templates = templates
        self._mailer = mailer
        self._clock = clock
        self._domain = message_domain

    async def send(self, notice: Notice, command: NotifyCustomer, _key: str) -> Done:
        address = command.contact.email
        recipient = recipient_digest(command.purchase_id, address)
        key = message_key(command.purchase_id, command.template, "email", address)
        known = notice.deliveries.get(key)
        if known is not None:
            return Done(_answer(command, known))
        mail = self._mail(command, f"{key}@{self._domain}")
        refused_as, reply = await self._try(notice, recipient, mail)
        delivery = Delivery(
            template=command.template,
            channel="email",
            recipient=recipient,
            status="bounced" if refused_as else "sent",
            refused_as=refused_as,
            at=self._clock.now(),
            message_id=mail.message_id,
            provider_reply=reply,
        )
        return Done(_answer(command, delivery), {"deliveries": {**notice.deliveries, key: delivery}})

    async def find(self, _notice: Notice, _command: NotifyCustomer, _key: str) -> Done | None:
        """SMTP keeps no record to ask: send again, which the mailbox knows by the `Message-ID`."""
        return None

    async def _try(self, notice: Notice, recipient: str, mail: Mail) -> tuple[str | None, str]:
        """Why it was refused for good, if it was; and what the provider said."""
        if notice.has_bounced(recipient):
            return "bounced", "an earlier message to this address bounced"
        try:
            return None, await self._mailer.send(mail)
        except Refused as refusal:
            return refusal.code, refusal.detail

    def _mail(self, command: NotifyCustomer, message_id: str) -> Mail:
        now = self._clock.now()
        language = negotiate(command.contact.locale)
        return Mail(
            to=command.contact.email,
            words=self._templates.write(command, language, now),
            message_id=message_id,
            language=language,
            template=command.template,
            reference=one_line(command.purchase_id),
            sent_at=now,
        )


def table(
    handlers: NotificationHandlers,
    notices: Repository[Notice],
    outbox: Outbox,
    clock: Clock,
    *,
    mail_timeout: timedelta,
) -> HandlerTable:
    """The service's handlers by kind of message."""
    participant = Participant(
        notices,
        outbox,
        clock,
        new=lambda purchase_id: Notice(id=purchase_id),
        call_timeout=mail_timeout + MARGIN,
        settle=SETTLE,
    )
    send = Effect(handlers.send, handlers.find, calls=AS_OFTEN_AS_IT_TAKES, asked_again=False)
    return {NotifyCustomer: participant.handler(send)}


def _answer(command: NotifyCustomer, delivery: Delivery) -> Answer:
    if delivery.refused_as is not None:
        return StepRefused.to(command, code=delivery.refused_as, detail=delivery.provider_reply)
    return CustomerNotified.to(command, message_id=delivery.message_id)
