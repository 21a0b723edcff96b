"""Mail over SMTP (RFC 5321): one mail after the other on lines that are kept.

The server takes a mail over when it answers the end of DATA with 250. A line that breaks, or goes silent, after the
content was sent leaves open whether it did; before that, nothing happened, and a mail that was to go over a kept line
goes over a fresh one at once. SMTP cannot be asked later, so an unknown mail is sent again under the same `Message-ID`,
by which mailboxes know copies.
"""

import asyncio
import re
from collections.abc import Callable
from email.utils import parseaddr
from typing import Final

from aiosmtplib import SMTPException, SMTPRecipientRefused, SMTPResponseException

from services.notifications.adapters.smtp.lines import CLOSING, Line, Lines
from services.notifications.adapters.smtp.message import content, sender_field
from services.notifications.adapters.smtp.server import SmtpServer
from services.notifications.domain.receipt import one_line
from services.notifications.ports import Mail
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.mailbox import deliverable
from shared.outside.gate import Gate, Turn

KEPT_SHARE: Final = 0.25
"""Of a mail's time: so long a kept line may be silent until a fresh one is tried."""
REFUSING: Final = range(400, 600)
PERMANENT: Final = 500
LONGEST_REPLY: Final = 120
NOT_LOGGED_IN: Final = (530, 534, 535, 538)
"""RFC 4954: our credentials are at fault, not the address."""
AWAY: Final = OSError
"""What broken lines and time-outs are, aiosmtplib's too: no answer, as opposed to one that we do not like."""
_OUTCOMES: Final = {
    NotSent: "not_sent",
    OutcomeUnknown: "unknown",
    Misconfigured: "misconfigured",
    Refused: "answered",
}
_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}\b")


class SmtpMailer:
    """Hands mails over to one server. `server` is called for each mail, so that it may move."""

    def __init__(
        self, server: Callable[[], SmtpServer], sender: str, gate: Gate, lines: Lines, *, timeout_seconds: float
    ) -> None:
        """`gate` says how many mails may be under way, how fast, and when the server is left alone."""
        self._server = server
        name, self._address = parseaddr(sender)
        self._sender = sender_field(name, self._address)
        self._timeout = timeout_seconds
        self._gate = gate
        self._lines = lines

    async def send(self, mail: Mail) -> str:
        to = recipient(mail.to)
        written = content(self._sender, mail, to)
        turn: Turn
        async with self._gate.turn("send") as turn:
            try:
                said = await self._hand_over(written, to)
            except (NotSent, OutcomeUnknown, Misconfigured, Refused) as error:
                turn.outcome = _OUTCOMES[type(error)]
                turn.failed = isinstance(error.__context__, AWAY) or _closes(error.__context__)
                raise
            turn.outcome, turn.failed = "answered", False
            return said

    async def _hand_over(self, written: bytes, to: str) -> str:
        line: Line | None = None
        try:
            async with asyncio.timeout(self._timeout):
                line = await self._invited(to)
                reply = await line.content(written)
        except SMTPResponseException as error:
            raise _answered(error, handed_over=line is not None and line.handed_over) from None
        except (SMTPException, OSError, TimeoutError) as error:
            # The provider's own words could name the address: they stay here.
            kind = type(error).__name__
            handed_over = line is not None and line.handed_over
            raise (OutcomeUnknown if handed_over else NotSent)(f"mail server: {kind}") from None
        finally:
            if line is not None:
                await self._lines.give_back(line)
        return _accepted(reply.code, reply.message)

    async def _invited(self, to: str) -> Line:
        """A line whose server waits for the content.

        What is wrong with a kept line may be its age, or the mails that went over it: only a refusal of the recipient
        would be the same on a fresh one.
        """
        server = self._server()
        kept = self._lines.kept(server)
        if kept is not None:
            try:
                async with asyncio.timeout(KEPT_SHARE * self._timeout):
                    return await self._invite(kept, to)
            except SMTPRecipientRefused as refusal:
                if not _closes(refusal):
                    raise
            except (SMTPException, OSError, TimeoutError):
                pass
        return await self._invite(await self._lines.opened(server), to)

    async def _invite(self, line: Line, to: str) -> Line:
        try:
            await line.envelope(self._address, to)
            await line.invitation()
        except BaseException:
            await self._lines.give_back(line)
            raise
        return line


def recipient(address: str) -> str:
    """The address with its domain in ASCII. Raises Refused."""
    try:
        return deliverable(address)
    except ValueError:
        raise Refused("invalid_address", "the address has no form that mail could be sent to") from None


def _closes(error: BaseException | None) -> bool:
    return isinstance(error, SMTPResponseException) and error.code == CLOSING


def _answered(error: SMTPResponseException, *, handed_over: bool) -> Exception:
    """What a refusal of the server's means for the mail."""
    reply = _without_address(error.code, error.message)
    if error.code in NOT_LOGGED_IN:
        return Misconfigured(f"mail server wants us to log in: {reply}")
    if error.code not in REFUSING and handed_over:
        return OutcomeUnknown(f"mail server: {reply}")
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
