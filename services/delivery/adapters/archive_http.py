"""The archive, asked over its internal routes."""

from services.delivery.ports import ArchiveUnavailable
from shared.contracts.archive import Deliveries, WantedDeliveries
from shared.outside.neighbors import Neighbor


class ArchiveOverHttp:
    """The `OnRecord` port."""

    def __init__(self, neighbor: Neighbor) -> None:
        self._neighbor = neighbor

    async def deliveries(self, wanted: WantedDeliveries) -> Deliveries:
        return await self._neighbor.tell(Deliveries, "/internal/archive/deliveries", wanted, ArchiveUnavailable)
