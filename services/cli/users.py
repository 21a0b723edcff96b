"""The broker's users, brought onto whatever broker there is: a laptop's private node, or one with a management API."""

import json
import secrets
import socket
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import httpx

from services.cli.broker_node import BrokerError, PrivateBroker
from services.house import HOUSE
from shared.bus.partners import Partners
from shared.bus.permissions import definitions, partner_rights, password_hash, service_rights
from shared.runtime.addresses import broker_url, with_user
from shared.runtime.description import queues
from shared.runtime.home import BROKER_USERS, Home
from shared.runtime.settings import RuntimeSettings
from shared.runtime.trust import https_context

TIMEOUT: Final = 10.0
AMQP_PORTS: Final = {"amqp": 5672, "amqps": 5671}
MANAGEMENT_PORTS: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
DEFINITIONS: Final = "users.json"
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

    def apply(self) -> list[str]:
        """Make the services' and partners' users as described; their names. Raises UsersNotApplied, ConnectionError."""
        self._must_answer()
        bindings = queues(HOUSE)
        users = {
            name: (password_hash(password), service_rights(name, bindings[name]))
            for name, password in self._service_passwords().items()
        }
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
        """Made once and kept in the home, where a service's process finds its own."""
        known: dict[str, str] = json.loads(self._home.read(BROKER_USERS) or "{}")
        passwords = {name: known.get(name) or secrets.token_urlsafe(24) for name in queues(HOUSE)}
        if passwords != known:
            self._home.write(BROKER_USERS, json.dumps(passwords))
        return passwords

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
