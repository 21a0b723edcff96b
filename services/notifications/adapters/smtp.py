"""Mail over SMTP (RFC 5321), one connection per mail.

The server takes a mail over when it answers the end of DATA with 250. A line that breaks, or goes silent, after the
content was sent leaves open whether it did; before that, nothing happened. SMTP cannot be asked later, so an unknown
mail is sent again under the same `Message-ID`, by which mailboxes know copies.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError, SMTPNotSupported, SMTPResponseException

from services.notifications.domain.receipt import one_line
from services.notifications.ports import Mail
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.mailbox import deliverable
from shared.outside.gate import Gate, Turn

PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LEAVING_SECONDS = 1.0
PERMANENT = 500
LONGEST_REPLY = 120
NOT_LOGGED_IN: Final = (530, 534, 535, 538)
"""RFC 4954: our credentials are at fault, not the address."""
CLOSING: Final = 421
"""The server takes nothing more for now (RFC 5321, 3.8)."""
AWAY: Final = OSError
"""What broken lines and time-outs are, aiosmtplib's too: no answer, as opposed to one that we do not like."""
_OUTCOMES: Final = {
    NotSent: "not_sent",
    OutcomeUnknown: "unknown",
    Misconfigured: "misconfigured",
    Refused: "answered",
}
_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to hand mail over."""

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def of(cls, url: str, ca_file: Path | None = None) -> "SmtpServer":
        """From `smtp://`, `smtp+starttls://` or `smtps://`."""
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=parts.scheme == "smtp+starttls",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            ca_file=ca_file,
        )


class SmtpMailer:
    """Hands mails over to one server. `server` is called for each mail, so that it may move."""

    def __init__(self, server: Callable[[], SmtpServer], sender: str, gate: Gate, *, timeout_seconds: float) -> None:
        """`gate` says how many mails may be under way, how fast, and when the server is left alone."""
        self._server = server
        self._name, self._address = parseaddr(sender)
        self._timeout = timeout_seconds
        self._gate = gate

    async def send(self, mail: Mail) -> str:
        to = recipient(mail.to)
        message = self._message(mail, to)
        turn: Turn
        async with self._gate.turn("send") as turn:
            try:
                said = await self._hand_over(message, to)
            except (NotSent, OutcomeUnknown, Misconfigured, Refused) as error:
                turn.outcome = _OUTCOMES[type(error)]
                turn.failed = isinstance(error.__context__, AWAY) or _closes(error.__context__)
                raise
            turn.outcome, turn.failed = "answered", False
            return said

    async def _hand_over(self, message: EmailMessage, to: str) -> str:
        handed_over = False
        line: aiosmtplib.SMTP | None = None
        try:
            async with asyncio.timeout(self._timeout):
                line = self._line(self._server())
                await self._greet(line)
                await self._envelope(line, to)
                handed_over = True
                reply = await line.data(message.as_bytes())
        except SMTPResponseException as error:
            raise _answered(error) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # The provider's own words could name the address: they stay here.
            kind = type(error).__name__
            raise (OutcomeUnknown if handed_over else NotSent)(f"mail server: {kind}") from None
        finally:
            if line is not None:
                await _leave(line)
        return _accepted(reply.code, reply.message)

    def _line(self, server: SmtpServer) -> aiosmtplib.SMTP:
        secure = server.tls or server.starttls
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            tls_context=ssl.create_default_context(cafile=server.ca_file) if secure else None,
            timeout=self._timeout,
        )

    async def _greet(self, line: aiosmtplib.SMTP) -> None:
        """Connect, encrypt, log in: what fails here is no fault of the mail's."""
        try:
            await line.connect()
        except (SMTPAuthenticationError, SMTPNotSupported) as error:
            raise Misconfigured(f"mail server: {type(error).__name__}") from None
        except SMTPResponseException as error:
            raise NotSent(f"mail server answers {error.code} to the greeting") from None

    async def _envelope(self, line: aiosmtplib.SMTP, recipient: str) -> None:
        options = []
        if not recipient.isascii():
            await line.ehlo()
            if not line.supports_extension("smtputf8"):
                raise Refused("invalid_address", "the mail server takes no addresses beyond ASCII")
            options = ["SMTPUTF8"]
        await line.mail(self._address, options=options, encoding="utf-8" if options else "ascii")
        await line.rcpt(recipient, encoding="utf-8" if options else "ascii")

    def _message(self, mail: Mail, recipient: str) -> EmailMessage:
        policy = (SMTP_POLICY if recipient.isascii() else SMTPUTF8_POLICY).clone(cte_type="7bit")
        message = EmailMessage(policy=policy)
        message["From"] = Address(self._name, addr_spec=self._address)
        local, domain = recipient.rsplit("@", 1)
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = mail.words.subject
        message["Date"] = mail.sent_at
        message["Message-ID"] = f"<{mail.message_id}>"
        message["Content-Language"] = mail.language
        message["Auto-Submitted"] = "auto-generated"
        message["X-Template"] = mail.template
        message["X-Reference"] = mail.reference
        message.set_content(mail.words.text)
        message.add_alternative(mail.words.html, subtype="html")
        return message


def recipient(address: str) -> str:
    """The address with its domain in ASCII. Raises Refused."""
    try:
        return deliverable(address)
    except ValueError:
        raise Refused("invalid_address", "the address has no form that mail could be sent to") from None


def _closes(error: BaseException | None) -> bool:
    return isinstance(error, SMTPResponseException) and error.code == CLOSING


def _answered(error: SMTPResponseException) -> Exception:
    """What a refusal of the server's means for the mail."""
    reply = _without_address(error.code, error.message)
    if error.code in NOT_LOGGED_IN:
        return Misconfigured(f"mail server wants us to log in: {reply}")
    if error.code >= PERMANENT:
        return Refused("bounced", f"mail server: {reply}")
    return NotSent(f"mail server: {reply}")


def _accepted(code: int, text: str) -> str:
    """The reply to an accepted mail, whose words hold the id that the server gave it."""
    words = one_line(text)[:LONGEST_REPLY]
    return _without_address(code, text) if "@" in words else f"{code} {words}"


def _without_address(code: int, text: str) -> str:
    """The reply's codes; its words may repeat the address."""
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[0]}" if enhanced else str(code)


async def _leave(line: aiosmtplib.SMTP) -> None:
    """Say good-bye if there is somebody to say it to; the mail's fate is decided already."""
    if line.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(LEAVING_SECONDS):
                await line.quit()
    line.close()
