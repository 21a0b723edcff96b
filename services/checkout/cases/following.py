"""Who watches a purchase: its changes, from the stored timeline.

Any replica may see the answer that moves a purchase on, so four times a second the store is asked for the versions of
all that this replica's streams watch, by one query that reads no purchase. Only what moved is read, once for all its
streams; what this process saves itself is read at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from services.checkout.domain.checkout import Checkout
from shared.kernel.streams import OpenStreams
from shared.saga.record import Status
from shared.store.repository import Repository

POLL_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 15.0
STREAMS = 2_000
STREAMS_PER_CALLER = 20


class Change(NamedTuple):
    """A change of a purchase: the purchase as last read, and which of its changes it is, counted from 1."""

    checkout: Checkout
    position: int


class _Watch:
    """One stream's inbox. A purchase holds its whole timeline, so only the newest reading is kept."""

    def __init__(self, checkout: Checkout) -> None:
        self._newest = checkout
        self._moved = asyncio.Event()

    def tell(self, checkout: Checkout) -> None:
        if checkout.revision > self._newest.revision:
            self._newest = checkout
            self._moved.set()

    async def next(self) -> Checkout:
        await self._moved.wait()
        self._moved.clear()
        return self._newest


class Followers(OpenStreams):
    """The open streams of one process: no more than `streams`, and `per_caller` of one caller."""

    def __init__(
        self,
        repository: Repository[Checkout],
        draining: asyncio.Event,
        *,
        streams: int = STREAMS,
        per_caller: int = STREAMS_PER_CALLER,
    ) -> None:
        super().__init__(streams, per_caller)
        self._repository = repository
        self._draining = draining
        self._watches: dict[str, set[_Watch]] = defaultdict(set)
        self._versions: dict[str, int] = {}
        self._touched: set[str] = set()
        self._touch = asyncio.Event()

    def touch(self, checkout_id: str) -> None:
        """A purchase was saved here: if it is watched, it is read before the next poll is due."""
        if checkout_id in self._watches:
            self._touched.add(checkout_id)
            self._touch.set()

    async def run(self) -> None:
        """Look at what is watched, for ever. No `Every`: what is saved here cuts its pause short."""
        loop = asyncio.get_running_loop()
        while True:
            await self._poll()
            due = loop.time() + POLL_SECONDS
            while await self._touched_before(due):
                touched, self._touched = self._touched, set()
                await self._read(touched)

    async def _touched_before(self, due: float) -> bool:
        try:
            async with asyncio.timeout_at(due):
                await self._touch.wait()
        except TimeoutError:
            return False
        self._touch.clear()
        return True

    async def _poll(self) -> None:
        """Read what has another version than when it was read last."""
        if not self._watches:
            return
        versions = await self._repository.versions(list(self._watches))
        moved = {id_ for id_, version in versions.items() if self._versions.get(id_) != version}
        # What a newer release wrote is not read, nor asked for again before it moves.
        for id_ in moved - await self._read(moved):
            if id_ in self._watches:
                self._versions[id_] = versions[id_]

    async def _read(self, ids: Iterable[str]) -> set[str]:
        """Tell the streams what is stored; the ids of what could be read."""
        wanted = [id_ for id_ in ids if id_ in self._watches]
        found = await self._repository.load_many(wanted) if wanted else []
        for stored in found:
            for watch in self._watches.get(stored.value.id, ()):
                self._versions[stored.value.id] = stored.version
                watch.tell(stored.value)
        return {stored.value.id for stored in found}

    async def changes(self, checkout: Checkout, position: int) -> AsyncGenerator[Change | None, None]:
        """The changes after a position, as they come; None now and then, while there are none.

        They end with the purchase, or when the process drains.
        """
        with self._watch(checkout) as watch:
            while True:
                for number in range(position + 1, len(checkout.record.timeline) + 1):
                    yield Change(checkout, number)
                position = max(position, len(checkout.record.timeline))
                if _over(checkout) or self._draining.is_set():
                    return
                found = await self._next(watch)
                if found is None:
                    yield None
                else:
                    checkout = found

    async def _next(self, watch: _Watch) -> Checkout | None:
        """The purchase as last read; None when it is time to show that the line still lives."""
        draining = asyncio.ensure_future(self._draining.wait())
        reading = asyncio.ensure_future(watch.next())
        try:
            done, _ = await asyncio.wait(
                (draining, reading), timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            return reading.result() if reading in done else None
        finally:
            draining.cancel()
            reading.cancel()

    @contextmanager
    def _watch(self, checkout: Checkout) -> Iterator[_Watch]:
        watch = _Watch(checkout)
        self._watches[checkout.id].add(watch)
        # It may have moved since this stream's first reading, which only another reading tells.
        self._versions.pop(checkout.id, None)
        try:
            yield watch
        finally:
            self._watches[checkout.id].discard(watch)
            if not self._watches[checkout.id]:
                del self._watches[checkout.id]
                self._versions.pop(checkout.id, None)


def _over(checkout: Checkout) -> bool:
    return checkout.record.ended or checkout.record.status is Status.NEEDS_ATTENTION
