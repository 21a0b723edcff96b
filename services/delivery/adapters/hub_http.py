"""The hub, asked over its internal routes."""

from services.delivery.ports import HubUnavailable
from shared.contracts.hub import ClientsOf
from shared.outside.neighbors import Neighbor


class HubOverHttp:
    """The `Partners` port."""

    def __init__(self, neighbor: Neighbor) -> None:
        self._neighbor = neighbor

    async def clients_of(self, partner: str) -> frozenset[str]:
        found = await self._neighbor.get(ClientsOf, "/internal/hub/partners/{id}", partner, HubUnavailable)
        return frozenset(found.clients) if found is not None else frozenset()
