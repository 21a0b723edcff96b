"""What is accepted of one key is numbered, for the page that it is accepted by."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from services.hub.domain import lane as rules
from services.hub.domain.lane import MOST_SPANS, Lane
from shared.accepting.books import Pages
from shared.contracts.positions import Position
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

TRIES: Final = 50
"""Others who save a lane first, one after the other: every replica has a hand in it."""


class Numbering:
    """Of one replica. `restored`: lanes that were written before came out of a backup."""

    def __init__(
        self, lanes: Repository[Lane], pages: Pages, clock: Clock, ids: Ids, restored: datetime | None = None
    ) -> None:
        self._restored = restored
        self._lanes = lanes
        self._pages = pages
        self._clock = clock
        self._ids = ids

    async def positions(self, page: str, things: Sequence[tuple[str, str]]) -> Mapping[str, Position] | None:
        """The positions of things, which are ids and lanes in their order, for a page that is about to be saved; None
        where not all can be had."""
        lanes: dict[str, list[str]] = {}
        for id_, lane in things:
            lanes.setdefault(lane, []).append(id_)
        given = await self._all_given(page, {lane: len(ids) for lane, ids in lanes.items()})
        found: dict[str, Position] = {}
        for ids, positions in zip(lanes.values(), given, strict=True):
            if isinstance(positions, Conflict | Unavailable):
                log.warning("a page is not numbered", extra={"error": type(positions).__name__})
                return None
            if isinstance(positions, BaseException):
                raise positions
            found |= zip(ids, positions, strict=True)
        return found

    async def _all_given(self, page: str, counts: Mapping[str, int]) -> list[list[Position] | BaseException]:
        """Of each lane. They are read by one query."""
        try:
            known = {stored.value.id: stored for stored in await self._lanes.load_many(counts)}
        except Unavailable as error:
            return [error] * len(counts)
        giving = (self._given(lane, page, count, known.get(lane)) for lane, count in counts.items())
        return await asyncio.gather(*giving, return_exceptions=True)

    async def _given(self, lane: str, page: str, count: int, read: Stored[Lane] | None) -> list[Position]:
        first = Position(lane=lane, epoch=self._ids.new(), number=1)

        def edit(known: Lane | None) -> Lane:
            now = self._clock.now()
            return rules.given(rules.renewed(known, self._restored, first.epoch, now), first, page, count, now)

        try:
            after = edit(read.value if read is not None else None)
            stored = await self._lanes.save(after, version=read.version if read is not None else 0)
        except Conflict:
            stored = await self._lanes.change(lane, edit, tries=TRIES)
        positions = rules.positions(stored.value, page)
        if len(stored.value.spans) > MOST_SPANS:
            await self._merge(stored)
        return positions

    async def _merge(self, stored: Stored[Lane]) -> None:
        """Much of it waits to be routed: what is settled need not be told apart. At the next page, where others are at
        work on it."""
        holds = await self._pages.holds([span.page for span in stored.value.spans if span.page])
        after = rules.merged(stored.value, frozenset(page for page, held in holds.items() if held))
        try:
            await self._lanes.save(after, version=stored.version)
        except Conflict:
            return
