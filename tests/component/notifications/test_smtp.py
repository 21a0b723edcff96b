"""The SMTP adapter against a real server: what each of its answers means for a mail."""

import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifications.adapters.smtp import SmtpMailer, SmtpServer
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.outside.gate import Terms
from tests.component.notifications.mail_servers import MailServer, Moment, mail_server
from tests.component.notifications.mailers import MAIL, Sending
from tests.eventually import eventually


def a_mailer(server: SmtpServer, timeout_seconds: float = 5.0, terms: Terms | None = None) -> SmtpMailer:
    return Sending(server, timeout_seconds=timeout_seconds, terms=terms).mailer


def plain(mailbox: MailServer, timeout_seconds: float = 5.0) -> SmtpMailer:
    return a_mailer(SmtpServer("127.0.0.1", mailbox.port), timeout_seconds)


async def test_a_mail_arrives_as_it_was_written(mailbox: MailServer) -> None:
    assert await plain(mailbox).send(MAIL) == "250 2.0.0 queued as 7"
    [(recipient, mail)] = mailbox.mails
    assert recipient == "ana@example.com"
    assert {name: mail[name] for name in ("Subject", "From", "To", "Message-ID", "X-Template", "X-Reference")} == {
        "Subject": "Sua compra está confirmada",
        "From": "Milesaga <no-reply@milesaga.example>",
        "To": "ana@example.com",
        "Message-ID": "<0123456789abcdef@milesaga.example>",
        "X-Template": "completed",
        "X-Reference": "p-1",
    }
    assert mail["Date"].datetime == MAIL.sent_at
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.words.text
    assert html.get_content().strip() == "<p>Olá</p>"


async def test_a_reply_that_repeats_the_address_is_kept_without_its_words(mailbox: MailServer) -> None:
    mailbox.replies["AFTER_DATA"] = "250 2.0.0 queued for ana@example.com"
    assert await plain(mailbox).send(MAIL) == "250 2.0.0"


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA", "AFTER_DATA"])
async def test_a_permanent_refusal_bounces_and_never_repeats_the_address(mailbox: MailServer, moment: Moment) -> None:
    mailbox.replies[moment] = "550 5.1.1 <ana@example.com> does not live here"
    with pytest.raises(Refused, match="bounced") as refusal:
        await plain(mailbox).send(MAIL)
    assert (refusal.value.code, refusal.value.detail) == ("bounced", "mail server: 550 5.1.1")


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA"])
async def test_a_passing_refusal_is_not_sent(mailbox: MailServer, moment: Moment) -> None:
    mailbox.replies[moment] = "451 4.3.0 try ana@example.com later"
    with pytest.raises(NotSent) as error:
        await plain(mailbox).send(MAIL)
    assert str(error.value) == "mail server: 451 4.3.0"


@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
@pytest.mark.parametrize("silence", ["hang", "hang up"])
async def test_silence_before_the_mail_was_handed_over_is_not_sent(
    mailbox: MailServer, moment: Moment, silence: str
) -> None:
    mailbox.replies[moment] = silence
    with pytest.raises(NotSent):
        await plain(mailbox, timeout_seconds=0.5).send(MAIL)
    assert mailbox.mails == []


@pytest.mark.parametrize("moment", ["DATA", "AFTER_DATA"])
@pytest.mark.parametrize("silence", ["hang", "hang up"])
async def test_silence_after_the_mail_was_handed_over_is_unknown(
    mailbox: MailServer, moment: Moment, silence: str
) -> None:
    mailbox.replies[moment] = silence
    with pytest.raises(OutcomeUnknown):
        await plain(mailbox, timeout_seconds=0.5).send(MAIL)


async def test_nobody_there_is_not_sent() -> None:
    async with mail_server() as gone:
        port = gone.port
    with pytest.raises(NotSent):
        await a_mailer(SmtpServer("127.0.0.1", port)).send(MAIL)


async def test_waiting_for_a_free_line_is_not_sent_and_parked(mailbox: MailServer) -> None:
    terms = Terms(calls_at_once=1, patience=timedelta(seconds=0.1))
    mailer = a_mailer(SmtpServer("127.0.0.1", mailbox.port), terms=terms)
    async with mailer._gate.turn("send"):
        with pytest.raises(NotSent) as parked:
            await mailer.send(MAIL)
    assert parked.value.again_in is not None
    assert mailbox.calls == 0
    assert await mailer.send(MAIL) == "250 2.0.0 queued as 7"


