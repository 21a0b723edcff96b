import asyncio
import os
import shutil
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from tests.kit.world import Json, World


def mail(message_id: str = "<1@milesaga>", to: str = "ana@example.com", reference: str = "checkout-1") -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = message_id
    message["From"] = "tickets@milesaga.example"
    message["To"] = to
    message["Subject"] = "Sua viagem está confirmada"
    message["X-Template"] = "checkout_completed"
    message["X-Reference"] = reference
    message.set_content("Bilhete 0471234567890, São Paulo a Lisboa.")
    return message


async def send(world: World, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname="127.0.0.1", port=world.sandbox.smtp_port, start_tls=False, timeout=10)


async def messages(world: World) -> list[Json]:
    found: list[Json] = (await world.get("/sandbox/mail/messages"))["messages"]
    return found


async def test_a_mail_lies_on_disk_and_stands_in_the_books(world: World) -> None:
    await send(world, mail())
    (kept,) = await messages(world)
    assert (kept["from"], kept["to"], kept["subject"]) == (
        "tickets@milesaga.example",
        ["ana@example.com"],
        "Sua viagem está confirmada",
    )
    assert (kept["template"], kept["reference"], kept["message_id"]) == (
        "checkout_completed",
        "checkout-1",
        "<1@milesaga>",
    )
    file = Path(kept["file"])
    assert file.parent == world.home / "sandbox" / "mail"
    raw = await world.http.get(f"/sandbox/mail/messages/{kept['id']}")
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.content == await asyncio.to_thread(file.read_bytes)
    assert b"X-Template: checkout_completed" in raw.content
    assert (await world.books())["messages"] == [
        {"channel": "email", "to": "ana@example.com", "template": "checkout_completed", "reference": "checkout-1"}
    ]


async def test_every_recipient_is_a_message(world: World) -> None:
    await send(world, mail(to="ana@example.com, bia@example.com"))
    (kept,) = await messages(world)
    assert kept["to"] == ["ana@example.com", "bia@example.com"]
    assert [each["to"] for each in (await world.books())["messages"]] == ["ana@example.com", "bia@example.com"]


async def test_the_same_message_again_is_accepted_and_dropped(world: World) -> None:
    await send(world, mail())
    await send(world, mail())
    await asyncio.gather(*(send(world, mail("<2@milesaga>")) for _ in range(5)))
    assert sorted(each["message_id"] for each in await messages(world)) == ["<1@milesaga>", "<2@milesaga>"]
    assert len(await asyncio.to_thread(os.listdir, world.home / "sandbox" / "mail")) == 2


async def test_the_same_message_reaches_a_recipient_who_has_not_had_it(world: World) -> None:
    await send(world, mail())
    await send(world, mail(to="ana@example.com, bia@example.com"))
    assert [each["to"] for each in (await world.books())["messages"]] == ["ana@example.com", "bia@example.com"]


async def test_mails_are_found_by_reference(world: World) -> None:
    await send(world, mail("<1@milesaga>"))
    await send(world, mail("<2@milesaga>", reference="checkout-2"))
    found = await world.get("/sandbox/mail/messages", reference="checkout-2")
    assert [each["message_id"] for each in found["messages"]] == ["<2@milesaga>"]


async def test_an_unknown_mail_is_a_404(world: World) -> None:
    assert (await world.http.get("/sandbox/mail/messages/none")).status_code == 404


async def test_mails_survive_a_restart(world: World) -> None:
    await send(world, mail())
    before = await messages(world)
    await world.restart()
    assert await messages(world) == before
    await send(world, mail())
    assert await messages(world) == before


@pytest.mark.parametrize(
    ("mode", "code", "reply"), [("refuse", None, 550), ("refuse", "552", 552), ("error", None, 451)]
)
async def test_a_refused_mail_is_not_kept(world: World, mode: str, code: str | None, reply: int) -> None:
    await world.fault({"provider": "mail", "operation": "send", "mode": mode, "code": code, "times": 1})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(world, mail())
    assert refused.value.code == reply
    assert await messages(world) == []
    await send(world, mail())
    assert len(await messages(world)) == 1


@pytest.mark.parametrize(("mode", "kept"), [("timeout_before", 0), ("timeout_after", 1)])
async def test_a_cut_line_leaves_the_sender_in_the_dark(world: World, mode: str, kept: int) -> None:
    await world.fault({"provider": "mail", "operation": "*", "mode": mode, "seconds": 0.2, "times": 1})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(world, mail())
    assert len(await messages(world)) == kept
    await send(world, mail())
    assert len(await messages(world)) == 1


async def test_a_slow_mailbox_accepts_late(world: World) -> None:
    await world.fault({"provider": "mail", "operation": "send", "mode": "slow", "seconds": 0.3})
    started = asyncio.get_running_loop().time()
    await send(world, mail())
    assert asyncio.get_running_loop().time() - started >= 0.3
    assert len(await messages(world)) == 1


async def test_stopping_does_not_wait_for_open_lines(world: World) -> None:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=world.sandbox.smtp_port, start_tls=False)
    await client.connect()
    await client.ehlo()
    async with asyncio.timeout(5):
        await world.stop()
    client.close()


async def test_mail_is_taken_where_http_is(tmp_path: Path, fresh_home: Path) -> None:
    """In a container that is every address: who sends is in another one."""
    home = await asyncio.to_thread(shutil.copytree, fresh_home, tmp_path / "home")
    sandbox = Sandbox(SandboxSettings(enabled=True, home=home, environment="test", host="127.0.0.2"))
    await sandbox.start()
    try:
        await aiosmtplib.send(mail(), hostname="127.0.0.2", port=sandbox.smtp_port, start_tls=False, timeout=10)
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await aiosmtplib.send(mail(), hostname="127.0.0.1", port=sandbox.smtp_port, start_tls=False, timeout=10)
    finally:
        await sandbox.stop()
