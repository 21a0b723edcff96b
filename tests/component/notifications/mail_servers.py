"""A real SMTP server that a test can make refuse, hang, or hang up, at any moment of the dialogue."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Moment = Literal["MAIL", "RCPT", "INVITATION", "DATA", "AFTER_DATA", "RSET"]
"""`INVITATION` is when the client has asked whether it may send the content, `DATA` when it has."""


@dataclass
class MailServer:
    """`replies` says what to answer at a moment: a reply, `hang` (say nothing), or `hang up`. They hold on every line,
    or on the one that was `only_line` to be opened, from 1 on. `most_mails` go over a line; the next one is refused.
    """

    replies: dict[Moment, str] = field(default_factory=dict)
    only_line: int | None = None
    most_mails: int | None = None
    refusal: str = "421 4.7.0 too many mails on this line"
    lines: int = 0
    """Opened so far."""
    open: set["ServerLine"] = field(default_factory=set)
    most_open: int = 0
    commands: list[tuple[int, str]] = field(default_factory=list)
    """What came over which line: RSET and QUIT."""
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    calls: int = 0
    port: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.calls += 1
        assert isinstance(server, ServerLine)
        if self.most_mails is not None and server.mails >= self.most_mails:
            return self.refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.reply(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self.reply(server, "RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        reply = await self.reply(server, "DATA", "")
        if reply:
            return reply
        mail = message_from_bytes(bytes(envelope.original_content or b""), policy=policy.default)
        self.mails += [(recipient, mail) for recipient in envelope.rcpt_tos]
        assert isinstance(server, ServerLine)
        server.mails += 1
        return await self.reply(server, "AFTER_DATA", "250 2.0.0 queued as 7")

    async def handle_RSET(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        assert isinstance(server, ServerLine)
        self.commands.append((server.number, "RSET"))
        return await self.reply(server, "RSET", "250 OK")

    async def handle_QUIT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        assert isinstance(server, ServerLine)
        self.commands.append((server.number, "QUIT"))
        return "221 Bye"

    async def reply(self, server: SMTP, moment: Moment, usual: str) -> str:
        assert isinstance(server, ServerLine)
        here = self.only_line in (None, server.number)
        reply = self.replies.get(moment, usual) if here else usual
        if reply == "hang":
            await self.never.wait()
        if reply == "hang up":
            server.hang_up()
        return reply

    def hang_up(self) -> None:
        """On every line."""
        for line in list(self.open):
            line.hang_up()

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"p@ss:word", handled=False)


class ServerLine(SMTP):
    """One line, as the server has it."""

    def __init__(self, server: MailServer, **settings: Any) -> None:
        super().__init__(server, **settings)
        self.mails = 0
        self._server = server
        server.lines += 1
        self.number = server.lines

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.open.add(self)
        self._server.most_open = max(self._server.most_open, len(self._server.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()  # uvloop's are no subclass

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        reply = await self._server.reply(self, "INVITATION", "")
        if reply:
            await self.push(reply)
        else:
            await super().smtp_DATA(arg)


@asynccontextmanager
async def mail_server(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    wants_login: bool = False,
    port: int = 0,
) -> AsyncIterator[MailServer]:
    """A server on the loopback address; on a free port where none is given."""
    found = MailServer()

    def line() -> SMTP:
        return ServerLine(
            found,
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=found.authenticate if wants_login else None,
            auth_required=wants_login,
            auth_require_tls=wants_login,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(line, "127.0.0.1", port, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    found.never.set()
    server.close()
    found.hang_up()
    await server.wait_closed()
