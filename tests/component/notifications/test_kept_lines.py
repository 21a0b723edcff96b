"""Lines that are kept: what a mail may expect of one, on every event loop that services run on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifications.adapters.smtp import LineTerms, SmtpServer
from shared.kernel.errors import NotSent, OutcomeUnknown, Refused
from shared.outside.gate import Terms
from tests.component.notifications.mail_servers import MailServer, Moment, mail_server
from tests.component.notifications.mailers import Sending, mail_number
from tests.eventually import eventually
from tests.faults import FaultProxy

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

ACCEPTED = "250 2.0.0 queued as 7"


def to(mailbox: MailServer) -> SmtpServer:
    return SmtpServer("127.0.0.1", mailbox.port)


@pytest.fixture
async def sending(mailbox: MailServer) -> AsyncIterator[Sending]:
    sending = Sending(to(mailbox))
    yield sending
    await sending.lines.close()


def arrived(mailbox: MailServer) -> list[str]:
    return [str(mail["Message-ID"]) for _, mail in mailbox.mails]


async def a_kept_line(sending: Sending) -> None:
    """The first mail opens it."""
    assert await sending.send(mail_number(1)) == ACCEPTED


async def test_one_mail_follows_the_other_on_a_line(sending: Sending, mailbox: MailServer) -> None:
    for number in range(1, 6):
        assert await sending.send(mail_number(number)) == ACCEPTED
    assert arrived(mailbox) == [f"<{number}@milesaga.example>" for number in range(1, 6)]
    assert mailbox.lines == 1


async def test_a_kept_line_is_encrypted_and_logged_in_once(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with mail_server(starttls=server_tls, wants_login=True) as mailbox:
        url = f"smtp+starttls://us%40er:p%40ss%3Aword@127.0.0.1:{mailbox.port}"
        sending = Sending(SmtpServer.of(url, certificate))
        for number in range(1, 4):
            await sending.send(mail_number(number))
        assert (len(mailbox.mails), mailbox.lines, len(mailbox.logins)) == (3, 1, 1)
        mailbox.hang_up()
        await eventually(lambda: not mailbox.open)
        await sending.send(mail_number(4))
        assert (len(mailbox.mails), mailbox.lines, len(mailbox.logins)) == (4, 2, 2)
        await sending.lines.close()


async def test_a_line_encrypted_from_the_first_byte_is_kept(server_tls: ssl.SSLContext, certificate: Path) -> None:
    async with mail_server(tls=server_tls) as mailbox:
        sending = Sending(SmtpServer.of(f"smtps://127.0.0.1:{mailbox.port}", certificate))
        for number in range(1, 4):
            await sending.send(mail_number(number))
        assert (len(mailbox.mails), mailbox.lines) == (3, 1)
        await sending.lines.close()
        await eventually(lambda: not mailbox.open)


async def test_a_line_that_the_server_closed_meanwhile_is_noticed(sending: Sending, mailbox: MailServer) -> None:
    await a_kept_line(sending)
    mailbox.hang_up()
    await eventually(lambda: not mailbox.open)
    assert await sending.send(mail_number(2)) == ACCEPTED
    assert arrived(mailbox) == ["<1@milesaga.example>", "<2@milesaga.example>"]
    assert mailbox.lines == 2


BEFORE_THE_CONTENT: list[Moment] = ["MAIL", "RCPT", "INVITATION"]
STALE = ["hang", "hang up", "421 4.3.2 closing"]


@pytest.mark.parametrize("moment", BEFORE_THE_CONTENT)
@pytest.mark.parametrize("reply", STALE)
async def test_what_a_stale_line_does_not_take_over_goes_over_a_fresh_one_at_once(
    mailbox: MailServer, moment: Moment, reply: str
) -> None:
    sending = Sending(to(mailbox), timeout_seconds=4.0)
    await a_kept_line(sending)
    mailbox.replies[moment], mailbox.only_line = reply, 1
    assert await sending.send(mail_number(2)) == ACCEPTED
    assert await sending.send(mail_number(3)) == ACCEPTED
    assert arrived(mailbox) == [f"<{number}@milesaga.example>" for number in (1, 2, 3)]
    assert mailbox.lines == 2
    await sending.lines.close()


@pytest.mark.parametrize("moment", BEFORE_THE_CONTENT)
@pytest.mark.parametrize("reply", STALE)
async def test_what_a_fresh_line_does_not_take_over_either_is_not_sent(
    mailbox: MailServer, moment: Moment, reply: str
) -> None:
    sending = Sending(to(mailbox), timeout_seconds=2.0)
    await a_kept_line(sending)
    mailbox.replies[moment] = reply
    with pytest.raises(NotSent):
        await sending.send(mail_number(2))
    assert arrived(mailbox) == ["<1@milesaga.example>"]
    assert mailbox.lines == 2


@pytest.mark.parametrize("silence", ["hang", "hang up"])
@pytest.mark.parametrize(("moment", "taken"), [("DATA", 1), ("AFTER_DATA", 2)])
async def test_a_kept_line_that_breaks_after_the_content_leaves_open_what_became_of_it(
    mailbox: MailServer, moment: Moment, taken: int, silence: str
) -> None:
    """It is nobody's business to send it again at once: whoever asked does, under the same `Message-ID`."""
    sending = Sending(to(mailbox), timeout_seconds=2.0)
    await a_kept_line(sending)
    mailbox.replies[moment] = silence
    with pytest.raises(OutcomeUnknown):
        await sending.send(mail_number(2))
    assert (len(mailbox.mails), mailbox.lines) == (taken, 1)
    mailbox.replies.clear()
    assert await sending.send(mail_number(2)) == ACCEPTED
    assert mailbox.lines == 2
    await sending.lines.close()


