"""The mailbox as one of the providers."""

import asyncio
import sqlite3
from pathlib import Path

from services.sandbox.mail.mailbox import Mailbox, router
from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings, rows

SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, message_id TEXT NOT NULL, sender TEXT NOT NULL,
    subject TEXT NOT NULL, template TEXT, reference TEXT, file TEXT NOT NULL, received_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS mails_by_reference ON mails (reference);
CREATE TABLE IF NOT EXISTS mail_recipients (
    message_id TEXT NOT NULL, recipient TEXT NOT NULL, mail TEXT NOT NULL, PRIMARY KEY (message_id, recipient));
"""


class MailStandIn(StandIn):
    def __init__(self, around: Surroundings) -> None:
        self._listen_at = around.settings.host, around.settings.smtp_port
        self._mailbox = Mailbox(around.memory, around.faults, around.settings.folder / "mail", around.now)
        self.routers = (router(around.memory),)

    async def start(self) -> None:
        await self._mailbox.open(*self._listen_at)
        self.port = self._mailbox.port

    async def stop(self) -> None:
        await self._mailbox.close()

    def believes(self, connection: sqlite3.Connection) -> Beliefs:
        messages = connection.execute(
            "SELECT recipient, template, reference FROM mail_recipients JOIN mails ON mails.id = mail_recipients.mail"
            " ORDER BY position, recipient"
        )
        return {"messages": [{"channel": "email"} | row for row in rows(messages, "to", "template", "reference")]}

    async def forget(self) -> None:
        await asyncio.to_thread(_burn, self._mailbox.folder)


def _burn(folder: Path) -> None:
    for mail in folder.glob("*.eml"):
        mail.unlink(missing_ok=True)


MAIL = Provider(
    name="mail",
    open=MailStandIn,
    operations=frozenset({"send"}),
    schema=SCHEMA,
    emptied=("mails", "mail_recipients"),
)
