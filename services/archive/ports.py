"""What the archive asks of others."""

from typing import Protocol

from shared.contracts.buses import BusRevision


class HubUnavailable(Exception):
    """The hub does not answer now."""


class Hub(Protocol):
    """Who knows buses and partners."""

    async def bus(self, name: str, revision: int | None = None) -> BusRevision | None:
        """As it is in force, or as it was by a revision. Raises HubUnavailable."""
        ...

    async def partner_of(self, subject: str) -> str | None:
        """Whose client the subject of a token is. Raises HubUnavailable."""
        ...
