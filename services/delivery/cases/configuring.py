"""Which targets there are, as the hub says."""

from dataclasses import dataclass

from services.delivery.cases.known import MARKS, MOST_BUSES
from services.delivery.domain.target import KnownBus, told
from shared.contracts.buses import marked
from shared.contracts.delivery import ConfigureTargets
from shared.store.repository import Repository


@dataclass(frozen=True)
class Configuring:
    buses: Repository[KnownBus]

    async def revisions(self) -> dict[str, int]:
        """The newest one of each bus that was told. Raises Unavailable."""
        keys = await self.buses.collection.keys(MARKS, (), limit=MOST_BUSES)
        return dict(marked(str(key)) for key in keys)

    async def configure(self, command: ConfigureTargets) -> None:
        """Raises Conflict, Unavailable: then the command comes again."""
        await self.buses.change(command.bus, lambda known: told(known, command))
