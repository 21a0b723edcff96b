"""What became of one event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.hub.ports import Archive
from shared.accepting.books import how_it_stands
from shared.store.documents import Collection


@dataclass(frozen=True, slots=True)
class Trace:
    """How far an event has come."""

    partner: str
    event_id: str
    id: str
    page: str
    state: Literal["accepted", "in_flight", "refused"]
    accepted_at: datetime | None
    archived: bool


class Tracing:
    """Reads the books of acceptance, and asks the archive."""

    def __init__(self, rows: Collection, pages: Collection, archive: Archive) -> None:
        self._rows = rows
        self._pages = pages
        self._archive = archive

    async def trace(self, partner: str, event_id: str) -> Trace | None:
        """None where the id is not known, or not any more. Raises ArchiveUnavailable."""
        found = await how_it_stands(self._rows, self._pages, f"{partner}:{event_id}") if "\0" not in event_id else None
        if found is None:
            return None
        id_, page, state = found
        at, archived = None, False
        if state == "accepted":
            stored = await self._pages.get(page)
            at = datetime.fromisoformat(stored.body["at"]) if stored else None
            archived = await self._archive.has(id_)
        return Trace(partner, event_id, id_, page, state, at, archived)
