"""What the notifications service needs: somebody who writes messages, and somebody who carries them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.notifications.domain.locales import Language
from shared.contracts.notifications import NotifyCustomer


@dataclass(frozen=True, slots=True)
class Written:
    """A message's words. The subject is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. `message_id` (without brackets) is the same whenever the same mail is sent."""

    to: str = field(repr=False)
    words: Written = field(repr=False)
    message_id: str
    language: Language
    template: str
    reference: str
    sent_at: datetime


class Templates(Protocol):
    """Writes messages from templates by (template, channel, language, version)."""

    def write(self, notice: NotifyCustomer, language: Language, now: datetime) -> Written:
        """The newest version of the template, filled in. Everything a person typed is escaped."""
        ...


class Mailer(Protocol):
    """Carries mail. Errors are those of `shared.kernel.errors`.

    `Refused`: the address or the mail is refused for good (`bounced`, `invalid_address`). `NotSent`: nothing was handed
    over, the same mail may be sent again; `Misconfigured` when that needs a change of ours. `OutcomeUnknown`: the line
    broke after the mail had been handed over; sent again under the same `message_id` it is shown once.
    """

    async def send(self, mail: Mail) -> str:
        """Hand the mail over; the provider's reply, without anything personal."""
        ...
