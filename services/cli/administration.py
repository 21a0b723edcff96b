"""What of a broker only its administration tells and changes: a private node's by its tools, any other's by HTTP."""

import json
import socket
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import httpx

from services.cli.broker_node import BrokerError, PrivateBroker
from shared.bus.topology import Binding
from shared.runtime.addresses import broker_url
from shared.runtime.home import BROKER_URL, Home
from shared.runtime.settings import RuntimeSettings
from shared.runtime.trust import https_context

TIMEOUT: Final = 10.0
AMQP_PORTS: Final = {"amqp": 5672, "amqps": 5671}
MANAGEMENT_PORTS: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
DEFINITIONS: Final = "users.json"
_BINDING: Final = ("source_name", "routing_key", "destination_name", "destination_kind", "arguments")
_MANAGED_BINDING: Final = ("source", "routing_key", "destination", "destination_type", "arguments")
"""The same, by the management API's names."""


def _place(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or AMQP_PORTS[parts.scheme]


class NotAdministered(BrokerError):
    """Nothing was changed or learned; the message says why."""


class BrokerAdministration:
    """Of the broker that a home's stack uses. Every method blocks, and raises NotAdministered."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._home = Home(settings.milesaga_home)
        self.url = broker_url(settings, self._home)

    def must_answer(self) -> None:
        """Raises ConnectionError: the tools say in many words, or not at all, that there is no broker."""
        host, port = _place(self.url)
        try:
            socket.create_connection((host or "localhost", port), TIMEOUT).close()
        except OSError as error:
            raise ConnectionError(f"no broker listens at {host}") from error

    @property
    def virtual_host(self) -> str:
        return unquote(urlsplit(self.url).path.removeprefix("/")) or "/"

    def import_definitions(self, described: dict[str, Any]) -> None:
        """Have the broker take what is described, as RabbitMQ exports it; whatever is not named stays."""
        if self._private:
            self._home.write(DEFINITIONS, json.dumps(described))
            self._ctl("import_definitions", str(self._home.path / DEFINITIONS))
        else:
            self._manage("POST", "/api/definitions", described)

    def remove_user(self, name: str) -> None:
        """Take a user away, who may be gone already; the broker closes its connections."""
        if self._private:
            self._ctl("eval", f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"milesaga">>).')
        else:
            self._manage("DELETE", f"/api/users/{quote(name, safe='')}", missing_is_fine=True)

    def bindings(self) -> list[Binding]:
        """Every queue's bindings to exchanges that have a name; none that has arguments, as ours never had any."""
        if self._private:
            listed = self._ctl("list_bindings", "--vhost", self.virtual_host, *_BINDING, "--formatter", "json")
            found = [tuple(each[name] for name in _BINDING) for each in json.loads(listed)]
        else:
            answer = self._manage("GET", f"/api/bindings/{quote(self.virtual_host, safe='')}")
            found = [tuple(each[name] for name in _MANAGED_BINDING) for each in answer.json()]
        return [
            Binding(exchange, pattern, queue)
            for exchange, pattern, queue, kind, arguments in found
            if exchange and kind == "queue" and not arguments
        ]

    @property
    def _private(self) -> bool:
        """Also where BROKER_URL names it: then it is a partner's, exported for its examples."""
        given, kept = self._settings.broker_url, self._home.read(BROKER_URL)
        return given is None or (kept is not None and _place(given) == _place(kept))

    def _ctl(self, *arguments: str) -> str:
        try:
            return PrivateBroker(self._home.path).ctl(*arguments)
        except BrokerError as error:
            raise NotAdministered(str(error)) from error

    def _manage(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, missing_is_fine: bool = False
    ) -> httpx.Response:
        parts = urlsplit(self.url)
        scheme, port = MANAGEMENT_PORTS[parts.scheme]
        base = str(self._settings.broker_management_url or f"{scheme}://{parts.hostname}:{port}").rstrip("/")
        user = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
        trusted = https_context(self._settings.broker_ca_file)
        try:
            answer = httpx.request(
                method, base + path, json=body, auth=user, timeout=TIMEOUT, trust_env=False, verify=trusted
            )
        except httpx.HTTPError as error:
            raise NotAdministered(
                f"no management API answers at {base} ({type(error).__name__}); BROKER_MANAGEMENT_URL names another one"
            ) from error
        if answer.is_error and not (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            raise NotAdministered(f"{base}{path} answered {answer.status_code}")
        return answer
