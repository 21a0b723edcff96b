"""Which targets there are, as the hub says."""

from dataclasses import dataclass

from services.delivery.domain.target import KnownBus, told
from shared.contracts.delivery import ConfigureTargets
from shared.store.repository import Repository


@dataclass(frozen=True)
class Configuring:
    buses: Repository[KnownBus]

    async def configure(self, command: ConfigureTargets) -> None:
        """Raises Conflict, Unavailable: then the command comes again."""
        await self.buses.change(command.bus, lambda known: told(known, command))
