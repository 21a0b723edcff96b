"""Where everything is that a process must reach: settings first, then what runs here, then a stack on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic import HttpUrl
from pydantic_settings import SettingsConfigDict

from shared.runtime.home import BROKER_URL, BROKER_USERS, HTTP_URL, INTERNAL_TOKEN, SANDBOX_URL, SMTP_URL, Home
from shared.runtime.settings import RuntimeSettings, Settings, WrongSettings, read

SANDBOX = "sandbox"


def broker_url(settings: RuntimeSettings, home: Home) -> str:
    """The broker named by the settings, else that of the stack that runs over `home`. Raises WrongSettings."""
    found = settings.broker_url or home.read(BROKER_URL)
    if found is None:
        raise WrongSettings(f"BROKER_URL: not set, and no stack runs over MILESAGA_HOME={home.path}")
    return believing(found, settings.broker_ca_file)


def own_broker_url(settings: RuntimeSettings, home: Home, service: str) -> str:
    """The stack's broker under the service's own user, where `milesaga topology apply` has made one; a BROKER_URL that
    is given names its user itself. Raises WrongSettings."""
    url = broker_url(settings, home)
    password = json.loads(home.read(BROKER_USERS) or "{}").get(service)
    return url if settings.broker_url is not None or not password else with_user(url, service, password)


def with_user(url: str, name: str, password: str) -> str:
    """A broker's URL with another user in it."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{place}"))


def believing(url: str, ca_file: Path | None) -> str:
    """A broker's URL that says which authorities check its certificate: the drivers read it there (`cafile`)."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if ca_file is None or parts.scheme != "amqps" or "cafile" in query:
        return url
    return urlunsplit(parts._replace(query=urlencode(query | {"cafile": str(ca_file.absolute())})))


def internal_token(settings: RuntimeSettings, home: Home) -> str:
    """What services show each other: given, or kept in a file that the processes of one machine share."""
    if settings.internal_token is not None:
        return settings.internal_token
    if settings.environment == "production":
        raise WrongSettings("INTERNAL_TOKEN: is required in production")
    return home.secret(INTERNAL_TOKEN)


@dataclass(frozen=True)
class Addresses:
    """The addresses that a process gives to its services.

    `own` is where this process listens, `here` what runs in it.
    """

    settings: RuntimeSettings
    home: Home
    own: str
    here: frozenset[str]

    @property
    def public(self) -> str:
        """Where clients reach the public API."""
        return _text(self.settings.public_url) or self.own

    def service(self, name: str) -> str:
        """Base URL of a service's internal routes: `<NAME>_URL`; the public one where nothing better is known.

        Raises WrongSettings.
        """
        return _text(given_url(name)) or self._nearby(name, HTTP_URL)

    @property
    def sandbox(self) -> str:
        """Base URL of the process in which the sandbox runs."""
        return _text(self.settings.sandbox_url) or self._nearby(SANDBOX, SANDBOX_URL)

    def provider(self, name: str) -> str:
        """Base URL of the sandbox's stand-in for a provider. Raises WrongSettings where the sandbox is off."""
        self._only_with_sandbox(name)
        return f"{self.sandbox}/sandbox/{name}"

    @property
    def issuer(self) -> str:
        """The OIDC issuer of the bearer tokens; the sandbox's where none is given."""
        if self.settings.oidc_issuer is not None:
            return self.settings.oidc_issuer.rstrip("/")
        if not self.settings.sandbox:
            raise WrongSettings("OIDC_ISSUER: is required where SANDBOX is off")
        sandbox = self.public if SANDBOX in self.here and self.settings.sandbox_url is None else self.sandbox
        return f"{sandbox}/sandbox/oauth"

    def smtp(self) -> tuple[str, int]:
        """Host and port of the mail server of a sandbox that runs in another process."""
        self._only_with_sandbox("mail")
        host = urlsplit(self.sandbox).hostname or ""
        if self.settings.sandbox_smtp_port:
            return host, self.settings.sandbox_smtp_port
        found = self.home.read(SMTP_URL)
        if found is None:
            raise WrongSettings("SANDBOX_SMTP_PORT: not set, and no sandbox runs over MILESAGA_HOME")
        told = urlsplit(found)
        return told.hostname or "", told.port or 0

    def _nearby(self, name: str, file: str) -> str:
        if name in self.here:
            return self.own
        return self.home.read(file) or self.public

    def _only_with_sandbox(self, name: str) -> None:
        if not self.settings.sandbox:
            raise WrongSettings(f"SANDBOX: off, so there is no stand-in for {name}: give the provider's own settings")


def given_url(service: str) -> HttpUrl | None:
    """What `<NAME>_URL` says, for whatever service there may be. Raises WrongSettings."""

    class Address(Settings):
        model_config = SettingsConfigDict(env_prefix=f"{service.upper()}_")
        url: HttpUrl | None = None

    return read(Address).url


def _text(url: object) -> str:
    return str(url).rstrip("/") if url else ""
