"""Which targets there are, and whose clients are whose, as the hub tells."""

from dataclasses import dataclass

from services.delivery.cases.known import MARKS
from services.delivery.domain import clients, target
from services.delivery.domain.clients import KnownClients
from services.delivery.domain.target import KnownBus
from shared.contracts.buses import LISTED, newest
from shared.contracts.delivery import ConfigureClients, ConfigureTargets
from shared.contracts.hub import TellTargets
from shared.store.documents import Collection
from shared.store.repository import Repository


@dataclass(frozen=True)
class Configuring:
    buses: Repository[KnownBus]
    clients: Repository[KnownClients]

    async def known(self) -> TellTargets:
        """All that was told, by revisions and positions. Raises Unavailable."""
        return TellTargets(buses=await _newest(self.buses.collection), partners=await _newest(self.clients.collection))

    async def configure(self, command: ConfigureTargets) -> None:
        """Raises Conflict, Unavailable: then the command comes again."""
        await self.buses.change(command.bus, lambda known: target.told(known, command))

    async def configure_clients(self, command: ConfigureClients) -> None:
        """Raises as above."""
        await self.clients.change(command.partner, lambda known: clients.told(known, command))


async def _newest(collection: Collection) -> dict[str, int]:
    return newest(await collection.keys(MARKS, (), limit=LISTED))
