"""The broker's users, brought onto whatever broker there is: a laptop's private node, or one with a management API."""

import json
import secrets
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.cli.administration import BrokerAdministration
from services.cli.rights import rights
from services.house import HOUSE
from shared.bus.partners import Partners
from shared.bus.permissions import NO_RIGHTS, definitions, partner_rights, password_hash
from shared.runtime.addresses import SANDBOX, with_user
from shared.runtime.home import BROKER_USERS, Home
from shared.runtime.settings import RuntimeSettings, Settings, read

SHORTEST_PASSWORD: Final = 16
"""Characters of a password that somebody chose."""
OUR_FILES: Final = frozenset({"cafile", "capath", "certfile", "keyfile"})


class BrokerUsers:
    """The users of the broker that a home's stack uses."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._home = Home(settings.milesaga_home)
        self._broker = BrokerAdministration(settings)
        self.partners = Partners(settings.partners)

    @property
    def asked_for(self) -> bool:
        """Somebody counts on them: there are partners, or passwords were given."""
        return self.partners.path.exists() or any(_given_password(each.name) for each in HOUSE)

    def apply(self) -> list[str]:
        """Make the services' and partners' users as described; their names. Raises NotAdministered, ConnectionError."""
        self._broker.must_answer()
        passwords = self._service_passwords()
        users = {name: (password_hash(passwords[name]), allowed) for name, allowed in rights(HOUSE).items()}
        if word := _given_password(SANDBOX):
            users[SANDBOX] = (password_hash(word), NO_RIGHTS)
        for name, partner in self.partners.all().items():
            users[name] = (partner.password_hash, partner_rights(name, partner.queues))
        self._broker.import_definitions(definitions(users, self._broker.virtual_host))
        return list(users)

    def remove(self, name: str) -> None:
        """Take a user away; the broker closes its connections. Raises NotAdministered, ConnectionError."""
        self._broker.must_answer()
        self._broker.remove_user(name)

    def url_of(self, name: str, password: str) -> str:
        """The broker's URL for that user, who has other files than we."""
        parts = urlsplit(with_user(self._broker.url, name, password))
        query = [(key, value) for key, value in parse_qsl(parts.query) if key not in OUR_FILES]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _service_passwords(self) -> dict[str, str]:
        """Those that are given; the others are made once and kept in the home, where a service finds its own."""
        given = {each.name: password for each in HOUSE if (password := _given_password(each.name))}
        known: dict[str, str] = json.loads(self._home.read(BROKER_USERS) or "{}")
        names = [each.name for each in HOUSE if each.name not in given]
        kept = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
        if kept != known and (kept or known):
            self._home.write(BROKER_USERS, json.dumps(kept))
        return kept | given


def _given_password(service: str) -> str | None:
    """What `<SERVICE>_BROKER_PASSWORD` says, for whatever service there may be. Raises WrongSettings."""

    class Password(Settings):
        model_config = SettingsConfigDict(env_prefix=f"{service.upper()}_")
        broker_password: str | None = Field(default=None, min_length=SHORTEST_PASSWORD, repr=False)

    return read(Password).broker_password
