"""Settings of the notifications service, from the environment."""

from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.kernel.zones import HOME, Zone
from shared.runtime.providers import Bounded
from shared.runtime.settings import Settings
from shared.runtime.trust import CaFile

URL = r"^smtp(s|\+starttls)?://[^/]+/?$"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NotificationsSettings(Settings):
    """In whose name mail goes out. All from `NOTIFICATIONS_...` variables."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATIONS_")
    formerly: ClassVar[Mapping[str, str | tuple[str, ...]]] = {"sender": "MAIL_FROM", "issuer": "MAIL_ISSUER"}

    sender: str = "Milesaga <no-reply@milesaga.example>"
    """In whose name mail goes out, with the address."""
    issuer: str = Field(default="Milesaga", min_length=1, max_length=100)
    """Who the receipt names as the tickets' issuer."""
    zone: Zone = HOME
    """Where the issuer's office is, as an IANA name: receipts bear the day that it is there."""

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        try:
            address = Address(addr_spec=parseaddr(text)[1])
        except (HeaderParseError, ValueError, IndexError) as error:
            raise ValueError("must be an address such as Milesaga <no-reply@example.org>") from error
        if not address.username or not address.domain:
            raise ValueError("must be an address such as Milesaga <no-reply@example.org>")
        return text


class MailServer(BaseModel):
    """Where mail goes out: a part of `SmtpSettings`."""

    url: str | None = Field(pattern=URL, repr=False)
    """`smtp://host:port` (no encryption), `smtp+starttls://user:password@host:587`, `smtps://user:password@host:465`.
    User and password are percent-encoded. The sandbox's mail server where it is not given and the sandbox is on."""
    ca_file: CaFile | None = None
    """Certificate authorities to trust instead of the system's, PEM."""


class SmtpSettings(Bounded, MailServer):
    """Where mail goes out, and on which terms. A request is one mail, from connecting to the server's last word."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATIONS_SMTP_")
    formerly: ClassVar[Mapping[str, str | tuple[str, ...]]] = {
        "url": "SMTP_URL",
        "ca_file": "SMTP_CA_FILE",
        "timeout_seconds": "SMTP_TIMEOUT_SECONDS",
        "calls_at_once": ("NOTIFICATIONS_SMTP_CONNECTIONS", "SMTP_CONNECTIONS"),
        "calls_per_second": "NOTIFICATIONS_SMTP_MAILS_PER_SECOND",
    }

    calls_at_once: int = Field(default=8, ge=1, le=100)
    """Lines to the server, and so mails under way, at once in one process."""
    calls_per_second: float = Field(default=50.0, gt=0, le=10_000)
    """Mails that one process begins to hand over."""
    idle_seconds: float = Field(default=10.0, ge=0, le=300)
    """How long a line is kept for the next mail, less than the server keeps it; 0 opens one for each mail."""
    mails_per_line: int = Field(default=100, ge=1, le=100_000)
    """Mails that go over one line, at most; no more than the server takes."""

    @field_validator("url")
    @classmethod
    def _tells_no_password_in_the_clear(cls, text: str | None) -> str | None:
        url = urlsplit(text or "")
        if url.scheme == "smtp" and url.username and url.hostname not in LOOPBACK:
            raise ValueError("a password goes over smtps:// or smtp+starttls:// only")
        return text


class SandboxSmtpSettings(SmtpSettings):
    """The sandbox takes mail, wherever it listens."""

    url: str | None = Field(default=None, pattern=URL, repr=False)
