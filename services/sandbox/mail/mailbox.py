"""A mailbox provider: takes mail over SMTP, keeps each one as a file, and drops what it has seen before."""

import asyncio
import os
import sqlite3
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import APIRouter, Request, Response

from services.sandbox.faults import Faults, Rule
from services.sandbox.memory import Memory
from services.sandbox.problems import ProblemError, as_json
from services.sandbox.transports import transport

ACCEPTED = "250 2.0.0 OK"
REFUSED, BROKEN = "550 5.7.1 Message refused", "451 4.3.0 Local error in processing"
LARGEST_MAIL = 10 * 1024 * 1024


class Mailbox:
    """An SMTP server; `port` is known once it listens."""

    def __init__(self, memory: Memory, faults: Faults, folder: Path, now: Callable[[], datetime]) -> None:
        self._memory, self._faults, self.folder, self._now = memory, faults, folder, now
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Transport] = set()
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="sandbox", ident="sandbox", loop=loop, data_size_limit=LARGEST_MAIL),
            host,
            port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for line in list(self._lines):
                line.abort()
            await server.wait_closed()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Keep the line, to be able to hang up."""
        session.host_name = hostname
        self._lines = {line for line in self._lines if not line.is_closing()} | {_line(server)}
        return responses

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """The mail is on disk before it is accepted."""
        rule = await self._faults.fire("mail", "send")
        match rule.mode if rule is not None else None:
            case "refuse":
                return _reply(rule, REFUSED)
            case "error":
                return _reply(rule, BROKEN)
            case "timeout_before" if rule is not None:
                return await _hang_up(server, rule.seconds)
            case "timeout_after" if rule is not None:
                await self._keep(envelope)
                return await _hang_up(server, rule.seconds)
            case "slow" if rule is not None:
                await self._keep(envelope)
                await asyncio.sleep(rule.seconds)
                return ACCEPTED
        await self._keep(envelope)
        return ACCEPTED

    async def _keep(self, envelope: Envelope) -> None:
        content = bytes(envelope.original_content or b"")
        mail = _fields(content)
        id_ = uuid.uuid4().hex
        file = self.folder / f"{id_}.eml"
        message_id = _header(mail, "Message-ID") or id_
        recipients = list(dict.fromkeys(envelope.rcpt_tos))
        await asyncio.to_thread(_write, file, content)
        row = (
            id_,
            message_id,
            envelope.mail_from or "",
            _header(mail, "Subject") or "",
            _header(mail, "X-Template"),
            _header(mail, "X-Reference"),
            str(file),
            self._now().astimezone(UTC).isoformat(),
        )
        if not await self._memory.run(lambda connection: _enter(connection, row, recipients)):
            await asyncio.to_thread(file.unlink, missing_ok=True)  # a copy was here before


def router(memory: Memory) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/mail", tags=["mail"])

    @routes.get("/messages")
    async def list_messages(request: Request) -> Response:
        reference = request.query_params.get("reference")
        return as_json({"messages": await memory.run(lambda connection: _listed(connection, reference))})

    @routes.get("/messages/{id_}")
    async def raw_message(request: Request, id_: str) -> Response:
        file = await memory.run(lambda connection: _file_of(connection, id_))
        if file is None:
            return ProblemError(404, "not_found", f"there is no mail {id_}").response(request.url.path)
        return Response(await asyncio.to_thread(Path(file).read_bytes), media_type="message/rfc822")

    return routes


def _fields(content: bytes) -> Message:
    """The header: of the body nobody asks more than its bytes."""
    header, end, _ = content.partition(b"\r\n\r\n")
    return BytesHeaderParser().parsebytes(header + end)


def _header(mail: Message, name: str) -> str | None:
    """A field's text, unfolded and decoded."""
    value = mail[name]
    if value is None:
        return None
    text = "".join(str(value).splitlines())
    return str(make_header(decode_header(text))).strip() if "=?" in text else text.strip()


def _reply(rule: Rule | None, usual: str) -> str:
    status = rule.http_status if rule is not None else None
    return usual if status is None else f"{status} Refused"


def _line(server: SMTP) -> asyncio.Transport:
    line = transport(server.transport)
    if line is None:
        raise TypeError("the SMTP line is closed")
    return line


async def _hang_up(server: SMTP, seconds: float) -> str:
    await asyncio.sleep(seconds)
    _line(server).abort()
    return ACCEPTED  # written to a closed line


def _write(file: Path, content: bytes) -> None:
    """Durable: the file's content, then its name."""
    with file.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _enter(connection: sqlite3.Connection, row: tuple[str | None, ...], recipients: list[str]) -> bool:
    """One row per recipient who has not had this message; False when all have."""
    id_, message_id = row[0], row[1]
    fresh = connection.executemany(
        "INSERT OR IGNORE INTO mail_recipients (message_id, recipient, mail) VALUES (?, ?, ?)",
        [(message_id, recipient, id_) for recipient in recipients],
    ).rowcount
    if fresh:
        connection.execute(
            "INSERT INTO mails (id, message_id, sender, subject, template, reference, file, received_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    return fresh > 0


def _listed(connection: sqlite3.Connection, reference: str | None) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT id, message_id, sender, subject, template, reference, file, received_at FROM mails"
        " WHERE ? IS NULL OR reference = ? ORDER BY position",
        (reference, reference),
    ).fetchall()
    names = ("id", "message_id", "from", "subject", "template", "reference", "file", "received_at")
    return [dict(zip(names, row, strict=True)) | {"to": _recipients(connection, str(row[0]))} for row in rows]


def _recipients(connection: sqlite3.Connection, mail: str) -> list[str]:
    rows = connection.execute("SELECT recipient FROM mail_recipients WHERE mail = ? ORDER BY recipient", (mail,))
    return [recipient for (recipient,) in rows]


def _file_of(connection: sqlite3.Connection, id_: str) -> str | None:
    row = connection.execute("SELECT file FROM mails WHERE id = ?", (id_,)).fetchone()
    return None if row is None else str(row[0])
