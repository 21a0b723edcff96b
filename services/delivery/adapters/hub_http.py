"""The hub, asked over its internal routes."""

from collections.abc import Mapping

from services.delivery.ports import HubUnavailable
from shared.contracts.buses import BusRevision, NewestRevisions
from shared.contracts.hub import ClientsOf
from shared.outside.neighbors import Neighbor


class HubOverHttp:
    """The ports `Partners` and `Buses`."""

    def __init__(self, neighbor: Neighbor) -> None:
        self._neighbor = neighbor

    async def clients_of(self, partner: str) -> frozenset[str]:
        found = await self._neighbor.get(ClientsOf, "/internal/hub/partners/{id}", partner, HubUnavailable)
        return frozenset(found.clients) if found is not None else frozenset()

    async def revisions(self) -> Mapping[str, int]:
        return (await self._neighbor.read(NewestRevisions, "/internal/hub/revisions", HubUnavailable)).revisions

    async def bus(self, name: str) -> BusRevision | None:
        return await self._neighbor.get(BusRevision, "/internal/hub/buses/{id}", name, HubUnavailable)
