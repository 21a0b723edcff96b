"""Who watches a purchase: its changes, from the stored timeline.

Any replica may see the answer that moves a purchase on, so a stream reads the store: one query every quarter of a
second for all of a replica's streams together, and at once when this process saves one of those watched.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from services.checkout.domain.checkout import Checkout
from shared.saga.record import Status
from shared.store.repository import Repository

POLL_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 15.0


class Change(NamedTuple):
    """A change of a purchase: the purchase as last read, and which of its changes it is, counted from 1."""

    checkout: Checkout
    position: int


class _Watch:
    """One stream's inbox: what it was shown last, and what came since."""

    def __init__(self, checkout: Checkout) -> None:
        self._revision = checkout.revision
        self._news: asyncio.Queue[Checkout] = asyncio.Queue()

    def tell(self, checkout: Checkout) -> None:
        if checkout.revision > self._revision:
            self._revision = checkout.revision
            self._news.put_nowait(checkout)

    async def next(self) -> Checkout:
        return await self._news.get()


class Followers:
    """The open streams of one process."""

    def __init__(self, repository: Repository[Checkout], draining: asyncio.Event) -> None:
        self._repository = repository
        self._draining = draining
        self._watches: dict[str, set[_Watch]] = defaultdict(set)
        self._touched = asyncio.Event()

    def touch(self, checkout_id: str) -> None:
        """A purchase was saved here: if it is watched, look before the next poll is due."""
        if checkout_id in self._watches:
            self._touched.set()

    async def run(self) -> None:
        """Look at what is watched, for ever."""
        while True:
            if self._watches:
                for stored in await self._repository.load_many(list(self._watches)):
                    for watch in self._watches.get(stored.value.id, ()):
                        watch.tell(stored.value)
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._touched.wait()
            except TimeoutError:
                continue
            self._touched.clear()

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
        try:
            yield watch
        finally:
            self._watches[checkout.id].discard(watch)
            if not self._watches[checkout.id]:
                del self._watches[checkout.id]


def _over(checkout: Checkout) -> bool:
    return checkout.record.ended or checkout.record.status is Status.NEEDS_ATTENTION
