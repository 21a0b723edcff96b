"""What became of one event."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.hub.domain.bus import KeptBus
from services.hub.domain.journey import Leg, legs
from services.hub.ports import Archive
from shared.accepting.books import how_it_stands
from shared.contracts.archive import Attempt, Records, RoutedCopy, UndecidedEvent
from shared.contracts.hubids import moment_of
from shared.store.documents import Collection
from shared.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Trace:
    """How far an event has come. The page is empty where the books of acceptance know it no more."""

    partner: str
    event_id: str
    id: str
    page: str
    state: Literal["accepted", "in_flight", "refused"]
    accepted_at: datetime | None
    archived: bool
    targets: tuple[Leg, ...] = ()
    undecided: tuple[UndecidedEvent, ...] = ()


class Tracing:
    """Reads the books of acceptance, and asks the archive."""

    def __init__(self, rows: Collection, pages: Collection, buses: Repository[KeptBus], archive: Archive) -> None:
        self._rows = rows
        self._pages = pages
        self._buses = buses
        self._archive = archive

    async def trace(self, partner: str, event_id: str, owner: str | None) -> Trace | None:
        """`owner` sees the targets of its own buses alone; None sees all. None where there is no such event; of one
        whose id may be used again the archive tells. Raises ArchiveUnavailable."""
        if "\0" in event_id:
            return None
        found = await how_it_stands(self._rows, self._pages, f"{partner}:{event_id}")
        if found is None:
            return await self._long_ago(partner, event_id, owner)
        id_, page, state = found
        if state != "accepted":
            return Trace(partner, event_id, id_, page, state, None, archived=False)
        stored, archived, records = await asyncio.gather(
            self._pages.get(page), self._archive.has(id_), self._archive.records(id_)
        )
        at = datetime.fromisoformat(stored.body["at"]) if stored else None
        targets, undecided = await self._seen(records, owner)
        return Trace(partner, event_id, id_, page, state, at, archived, targets, undecided)

    async def _long_ago(self, partner: str, event_id: str, owner: str | None) -> Trace | None:
        hubid = await self._archive.named(partner, event_id)
        if hubid is None:
            return None
        targets, undecided = await self._seen(await self._archive.records(hubid), owner)
        at = moment_of(hubid)
        return Trace(partner, event_id, hubid, "", "accepted", at, archived=True, targets=targets, undecided=undecided)

    async def _seen(self, records: Records, owner: str | None) -> tuple[tuple[Leg, ...], tuple[UndecidedEvent, ...]]:
        said: tuple[RoutedCopy | UndecidedEvent | Attempt, ...] = (
            *records.routed,
            *records.undecided,
            *records.attempts,
        )
        names = {each.bus for each in said}
        kept = {stored.value.id: stored.value for stored in await self._buses.load_many(names)}
        seen = {name for name in names if owner is None or (name in kept and kept[name].owner == owner)}
        terms = {name: each.terms for name, each in kept.items() if each.terms is not None}
        routed = [each for each in records.routed if each.bus in seen]
        undecided = [each for each in records.undecided if each.bus in seen]
        attempts = [each for each in records.attempts if each.bus in seen]
        return tuple(legs(routed, attempts, terms)), tuple(dict.fromkeys(undecided))
