"""E-mail addresses: one rule for what is taken from a customer and for what mail is sent to."""

import re
import unicodedata

import idna

LONGEST = 254
"""Octets (RFC 5321 §4.5.3.1.3, without the brackets)."""
LONGEST_LOCAL = 64
BEYOND_ASCII = r"\u00a1-\ud7ff\uf900-\uffef"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{BEYOND_ASCII}-]+"
_EDGE = f"[A-Za-z0-9{BEYOND_ASCII}]"
_LABEL = rf"(?!(?![Xx][Nn]--)..--){_EDGE}(?:[A-Za-z0-9{BEYOND_ASCII}-]{{0,61}}{_EDGE})?"
PATTERN = rf"^(?![^@]{{65}}){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}$"
"""For documents, as near as a pattern can say it: IDNA 2008 has none for letters beyond ASCII, nor Punycode."""
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\].]+(\.[^\s@\"(),:;<>\[\\\].]+)*")


def deliverable(address: str) -> str:
    """The address as mail is sent to it, its domain in ASCII by IDNA 2008. Raises ValueError for what is none.

    IDNA 2003 would send the mail for `straße.example` to `strasse.example`, which may be somebody else's. The local
    part is the receiving server's own business and stays as it is (RFC 6531).
    """
    local, at, domain = address.rpartition("@")
    if not at or not address.isprintable() or not _LOCAL.fullmatch(local):
        raise ValueError("must be an e-mail address such as ana@example.org")
    sent_to = f"{local}@{_in_ascii(domain)}"
    if len(local.encode()) > LONGEST_LOCAL or len(sent_to.encode()) > LONGEST:
        raise ValueError(f"must have at most {LONGEST_LOCAL} octets before the @ and {LONGEST} in all")
    return sent_to


def _in_ascii(domain: str) -> str:
    """The domain's labels as DNS knows them; a host of one label, or a number, is nobody's mail domain."""
    text = unicodedata.normalize("NFC", domain.lower())
    try:
        name = idna.encode(text).decode()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("must end with a domain such as example.org") from None
    *others, last = name.split(".")
    if not others or not last or last.isdigit():
        raise ValueError("must end with a domain such as example.org")
    return name
