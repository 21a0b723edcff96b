"""The SMTP adapter before a server, and a mail to send."""

from dataclasses import replace
from datetime import UTC, datetime

from services.notifications.adapters.smtp import Lines, LineTerms, SmtpMailer, SmtpServer
from services.notifications.ports import Mail, Written
from shared.outside.gate import Gate, Terms

MAIL = Mail(
    to="ana@example.com",
    words=Written(subject="Sua compra está confirmada", text="Olá, São Paulo\n.\nfim\n", html="<p>Olá</p>"),
    message_id="0123456789abcdef@milesaga.example",
    language="pt-BR",
    template="completed",
    reference="p-1",
    sent_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
)


def mail_number(number: int) -> Mail:
    return replace(MAIL, message_id=f"{number}@milesaga.example")


class Sending:
    """A mailer, its lines, and the server that they lead to, which may move."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        timeout_seconds: float = 5.0,
        terms: Terms | None = None,
        kept: LineTerms | None = None,
    ) -> None:
        self.server = server
        gate = Gate("notifications", "smtp", terms or Terms(calls_at_once=4))
        self.lines = Lines(kept or LineTerms(at_once=4), timeout_seconds)
        sender = "Milesaga <no-reply@milesaga.example>"
        self.mailer = SmtpMailer(lambda: self.server, sender, gate, self.lines, timeout_seconds=timeout_seconds)

    async def send(self, mail: Mail = MAIL) -> str:
        return await self.mailer.send(mail)
