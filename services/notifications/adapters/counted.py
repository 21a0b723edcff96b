"""Mail as any other provider is counted: by outcome, with its seconds."""

from time import monotonic
from typing import Final

from services.notifications.ports import Mail, Mailer
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.meter import CallMeter

PROVIDER: Final = "mail"
OUTCOMES: Final = {Refused: "answered", NotSent: "not_sent", Misconfigured: "misconfigured", OutcomeUnknown: "unknown"}


class CountedMailer:
    """Fulfils `Mailer` by another one."""

    def __init__(self, mailer: Mailer, service: str, meter: CallMeter) -> None:
        self._mailer = mailer
        self._service = service
        self._meter = meter

    async def send(self, mail: Mail) -> str:
        outcome, began = "unknown", monotonic()
        try:
            reply = await self._mailer.send(mail)
            outcome = "answered"
        except (Refused, NotSent, Misconfigured, OutcomeUnknown) as error:
            outcome = next(name for kind, name in OUTCOMES.items() if isinstance(error, kind))
            raise
        finally:
            self._meter.called(self._service, PROVIDER, "send", outcome, monotonic() - began)
        return reply
