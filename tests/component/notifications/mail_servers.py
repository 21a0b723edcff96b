"""A real SMTP server that a test can make refuse, hang, or hang up, at any moment of the dialogue."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Moment = Literal["MAIL", "RCPT", "DATA", "AFTER_DATA"]


@dataclass
class MailServer:
    """`replies` says what to answer at a moment: a reply, `hang` (say nothing), or `hang up`."""

    replies: dict[Moment, str] = field(default_factory=dict)
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    calls: int = 0
    port: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.calls += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._reply(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._reply(server, "RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        reply = await self._reply(server, "DATA", "")
        if reply:
            return reply
        mail = message_from_bytes(bytes(envelope.original_content or b""), policy=policy.default)
        self.mails += [(recipient, mail) for recipient in envelope.rcpt_tos]
        return await self._reply(server, "AFTER_DATA", "250 2.0.0 queued as 7")

    async def _reply(self, server: SMTP, moment: Moment, usual: str) -> str:
        reply = self.replies.get(moment, usual)
        if reply == "hang":
            await self.never.wait()
        if reply == "hang up":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return reply

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"p@ss:word", handled=False)


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, wants_login: bool = False
) -> AsyncIterator[MailServer]:
    """A server on a free port of the loopback address."""
    found = MailServer()

    def line() -> SMTP:
        return SMTP(
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

    server = await asyncio.get_running_loop().create_server(line, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    found.never.set()
    server.close()
    await server.wait_closed()
