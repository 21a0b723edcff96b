"""Segments go when their time is over, whole."""

import asyncio
from collections.abc import Sequence
from typing import Final

from services.archive.cases.shelf import place_of
from services.archive.domain.segment import Segment
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.segments.places import Place
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

AT_ONCE: Final = 50


class Removing:
    """Takes segments away. The documents stay: they say that it was time, and what the next segment of the writer
    follows."""

    def __init__(self, root: Place, collections: Sequence[Repository[Segment]], clock: Clock) -> None:
        self._root = root
        self._collections = collections
        self._clock = clock

    async def once(self) -> None:
        """Those that are due. Killed in between, the next one does it again. Raises OSError, Unavailable."""
        for segments in self._collections:
            for stored in await segments.due(self._clock.now(), AT_ONCE):
                await self._remove(segments, stored)

    async def _remove(self, segments: Repository[Segment], stored: Stored[Segment]) -> None:
        segment, now = stored.value, self._clock.now()
        if segment.is_over(now):
            await asyncio.to_thread(place_of(self._root, segment.keep).remove, segment.id)
            try:
                await segments.save(changed(segment, removed_at=now), version=stored.version)
            except Conflict:
                return  # another replica did it