async def test_a_word_nobody_understands_after_the_content_leaves_open_what_became_of_it(
    sending: Sending, mailbox: MailServer
) -> None:
    mailbox.replies["AFTER_DATA"] = "xyz"
    with pytest.raises(OutcomeUnknown):
        await sending.send(mail_number(1))


@pytest.mark.parametrize("refusal", ["421 4.7.0 enough", "451 4.7.0 too many mails", "550 5.7.0 too many mails"])
async def test_a_server_that_takes_so_many_mails_on_a_line_gets_the_next_on_another(
    sending: Sending, mailbox: MailServer, refusal: str
) -> None:
    mailbox.most_mails, mailbox.refusal = 2, refusal
    for number in range(1, 6):
        assert await sending.send(mail_number(number)) == ACCEPTED
    assert (len(mailbox.mails), mailbox.lines) == (5, 3)


async def test_no_more_mails_go_over_a_line_than_it_is_set_to_carry(mailbox: MailServer) -> None:
    sending = Sending(to(mailbox), kept=LineTerms(mails=2))
    for number in range(1, 6):
        await sending.send(mail_number(number))
    assert mailbox.lines == 3
    assert [said for said in mailbox.commands if said[1] == "QUIT"] == [(1, "QUIT"), (2, "QUIT")]
    await sending.lines.close()


async def test_a_refused_recipient_is_taken_back_and_the_line_is_kept(sending: Sending, mailbox: MailServer) -> None:
    await a_kept_line(sending)
    mailbox.replies["RCPT"] = "550 5.1.1 nobody of this name"
    with pytest.raises(Refused, match="bounced"):
        await sending.send(mail_number(2))
    mailbox.replies["RCPT"] = "450 4.2.0 later"
    with pytest.raises(NotSent, match=r"450 4\.2\.0"):
        await sending.send(mail_number(3))
    mailbox.replies.clear()
    assert await sending.send(mail_number(4)) == ACCEPTED
    assert mailbox.commands == [(1, "RSET"), (1, "RSET")]
    assert (len(mailbox.mails), mailbox.lines) == (2, 1)


@pytest.mark.parametrize("reply", ["hang", "hang up", "500 no such command", "421 closing"])
async def test_a_line_on_which_nothing_can_be_taken_back_is_left(
    sending: Sending, mailbox: MailServer, reply: str
) -> None:
    mailbox.replies |= {"RCPT": "550 5.1.1 nobody of this name", "RSET": reply}
    with pytest.raises(Refused, match="bounced"):
        await sending.send(mail_number(1))
    mailbox.replies.clear()
    assert await sending.send(mail_number(2)) == ACCEPTED
    assert mailbox.lines == 2


async def test_a_refused_content_leaves_the_line_as_it_was(sending: Sending, mailbox: MailServer) -> None:
    mailbox.replies["DATA"] = "554 5.6.0 not this"
    with pytest.raises(Refused, match="bounced"):
        await sending.send(mail_number(1))
    mailbox.replies.clear()
    await sending.send(mail_number(2))
    assert (mailbox.lines, mailbox.commands) == (1, [])


async def test_a_reply_that_came_too_late_is_never_taken_for_the_next_mails(mailbox: MailServer) -> None:
    sending = Sending(to(mailbox), timeout_seconds=2.0)
    mailbox.replies["RCPT"] = "hang"
    with pytest.raises(NotSent):
        await sending.send(mail_number(1))
    mailbox.replies.clear()
    mailbox.never.set()
    assert await sending.send(mail_number(2)) == ACCEPTED
    assert arrived(mailbox) == ["<2@milesaga.example>"]
    assert mailbox.lines == 2
    await sending.lines.close()


