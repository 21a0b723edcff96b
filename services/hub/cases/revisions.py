"""What buses said before: kept so that it can be applied once more, and so that back-tests can compare with it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from services.hub.domain.bus import KeptBus, PastBus, past_id
from shared.contracts.buses import BusTerms
from shared.store.documents import After, CollectionSpec, Conflict, Index
from shared.store.repository import Repository, Stored

MOST: Final = 1_000
"""Of one bus, beside the one in force: somebody who applies thirty a day goes back for a month."""
FORGOTTEN: Final = 2
"""Go at most when one comes: more than come, so that it ends where an older release left more."""
BY_BUS: Final = "by_bus"
PAST: Final = CollectionSpec("bus_revisions", indexes=(Index(BY_BUS, ("bus", "revision")),))


@dataclass(frozen=True)
class Revisions:
    """Those that are not in force any more. Every method raises Unavailable."""

    past: Repository[PastBus]

    async def terms(self, bus: str, revision: int) -> BusTerms | None:
        """None where there is none, or it had said nothing any more."""
        found = await self.past.load(past_id(bus, revision))
        return found.value.terms if found is not None else None

    async def listed(self, bus: str, after: After, limit: int) -> list[Stored[PastBus]]:
        """The newest first."""
        return await self.past.find(BY_BUS, (bus,), limit=limit, after=after, descending=True)

    async def remember(self, kept: KeptBus) -> None:
        """Before the next one is in force, so that none is ever missing; whoever is first writes the same. Where there
        are too many the oldest are forgotten."""
        with suppress(Conflict):
            await self.past.save(PastBus.of(kept), version=0)
        for oldest in await self.past.find(BY_BUS, (kept.id,), limit=FORGOTTEN):
            if oldest.value.revision <= kept.revision - MOST:
                with suppress(Conflict):  # another replica was faster
                    await self.past.delete(oldest)
