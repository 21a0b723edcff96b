"""The command to tell a customer, through the handler and the store, to a real mail server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.notifications.app import compose
from services.notifications.settings import NotificationsSettings, SmtpSettings
from shared.contracts.notifications import CustomerNotified
from shared.contracts.steps import StepRefused
from shared.kernel.errors import Later, Misconfigured
from shared.runtime.settings import Settings, WrongSettings, read
from shared.store.documents import CollectionSpec
from tests.component.notifications.mail_servers import MailServer
from tests.component.notifications.purchases import completed
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.desk import Desk, an_envelope, opened
from tests.kit.runtime import TestRuntime


@asynccontextmanager
async def a_desk(home: Path, clock: HandClock, mailbox: MailServer) -> AsyncIterator[Desk]:
    runtime = TestRuntime(home, clock, smtp_port=mailbox.port)
    service = compose(runtime)
    async with opened(service):
        yield Desk(runtime, service)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(autouse=True)
def _a_server_never_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The breaker counts seconds of its own, which the clock by hand does not move."""
    monkeypatch.setenv("NOTIFICATIONS_SMTP_BREAKER_FAILURES", "1000")


@pytest.fixture
async def desk(tmp_path: Path, clock: HandClock, mailbox: MailServer) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path, clock, mailbox) as desk:
        yield desk


async def stored_notice(desk: Desk) -> dict[str, Any]:
    store = desk.runtime.store("notifications")
    notices = store.collection(CollectionSpec("notices"))
    await store.open()
    try:
        found = await notices.get("p-1")
    finally:
        await store.close()
    assert found is not None
    return found.body


def delivery_of(notice: dict[str, Any]) -> dict[str, Any]:
    [delivery] = notice["deliveries"].values()
    assert isinstance(delivery, dict)
    return delivery


async def test_a_customer_is_told_once_however_often_it_is_asked(desk: Desk, mailbox: MailServer) -> None:
    first = await desk.tell(completed())
    assert isinstance(first, CustomerNotified)
    assert await desk.tell(completed()) == first
    other_step = await desk.tell(completed(step="tell again", attempt=2))
    assert isinstance(other_step, CustomerNotified)
    assert other_step.message_id == first.message_id
    [(recipient, mail)] = mailbox.mails
    assert recipient == "ana@example.com"
    assert mail["Message-ID"] == f"<{first.message_id}>"
    assert (mail["X-Template"], mail["X-Reference"]) == ("completed", "p-1")


async def test_who_wants_no_answer_gets_none_and_the_mail_is_sent_once(desk: Desk, mailbox: MailServer) -> None:
    command = completed(answer_wanted=False)
    for _ in range(3):
        await desk.service.table[type(command)](command, an_envelope(command))
    assert desk.runtime.recorder.said == []
    assert delivery_of(await stored_notice(desk))["status"] == "sent"
    assert len(mailbox.mails) == 1


async def test_a_refused_address_is_on_record_though_nobody_is_told(desk: Desk, mailbox: MailServer) -> None:
    mailbox.replies["RCPT"] = "550 5.1.1 nobody of this name"
    command = completed(answer_wanted=False)
    for _ in range(2):
        await desk.service.table[type(command)](command, an_envelope(command))
    assert desk.runtime.recorder.said == []
    assert delivery_of(await stored_notice(desk))["status"] == "bounced"
    assert mailbox.calls == 1


async def test_each_template_is_a_mail_of_its_own(desk: Desk, mailbox: MailServer) -> None:
    await desk.tell(completed(template="needs_attention", part="needs_attention"))
    await desk.tell(completed())
    assert [mail["X-Template"] for _, mail in mailbox.mails] == ["needs_attention", "completed"]
    assert len({mail["Message-ID"] for _, mail in mailbox.mails}) == 2


async def test_the_locale_chooses_the_language(desk: Desk, mailbox: MailServer) -> None:
    await desk.tell(completed(locale="en-US"))
    assert mailbox.mails[0][1]["Subject"] == "Your purchase is confirmed · ABC123, XKJHYT0099811"


async def test_what_is_kept_names_the_message_and_nobody(desk: Desk) -> None:
    await desk.tell(completed())
    notice = await stored_notice(desk)
    delivery = delivery_of(notice)
    kept = (delivery["status"], delivery["provider_reply"], delivery["template"])
    assert kept == ("sent", "250 2.0.0 queued as 7", "completed")
    text = json.dumps(notice)
    assert not [word for word in ("ana@", "example.com", "Souza", "1271234567890", "4242") if word in text]