async def test_a_line_that_nobody_needs_is_closed_with_a_word(mailbox: MailServer) -> None:
    sending = Sending(to(mailbox), kept=LineTerms(idle_seconds=0.2))
    await asyncio.gather(*(sending.send(mail_number(number)) for number in range(1, 4)))

    async def all_left() -> bool:
        await sending.lines.close_idle()
        return not mailbox.open

    await eventually(all_left)
    assert sorted(mailbox.commands) == [(number, "QUIT") for number in range(1, mailbox.lines + 1)]


async def test_a_line_that_is_used_is_not_closed(sending: Sending, mailbox: MailServer) -> None:
    await a_kept_line(sending)
    await sending.lines.close_idle()
    await sending.send(mail_number(2))
    assert mailbox.lines == 1


async def test_no_line_is_kept_where_none_may_be_idle(mailbox: MailServer) -> None:
    sending = Sending(to(mailbox), kept=LineTerms(idle_seconds=0.0))
    for number in range(1, 4):
        await sending.send(mail_number(number))
    assert mailbox.lines == 3
    await eventually(lambda: not mailbox.open)


async def test_lines_are_closed_at_the_end_and_none_is_kept_any_more(sending: Sending, mailbox: MailServer) -> None:
    await a_kept_line(sending)
    await sending.lines.close()
    assert mailbox.commands == [(1, "QUIT")]
    await sending.send(mail_number(2))
    await eventually(lambda: not mailbox.open)
    assert mailbox.lines == 2


async def test_there_are_never_more_lines_than_there_may_be(mailbox: MailServer) -> None:
    """Not even while others are being closed."""
    terms = Terms(calls_at_once=2, calls_per_second=1000, patience=timedelta(seconds=60))
    sending = Sending(to(mailbox), terms=terms, kept=LineTerms(at_once=2, mails=3))
    await asyncio.gather(*(sending.send(mail_number(number)) for number in range(1, 31)))
    assert len(mailbox.mails) == 30
    assert mailbox.most_open <= 2
    assert mailbox.lines in (10, 11)
    await sending.lines.close()


async def test_a_server_that_restarted_gets_the_next_mail_on_a_fresh_line() -> None:
    async with mail_server() as before:
        sending = Sending(to(before))
        await asyncio.gather(*(sending.send(mail_number(number)) for number in range(1, 4)))
        port = before.port
    with pytest.raises(NotSent):
        await sending.send(mail_number(4))
    async with mail_server(port=port) as after:
        assert await sending.send(mail_number(4)) == ACCEPTED
        assert arrived(after) == ["<4@milesaga.example>"]
        await sending.lines.close()


async def test_a_server_that_moved_is_followed_though_every_line_leads_to_where_it_was(mailbox: MailServer) -> None:
    sending = Sending(to(mailbox), kept=LineTerms(at_once=2))
    await asyncio.gather(*(sending.send(mail_number(number)) for number in (1, 2)))
    async with mail_server() as moved:
        sending.server = to(moved)
        assert await sending.send(mail_number(3)) == ACCEPTED
        assert arrived(moved) == ["<3@milesaga.example>"]
        await sending.lines.close()


async def test_a_slow_server_keeps_its_line(mailbox: MailServer) -> None:
    async with FaultProxy("127.0.0.1", mailbox.port) as proxy:
        sending = Sending(SmtpServer("127.0.0.1", proxy.port), timeout_seconds=10.0)
        proxy.latency = 0.05
        for number in range(1, 4):
            assert await sending.send(mail_number(number)) == ACCEPTED
        assert (len(mailbox.mails), proxy.accepted) == (3, 1)
        await sending.lines.close()


async def test_a_network_that_lost_the_line_silently_costs_a_part_of_the_mails_time(mailbox: MailServer) -> None:
    async with FaultProxy("127.0.0.1", mailbox.port) as forgetful:
        sending = Sending(SmtpServer("127.0.0.1", forgetful.port), timeout_seconds=4.0)
        await a_kept_line(sending)
        forgetful.hang()
        sent = asyncio.ensure_future(sending.send(mail_number(2)))
        await eventually(lambda: forgetful.accepted == 2)  # the kept line is given up for a fresh one
        forgetful.flow()
        assert await sent == ACCEPTED
    assert "<2@milesaga.example>" in arrived(mailbox)
    assert arrived(mailbox).count("<2@milesaga.example>") == 1


async def test_a_network_that_resets_a_kept_line_costs_no_mail(mailbox: MailServer) -> None:
    async with FaultProxy("127.0.0.1", mailbox.port) as proxy:
        sending = Sending(SmtpServer("127.0.0.1", proxy.port))
        await a_kept_line(sending)
        proxy.cut()
        assert await sending.send(mail_number(2)) == ACCEPTED
        assert (len(mailbox.mails), proxy.accepted) == (2, 2)
        await sending.lines.close()
