"""Lines to a mail server: opened when needed, kept for the next mail, closed when nobody needs them.

A line costs a connection, a greeting, TLS and a log-in; a mail on it three commands. Servers close lines that stand
idle, count what goes over one, and say 421 when they want to be left, so a line is given up before they do where that
can be known, and what a kept line does not take over is nobody's fault (`mailer.py`).
"""

import asyncio
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPNotSupported,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notifications.adapters.smtp.server import SmtpServer
from shared.kernel.errors import Misconfigured, NotSent, Refused

LEAVING_SECONDS: Final = 1.0
LONGEST_LIFE: Final = 300.0
"""Seconds: afterwards the server's name may mean another machine. Postfix keeps a line as long."""
CLOSING: Final = 421
"""The server takes nothing more for now (RFC 5321, 3.8)."""
GO_ON: Final = 354
ACCEPTED: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class LineTerms:
    """How many lines there may be, and how long one is kept."""

    at_once: int = 100
    """Lines, those that are just being closed among them."""
    idle_seconds: float = 10.0
    """So long a line waits for the next mail; 0 keeps none."""
    mails: int = 100
    """So many go over one line."""


class Line:
    """One line, and where its dialogue stands."""

    def __init__(self, smtp: aiosmtplib.SMTP, server: SmtpServer) -> None:
        self.server = server
        self.mails = 0
        self.handed_over = False
        """Has the content of the present mail been sent?"""
        self.opened = self.used = monotonic()
        self._smtp = smtp
        self._awaiting = False
        """A reply is on its way, and would be taken for the next command's."""
        self._begun = False
        """The server holds an envelope."""

    @property
    def open(self) -> bool:
        """As far as is known here: the server may have closed it a moment ago."""
        return self._smtp.is_connected and not self._awaiting

    async def envelope(self, sender: str, recipient: str) -> None:
        """Raises Refused, aiosmtplib's errors."""
        self.handed_over = False
        options, encoding = [], "ascii"
        if not recipient.isascii():
            if self._smtp.is_ehlo_or_helo_needed:
                await self._reply(self._smtp.ehlo())
            if not self._smtp.supports_extension("smtputf8"):
                raise Refused("invalid_address", "the mail server takes no addresses beyond ASCII")
            options, encoding = ["SMTPUTF8"], "utf-8"
        await self._reply(self._smtp.mail(sender, options=options, encoding=encoding, timeout=None))
        self._begun = True
        await self._reply(self._smtp.rcpt(recipient, encoding=encoding, timeout=None))

    async def invitation(self) -> None:
        """Until the server waits for the content. Raises aiosmtplib's errors."""
        await self._reply(_expecting(range(GO_ON, GO_ON + 1), self._smtp.execute_command(b"DATA", timeout=None)))

    async def content(self, content: bytes) -> SMTPResponse:
        """All of it in one write, and the server's last word, which ends the envelope. Raises aiosmtplib's errors.

        aiosmtplib's own `data` does not tell a line that broke before the content from one that broke after it.
        """
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        protocol.write(stuffed + b".\r\n")
        self.mails += 1
        self.handed_over = True
        try:
            return await self._reply(_expecting(ACCEPTED, protocol.read_response()))
        finally:
            self._begun = False

    async def ready(self) -> bool:
        """Would the server take another mail? An envelope that it refused is taken back."""
        if not self.open:
            return False
        if self._begun:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(LEAVING_SECONDS):
                    await self._reply(self._smtp.rset(timeout=None))
                    self._begun = False
        self.used = monotonic()
        return not self._begun

    async def leave(self) -> None:
        """Say good-bye if there is somebody to say it to; what the line was for is decided already."""
        if self.open:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(LEAVING_SECONDS):
                    await self._smtp.quit(timeout=None)
        self._smtp.close()

    async def _reply(self, command: Awaitable[SMTPResponse]) -> SMTPResponse:
        self._awaiting = True
        try:
            reply = await command
        except SMTPResponseException as error:
            self._awaiting = False
            if error.code == CLOSING:
                self._smtp.close()
            raise
        self._awaiting = False
        return reply


class Lines:
    """The lines of one process to its mail server."""

    def __init__(self, terms: LineTerms, timeout_seconds: float) -> None:
        self._terms = terms
        self._timeout = timeout_seconds
        self._places = asyncio.Semaphore(terms.at_once)
        self._idle: list[Line] = []
        """The longest idle first: what is used last is used again, so that those too many are seen to be idle."""
        self._closed = False

    def kept(self, server: SmtpServer) -> Line | None:
        """The line that was used last, if it leads there and is still good."""
        while self._idle and not self._idle[-1].open:
            self._idle.pop()
            self._places.release()
        if self._idle and self._idle[-1].server == server and self._is_good(self._idle[-1]):
            return self._idle.pop()
        return None

    async def opened(self, server: SmtpServer) -> Line:
        """A fresh one: connected, encrypted, logged in. What fails here is no fault of the mail's.

        Raises Misconfigured, NotSent, and what a broken line is.
        """
        while self._places.locked() and self._idle:
            await self._leave(self._idle.pop(0))
        await self._places.acquire()
        smtp = self._smtp(server)
        try:
            await smtp.connect()
        except BaseException as error:
            smtp.close()
            self._places.release()
            if isinstance(error, SMTPAuthenticationError | SMTPNotSupported):
                raise Misconfigured(f"mail server: {type(error).__name__}") from None
            if isinstance(error, SMTPResponseException):
                raise NotSent(f"mail server answers {error.code} to the greeting") from None
            raise
        return Line(smtp, server)

    async def give_back(self, line: Line) -> None:
        """For the next mail, or to be closed."""
        if await line.ready() and line.mails < self._terms.mails and not self._closed and self._is_good(line):
            self._idle.append(line)
        else:
            await self._leave(line)

    async def close_idle(self) -> None:
        """Close what has waited long enough, or was closed by the server."""
        over = [line for line in self._idle if not (line.open and self._is_good(line))]
        self._idle = [line for line in self._idle if line not in over]
        await asyncio.gather(*map(self._leave, over))

    async def close(self) -> None:
        """Keep none from now on."""
        self._closed = True
        over, self._idle = self._idle, []
        await asyncio.gather(*map(self._leave, over))

    def _is_good(self, line: Line) -> bool:
        now = monotonic()
        return now - line.used < self._terms.idle_seconds and now - line.opened < LONGEST_LIFE

    async def _leave(self, line: Line) -> None:
        try:
            await line.leave()
        finally:
            self._places.release()

    def _smtp(self, server: SmtpServer) -> aiosmtplib.SMTP:
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


async def _expecting(codes: range, answer: Awaitable[SMTPResponse]) -> SMTPResponse:
    reply = await answer
    if reply.code not in codes:
        raise SMTPDataError(reply.code, reply.message)
    return reply