async def test_a_refused_address_ends_as_bounced_and_gets_nothing_more(desk: Desk, mailbox: MailServer) -> None:
    mailbox.replies["RCPT"] = "550 5.1.1 <ana@example.com> unknown"
    answer = await desk.tell(completed())
    assert isinstance(answer, StepRefused)
    assert (answer.code, answer.detail) == ("bounced", "mail server: 550 5.1.1")
    assert delivery_of(await stored_notice(desk))["status"] == "bounced"
    assert await desk.tell(completed()) == answer
    mailbox.replies.clear()
    later = await desk.tell(completed(template="cancelled", part="cancelled"))
    assert isinstance(later, StepRefused)
    assert later.code == "bounced"
    assert mailbox.calls == 1
    assert mailbox.mails == []


async def test_what_is_no_address_is_refused_at_once(desk: Desk, mailbox: MailServer) -> None:
    answer = await desk.tell(completed(email="ana@example.com\nBcc: eve@example.com"))
    assert isinstance(answer, StepRefused)
    assert answer.code == "invalid_address"
    assert mailbox.calls == 0


async def test_a_busy_server_is_tried_again_without_limit(desk: Desk, mailbox: MailServer, clock: HandClock) -> None:
    mailbox.replies["RCPT"] = "451 4.3.0 busy"
    for _ in range(50):
        with pytest.raises(Later):
            await desk.tell(completed())
        clock.pass_by(minutes=20)
    mailbox.replies.clear()
    assert isinstance(await desk.tell(completed()), CustomerNotified)
    assert len(mailbox.mails) == 1


async def test_an_unknown_outcome_is_sent_again_under_the_same_message_id(
    desk: Desk, mailbox: MailServer, clock: HandClock
) -> None:
    mailbox.replies["AFTER_DATA"] = "hang up"
    for _ in range(20):
        with pytest.raises(Later):
            await desk.tell(completed())
        clock.pass_by(minutes=5)
    mailbox.replies.clear()
    assert isinstance(await desk.tell(completed()), CustomerNotified)
    assert len(mailbox.mails) == 21
    assert len({mail["Message-ID"] for _, mail in mailbox.mails}) == 1


async def test_a_copy_of_the_command_waits_while_the_mail_is_under_way(
    desk: Desk, mailbox: MailServer, clock: HandClock, tmp_path: Path
) -> None:
    mailbox.replies["RCPT"] = "hang"
    async with a_desk(tmp_path, clock, mailbox) as other:
        first = asyncio.ensure_future(desk.tell(completed()))
        await eventually(lambda: mailbox.calls == 1)
        with pytest.raises(Later, match="under way"):
            await other.tell(completed())
        first.cancel()  # as a crash would
        await asyncio.wait([first])
        mailbox.replies.clear()
        clock.pass_by(seconds=60)
        assert isinstance(await other.tell(completed()), CustomerNotified)
        assert len(mailbox.mails) == 1


async def test_a_mail_server_that_wants_a_log_in_is_a_fault(desk: Desk, mailbox: MailServer) -> None:
    mailbox.replies["MAIL"] = "530 5.7.0 Authentication required"
    with pytest.raises(Misconfigured):
        await desk.tell(completed())


def test_without_sandbox_the_mail_server_must_be_named(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(WrongSettings, match="NOTIFICATIONS_SMTP_URL"):
        compose(TestRuntime(tmp_path, clock, sandbox=False))


@pytest.mark.parametrize(
    ("name", "value", "settings"),
    [
        ("NOTIFICATIONS_SMTP_URL", "http://mail.example", SmtpSettings),
        ("NOTIFICATIONS_SMTP_URL", "smtp://user:secret@mail.example:25", SmtpSettings),
        ("NOTIFICATIONS_SENDER", "nobody", NotificationsSettings),
        ("MAIL_FROM", "nobody", NotificationsSettings),
        ("NOTIFICATIONS_SMTP_TIMEOUT_SECONDS", "0", SmtpSettings),
    ],
)
def test_a_wrong_setting_is_named_and_keeps_its_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, settings: type[Settings]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=name) as error:
        read(settings)
    assert "secret" not in str(error.value)