@pytest.mark.parametrize("reply", ["hang up", "421 4.3.2 closing"])
@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
async def test_a_server_that_does_not_answer_is_left_alone_and_then_probed(
    mailbox: MailServer, reply: str, moment: Moment
) -> None:
    terms = Terms(failures=2, pause=timedelta(seconds=0.3))
    mailer = a_mailer(SmtpServer("127.0.0.1", mailbox.port), terms=terms)
    mailbox.replies[moment] = reply
    for _ in range(2):
        with pytest.raises(NotSent) as failed:
            await mailer.send(MAIL)
        assert failed.value.again_in is None
    asked = mailbox.calls
    with pytest.raises(NotSent) as parked:
        await mailer.send(MAIL)
    assert parked.value.again_in is not None
    assert mailbox.calls == asked
    del mailbox.replies[moment]

    async def delivered() -> bool:
        try:
            return bool(await mailer.send(MAIL))
        except NotSent:
            return False

    await eventually(delivered)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("reply", ["450 4.2.1 later", "550 5.1.1 nobody"])
async def test_a_server_that_refuses_mails_answers_and_is_not_left_alone(mailbox: MailServer, reply: str) -> None:
    mailer = a_mailer(SmtpServer("127.0.0.1", mailbox.port), terms=Terms(failures=2))
    mailbox.replies["RCPT"] = reply
    for _ in range(6):
        with pytest.raises((NotSent, Refused)):
            await mailer.send(MAIL)
    assert mailbox.calls == 6


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@example.com\r\nBcc: eve@example.com",
        "ana@example.com, eve@example.com",
        "<ana@example.com>",
        "ana @example.com",
        "ana@exa..mple.com",
        "a" * 65 + "@example.com",
    ],
)
async def test_what_is_no_address_is_refused_without_a_call(mailbox: MailServer, address: str) -> None:
    with pytest.raises(Refused, match="invalid_address") as refusal:
        await plain(mailbox).send(replace(MAIL, to=address))
    assert mailbox.calls == 0
    assert "example" not in refusal.value.detail


async def test_an_address_beyond_ascii_is_written_to_where_the_server_can(mailbox: MailServer) -> None:
    await plain(mailbox).send(replace(MAIL, to="joão@münchen.example"))
    [(recipient, mail)] = mailbox.mails
    assert recipient == "joão@xn--mnchen-3ya.example"
    assert mail["Message-ID"] == "<0123456789abcdef@milesaga.example>"


async def test_a_subject_with_lines_of_its_own_is_never_sent(mailbox: MailServer) -> None:
    words = replace(MAIL.words, subject="hello\r\nBcc: eve@example.com")
    with pytest.raises(ValueError, match="linefeed"):
        await plain(mailbox).send(replace(MAIL, words=words))
    assert mailbox.calls == 0


async def test_encrypted_from_the_first_byte(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with mail_server(tls=server_tls) as mailbox:
        server = SmtpServer.of(f"smtps://127.0.0.1:{mailbox.port}", certificate)
        await a_mailer(server).send(MAIL)
        assert len(mailbox.mails) == 1


async def test_encrypted_by_starttls_with_log_in(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with mail_server(starttls=server_tls, wants_login=True) as mailbox:
        server = SmtpServer.of(f"smtp+starttls://us%40er:p%40ss%3Aword@127.0.0.1:{mailbox.port}", certificate)
        await a_mailer(server).send(MAIL)
        assert mailbox.logins == [(b"us@er", b"p@ss:word")]
        assert len(mailbox.mails) == 1


async def test_a_certificate_nobody_vouches_for_is_not_believed(server_tls: ssl.SSLContext) -> None:
    async with mail_server(tls=server_tls) as mailbox:
        with pytest.raises(NotSent):
            await a_mailer(SmtpServer.of(f"smtps://127.0.0.1:{mailbox.port}")).send(MAIL)
        assert mailbox.mails == []


async def test_a_wrong_password_is_our_configuration(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with mail_server(starttls=server_tls, wants_login=True) as mailbox:
        server = SmtpServer.of(f"smtp+starttls://user:wrong@127.0.0.1:{mailbox.port}", certificate)
        with pytest.raises(Misconfigured):
            await a_mailer(server).send(MAIL)


async def test_a_server_that_wants_a_log_in_we_do_not_have_is_our_configuration(mailbox: MailServer) -> None:
    mailbox.replies["MAIL"] = "530 5.7.0 Authentication required"
    with pytest.raises(Misconfigured):
        await plain(mailbox).send(MAIL)


async def test_starttls_that_is_not_offered_is_never_done_without(mailbox: MailServer) -> None:
    with pytest.raises(NotSent):
        await a_mailer(SmtpServer.of(f"smtp+starttls://127.0.0.1:{mailbox.port}")).send(MAIL)
    assert mailbox.mails == []


def test_a_password_does_not_show() -> None:
    assert "secret" not in repr(SmtpServer.of("smtps://user:secret@mail.example"))
