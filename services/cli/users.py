"""The broker's users, brought onto whatever broker there is: a laptop's private node, or one with a management API."""

import json
import secrets
import socket
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import httpx
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.cli.broker_node import BrokerError, PrivateBroker
from services.house import HOUSE
from shared.bus.partners import Partners
from shared.bus.permissions import NO_RIGHTS, definitions, partner_rights, password_hash, service_rights
from shared.runtime.addresses import SANDBOX, broker_url, with_user
from shared.runtime.description import queues
from shared.runtime.home import BROKER_USERS, Home
from shared.runtime.settings import RuntimeSettings, Settings, read
from shared.runtime.trust import https_context

TIMEOUT: Final = 10.0
AMQP_PORTS: Final = {"amqp": 5672, "amqps": 5671}
MANAGEMENT_PORTS: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
DEFINITIONS: Final = "users.json"
SHORTEST_PASSWORD: Final = 16
"""Characters of a password that somebody chose."""
OUR_FILES: Final = frozenset({"cafile", "capath", "certfile", "keyfile"})


class UsersNotApplied(BrokerError):
    """The broker's users stay as they were; the message says why."""


class BrokerUsers:
    """The users of the broker that a home's stack uses."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._home = Home(settings.milesaga_home)
        self._url = broker_url(settings, self._home)
        self.partners = Partners(settings.partners)

    @property
    def asked_for(self) -> bool:
        """Somebody counts on them: there are partners, or passwords were given."""
        return self.partners.path.exists() or any(_given_password(each.name) for each in HOUSE)

    def apply(self) -> list[str]:
        """Make the services' and partners' users as described; their names. Raises UsersNotApplied, ConnectionError."""
        self._must_answer()
        bindings = queues(HOUSE)
        users = {
            name: (password_hash(password), service_rights(name, bindings.get(name, ())))
            for name, password in self._service_passwords().items()
        }
        if word := _given_password(SANDBOX):
            users[SANDBOX] = (password_hash(word), NO_RIGHTS)
        for name, partner in self.partners.all().items():
            users[name] = (partner.password_hash, partner_rights(name))
        self._import(definitions(users, self._virtual_host))
        return list(users)

    def remove(self, name: str) -> None:
        """Take a user away; the broker closes its connections. Raises UsersNotApplied, ConnectionError."""
        self._must_answer()
        if self._settings.broker_url is None:
            self._ctl("eval", f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"milesaga">>).')
        else:
            self._manage("DELETE", f"/api/users/{quote(name, safe='')}", missing_is_fine=True)

    def url_of(self, name: str, password: str) -> str:
        """The broker's URL for that user, who has other files than we."""
        parts = urlsplit(with_user(self._url, name, password))
        query = [(key, value) for key, value in parse_qsl(parts.query) if key not in OUR_FILES]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _must_answer(self) -> None:
        """The tools that make users say in many words, or not at all, that there is no broker."""
        parts = urlsplit(self._url)
        try:
            socket.create_connection(
                (parts.hostname or "localhost", parts.port or AMQP_PORTS[parts.scheme]), TIMEOUT
            ).close()
        except OSError as error:
            raise ConnectionError(f"no broker listens at {parts.hostname}") from error

    @property
    def _virtual_host(self) -> str:
        return unquote(urlsplit(self._url).path.removeprefix("/")) or "/"

    def _service_passwords(self) -> dict[str, str]:
        """Those that are given; the others are made once and kept in the home, where a service finds its own."""
        given = {each.name: password for each in HOUSE if (password := _given_password(each.name))}
        known: dict[str, str] = json.loads(self._home.read(BROKER_USERS) or "{}")
        names = [each.name for each in HOUSE if each.name not in given]
        kept = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
        if kept != known and (kept or known):
            self._home.write(BROKER_USERS, json.dumps(kept))
        return kept | given

    def _import(self, described: dict[str, Any]) -> None:
        if self._settings.broker_url is None:
            self._home.write(DEFINITIONS, json.dumps(described))
            self._ctl("import_definitions", str(self._home.path / DEFINITIONS))
        else:
            self._manage("POST", "/api/definitions", described)

    def _ctl(self, *arguments: str) -> None:
        try:
            PrivateBroker(self._home.path).ctl(*arguments)
        except BrokerError as error:
            raise UsersNotApplied(str(error)) from error

    def _manage(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, missing_is_fine: bool = False
    ) -> None:
        parts = urlsplit(self._url)
        scheme, port = MANAGEMENT_PORTS[parts.scheme]
        base = str(self._settings.broker_management_url or f"{scheme}://{parts.hostname}:{port}").rstrip("/")
        user = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
        trusted = https_context(self._settings.broker_ca_file)
        try:
            answer = httpx.request(
                method, base + path, json=body, auth=user, timeout=TIMEOUT, trust_env=False, verify=trusted
            )
        except httpx.HTTPError as error:
            raise UsersNotApplied(
                f"no management API answers at {base} ({type(error).__name__}); BROKER_MANAGEMENT_URL names another one"
            ) from error
        if answer.is_error and not (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            raise UsersNotApplied(f"{base}{path} answered {answer.status_code}")


def _given_password(service: str) -> str | None:
    """What `<SERVICE>_BROKER_PASSWORD` says, for whatever service there may be. Raises WrongSettings."""

    class Password(Settings):
        model_config = SettingsConfigDict(env_prefix=f"{service.upper()}_")
        broker_password: str | None = Field(default=None, min_length=SHORTEST_PASSWORD, repr=False)

    return read(Password).broker_password
