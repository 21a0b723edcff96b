"""A mail as it goes over the line: header fields (RFC 5322), encoded words (RFC 2047), addresses beyond ASCII
(RFC 6532), and the same words as text and as HTML (RFC 2046).

Written out, because `email.message` parses every field that it is given and folds it by a grammar: most of what one
mail cost. Its policy writes the one field that is a name, the sender's, once for all mails.
"""

from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from services.notifications.ports import Mail

BOUNDARY: Final = "=_alternative"
"""Quoted-printable writes = only before two digits or at a line's end: this stands in no part."""
LONGEST_LINE: Final = 76
"""Letters of a line that holds an encoded word, and what other lines need not exceed."""
WORD_BYTES: Final = 36
"""Of UTF-8 in an encoded word: with the longest of our fields' names before it within the line."""


def sender_field(name: str, address: str) -> str:
    """The From field, of a name in any letters."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name, addr_spec=address)
    return str(SMTP.fold("From", message["From"]))


def content(sender: str, mail: Mail, recipient: str) -> bytes:
    """The mail to an address that `deliverable` took; `sender` is the field. In ASCII where the address is.

    Raises ValueError for a field that would begin another one.
    """
    fields = (
        sender,
        f"To: {recipient}\r\n",
        _text("Subject", mail.words.subject),
        f"Date: {format_datetime(mail.sent_at)}\r\n",
        _id("Message-ID", mail.message_id),
        _text("Content-Language", mail.language),
        "Auto-Submitted: auto-generated\r\n",
        _text("X-Template", mail.template),
        _text("X-Reference", mail.reference),
        "MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n',
    )
    parts = (_part("plain", mail.words.text), _part("html", mail.words.html))
    return b"".join(("".join(fields).encode(), *parts, f"--{BOUNDARY}--\r\n".encode()))


def _text(name: str, text: str) -> str:
    """A field of free text, as it is or in encoded words."""
    if "\r" in text or "\n" in text:
        raise ValueError(f"{name} holds a linefeed or carriage return")
    plain = text.isascii() and text.isprintable() and text.strip() == text
    if plain and "=?" not in text and len(name) + 2 + len(text) <= LONGEST_LINE:
        return f"{name}: {text}\r\n"
    words = (f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text))
    return f"{name}: " + "\r\n ".join(words) + "\r\n"


def _words(text: str) -> Iterator[bytes]:
    """The text in pieces for encoded words; no letter is in two of them."""
    word = b""
    for letter in text:
        encoded = letter.encode()
        if len(word) + len(encoded) > WORD_BYTES:
            yield word
            word = b""
        word += encoded
    yield word


def _id(name: str, text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{name} holds what no id may")
    return f"{name}: <{text}>\r\n"


def _part(kind: str, text: str) -> bytes:
    """One alternative, in quoted-printable: 7 bits, and no line that is too long or stands for the end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    body = b2a_qp(lines.encode()).replace(b"\n", b"\r\n")
    head = (
        f"--{BOUNDARY}\r\n"
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + body + b"\r\n"
