"""The archive, asked over its internal routes."""

from services.hub.ports import ArchiveUnavailable
from shared.contracts.archive import Contents, Kept, Named, Records, WantedEvent
from shared.outside.neighbors import Neighbor


class ArchiveOverHttp:
    """The `Archive` port."""

    def __init__(self, neighbor: Neighbor) -> None:
        self._neighbor = neighbor

    async def has(self, hubid: str) -> bool:
        kept = await self._neighbor.get(Kept, "/internal/archive/events/{id}", hubid, ArchiveUnavailable)
        return kept is not None and kept.archived

    async def contents(self, hubid: str) -> Contents | None:
        return await self._neighbor.get(Contents, "/internal/archive/events/{id}/contents", hubid, ArchiveUnavailable)

    async def named(self, partner: str, event_id: str) -> str | None:
        wanted = WantedEvent(partner=partner, event_id=event_id)
        return (await self._neighbor.tell(Named, "/internal/archive/named", wanted, ArchiveUnavailable)).hubid

    async def records(self, hubid: str) -> Records:
        found = await self._neighbor.get(Records, "/internal/archive/records/{id}", hubid, ArchiveUnavailable)
        return found or Records(hubid=hubid)
