"""A mail's bytes: whoever reads them finds what was written, and nothing else."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.adapters.smtp.message import BOUNDARY, content, sender_field
from services.notifications.ports import Mail, Written

SENDER = sender_field("Milesaga", "no-reply@milesaga.example")
MAIL = Mail(
    to="ana@example.com",
    words=Written(subject="Sua compra está confirmada", text="Olá\n", html="<p>Olá</p>\n"),
    message_id="0123456789abcdef@milesaga.example",
    language="pt-BR",
    template="completed",
    reference="p-1",
    sent_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
)
FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    "X-Template",
    "X-Reference",
    "MIME-Version",
    "Content-Type",
]
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=400)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


def of(subject: str = "x", text: str = "x\n", html: str = "x\n") -> Mail:
    return replace(MAIL, words=Written(subject=subject, text=text, html=html))


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def bodies(mail: EmailMessage) -> list[tuple[str, str]]:
    parts: list[EmailMessage] = list(mail.iter_parts())  # type: ignore[arg-type]  # those of a message read so
    return [(part.get_content_type(), part.get_payload(decode=True).decode()) for part in parts]  # type: ignore[union-attr]


def well_formed(raw: bytes) -> None:
    """RFC 5322, 2.1.1 and 2.2; RFC 2045, 6.7."""
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert re.findall(rb"(?m)^([!-9;-~]+):", head) == [name.encode() for name in FIELDS]
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert raw.endswith(b"\r\n")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert b"\0" not in raw


def test_a_receipt_is_text_and_html_under_its_fields() -> None:
    raw = content(
        SENDER, of("Sua compra está confirmada · ABC123", "Olá, São Paulo\n.\nfim\n", "<p>Olá</p>\n"), MAIL.to
    )
    well_formed(raw)
    assert raw.isascii()
    mail = read(raw)
    assert {name: str(mail[name]) for name in FIELDS} == {
        "From": "Milesaga <no-reply@milesaga.example>",
        "To": "ana@example.com",
        "Subject": "Sua compra está confirmada · ABC123",
        "Date": "Sat, 21 Nov 2026 12:00:00 +0000",
        "Message-ID": "<0123456789abcdef@milesaga.example>",
        "Content-Language": "pt-BR",
        "Auto-Submitted": "auto-generated",
        "X-Template": "completed",
        "X-Reference": "p-1",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{BOUNDARY}"',
    }
    assert bodies(mail) == [("text/plain", "Olá, São Paulo\r\n.\r\nfim\r\n"), ("text/html", "<p>Olá</p>\r\n")]
    assert mail.defects == []


@given(ONE_LINE)
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    raw = content(SENDER, of(subject), MAIL.to)
    well_formed(raw)
    assert raw.isascii()
    assert read(raw)["Subject"] == subject


@given(LINES, LINES)
def test_a_body_is_read_as_it_was_written(text: str, html: str) -> None:
    raw = content(SENDER, of(text=text, html=html), MAIL.to)
    well_formed(raw)
    assert raw.isascii()
    assert [body.replace("\r\n", "\n") for _, body in bodies(read(raw))] == [text, html]


@pytest.mark.parametrize(
    "text",
    [
        f"--{BOUNDARY}\n",
        f"\n--{BOUNDARY}--\n",
        f"x\r\n\r\n--{BOUNDARY}\r\nContent-Type: text/html\r\n\r\n<script>",
        f"\r--{BOUNDARY}\r",
        "\n.\n",
        "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
        "From eve\n",
        "x" * 5000,
        "ã" * 5000,
        " \t\n\t \n",
        "",
    ],
)
def test_no_text_ends_its_part_or_the_mail(text: str) -> None:
    raw = content(SENDER, of(text=text, html=text), MAIL.to)
    well_formed(raw)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    assert bodies(read(raw)) == [("text/plain", lines), ("text/html", lines)]
    assert b"\r\n.\r\n" not in raw


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?Bcc:_eve?=",
        "a =?utf-8?b?DQpCY2M6IGV2ZQ==?= b",
        " spaces around ",
        "tab\there",
        "nul\0here",
        "x" * 300,
        "word " * 60,
        "😀" * 100,
        "",
    ],
)
def test_a_strange_subject_is_shown_as_it_is(subject: str) -> None:
    raw = content(SENDER, of(subject), MAIL.to)
    well_formed(raw)
    assert str(read(raw)["Subject"]) == subject


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\r\n "])
@pytest.mark.parametrize("field", ["subject", "language", "template", "reference", "message_id"])
def test_no_field_begins_another_one(field: str, ending: str) -> None:
    evil = f"x{ending}Bcc: eve@example.com"
    changes: dict[str, Any] = {field: evil}
    mail = of(evil) if field == "subject" else replace(MAIL, **changes)
    with pytest.raises(ValueError, match=r"linefeed|no id"):
        content(SENDER, mail, MAIL.to)


def test_a_sender_of_any_letters_is_named() -> None:
    for name in ("Milhas & Céu", 'Say "hello", Ltd.', "a <b> c", "é" * 20, "Milesaga"):
        raw = content(sender_field(name, "no-reply@milesaga.example"), MAIL, MAIL.to)
        well_formed(raw)
        [address] = read(raw)["From"].addresses
        assert (address.display_name, address.addr_spec) == (name, "no-reply@milesaga.example")


def test_an_address_beyond_ascii_stands_as_it_is_and_nothing_else_does() -> None:
    raw = content(SENDER, MAIL, "joão@xn--mnchen-3ya.example")
    well_formed(raw)
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert "To: joão@xn--mnchen-3ya.example\r\n".encode() in head
    assert head.replace("joão".encode(), b"").isascii()
    mail = message_from_bytes(raw, policy=policy.SMTPUTF8)
    assert mail["Subject"] == MAIL.words.subject
