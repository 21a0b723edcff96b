"""Telling a customer: each message once to an address, and none to an address that bounced."""

from services.notifications.domain.locales import negotiate
from services.notifications.domain.notice import Delivery, Notice, message_key, recipient_digest
from services.notifications.domain.receipt import one_line
from services.notifications.ports import Mail, Mailer, Templates
from shared.contracts.notifications import NotifyCustomer
from shared.kernel.clock import Clock
from shared.kernel.errors import Refused


class Telling:
    """Writes and sends what a purchase's customer is told."""

    def __init__(self, templates: Templates, mailer: Mailer, clock: Clock, message_domain: str) -> None:
        """`message_domain` ends the `Message-ID` of every mail."""
        self._templates = templates
        self._mailer = mailer
        self._clock = clock
        self._domain = message_domain

    async def tell(self, notice: Notice, command: NotifyCustomer) -> tuple[str, Delivery]:
        """The message's key and what became of it: what is on record already, or sent now.

        Raises NotSent, Misconfigured, OutcomeUnknown.
        """
        address = command.contact.email
        recipient = recipient_digest(command.purchase_id, address)
        key = message_key(command.purchase_id, command.template, "email", address)
        known = notice.deliveries.get(key)
        if known is not None:
            return key, known
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
        return key, delivery

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
