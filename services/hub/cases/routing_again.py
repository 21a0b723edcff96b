"""Archived events that were never routed, because the message of their page was lost, are routed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.hub.ports import Archive
from shared.accepting.books import how_it_stands
from shared.bus.outbox import Outbox, Publisher
from shared.contracts.archive import Contents
from shared.contracts.hub import RoutePage
from shared.store.documents import Collection


@dataclass(frozen=True, slots=True)
class Again:
    """What is done about an event. `routed`: it was before, and nothing is done; `missing`: it is not archived."""

    hubid: str
    status: Literal["sent", "routed", "missing"]


class RoutingAgain:
    """Whoever asks twice before the first is routed has copies made twice, under the same delivery ids: as with every
    page that comes again."""

    def __init__(
        self, rows: Collection, pages: Collection, archive: Archive, publisher: Publisher, outbox: Outbox
    ) -> None:
        self._rows = rows
        self._pages = pages
        self._archive = archive
        self._publisher = publisher
        self._outbox = outbox

    async def route(self, hubids: Sequence[str]) -> list[Again]:
        """Return when the router's queue has all that are to be routed. Raises ArchiveUnavailable, NotPublished,
        Unavailable: then it may have some."""
        said: list[Again] = []
        pages: list[RoutePage] = []
        for hubid in dict.fromkeys(hubids):
            contents, records = await asyncio.gather(self._archive.contents(hubid), self._archive.records(hubid))
            if contents is None:
                said.append(Again(hubid, "missing"))
            elif records.is_routed:
                said.append(Again(hubid, "routed"))
            else:
                said.append(Again(hubid, "sent"))
                pages.append(await self._page(contents))
        await self._publisher.publish([self._outbox.entry(page) for page in pages])
        return said

    async def _page(self, contents: Contents) -> RoutePage:
        """One by itself, under the name of the page that it was accepted by, as far as that is known: an event that has
        an order has its number by it. Whose id is forgotten was passed over there long ago, and comes late."""
        event = contents.event
        found = await how_it_stands(self._rows, self._pages, f"{event.partner}:{event.event['id']}")
        is_known = found is not None and found[0] == event.hubid
        page = found[1] if found is not None and is_known else event.hubid
        return RoutePage(page=page, part=1, parts=1, keep=contents.keep, events=(event,))
