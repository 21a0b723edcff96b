"""Searching, and keeping what was found for as long as it may be bought."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.offers.domain import Extras, Fare, Itinerary, Offer, Query, is_on_sale, miles_price
from services.offers.ports import Shopping
from shared.kernel.clock import Clock, Stopwatch
from shared.kernel.ids import Ids
from shared.store.repository import Repository

log = logging.getLogger(__name__)

SEARCHES_CACHED = 256


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which conditions offers are made."""

    offer_life: timedelta
    search_cache: timedelta
    miles_per_hundred: int


class Quoting:
    """Makes offers of what is for sale, and remembers them until they are swept."""

    def __init__(self, shopping: Shopping, offers: Repository[Offer], clock: Clock, ids: Ids, terms: Terms) -> None:
        self._shopping = shopping
        self._offers = offers
        self._clock = clock
        self._watch = Stopwatch(clock)
        self._ids = ids
        self._terms = terms
        self._searches: dict[Query, tuple[float, asyncio.Task[Sequence[Offer]]]] = {}

    async def search(self, query: Query) -> Sequence[Offer]:
        """Offers for a search, stored. The same search at the same moment is one. Raises `ShoppingUnavailable`."""
        if not is_on_sale(query, self._clock.now()):
            return ()
        now = self._watch.seconds()
        begun, task = self._searches.get(query, (0.0, None))
        if task is None or (task.done() and not self._fresh(begun, task, now)):
            task = asyncio.create_task(self._search(query))
            task.add_done_callback(_heard)
            self._searches.pop(query, None)
            self._searches[query] = (now, task)
            self._forget_searches()
        # One that goes away does not take the search from the others.
        return await asyncio.shield(task)

    async def find(self, offer_id: str) -> Offer | None:
        """An offer as it was made, expired or not; None when it was never made, or is swept."""
        stored = await self._offers.load(offer_id)
        return stored.value if stored else None

    async def reprice(self, offer: Offer) -> Fare | None:
        """What its flights cost now; None when they are not for sale. Raises `ShoppingUnavailable`."""
        return await self._shopping.reprice(offer)

    def miles_for(self, fare: Fare, adults: int) -> int:
        return miles_price(fare.price, adults, self._terms.miles_per_hundred)

    async def _search(self, query: Query) -> Sequence[Offer]:
        itineraries = await self._shopping.search(query)
        if not itineraries:
            return ()
        extras = await self._shopping.extras(itineraries)
        offers = [
            self._offer(query, one, also.sold_in(one.fare.price.currency))
            for one, also in zip(itineraries, extras, strict=True)
        ]
        await asyncio.gather(*[self._offers.save(offer, version=0) for offer in offers])
        return offers

    def _offer(self, query: Query, itinerary: Itinerary, extras: Extras) -> Offer:
        return Offer(
            id=self._ids.new(),
            expires_at=self._clock.now() + self._terms.offer_life,
            adults=query.adults,
            cabin=query.cabin,
            segments=itinerary.segments,
            price=itinerary.fare.price,
            taxes=itinerary.fare.taxes,
            miles=self.miles_for(itinerary.fare, query.adults),
            seats=extras.seats,
            bags=extras.bags,
        )

    def _fresh(self, begun: float, task: asyncio.Task[Sequence[Offer]], now: float) -> bool:
        well = not task.cancelled() and task.exception() is None
        return well and now - begun < self._terms.search_cache.total_seconds()

    def _forget_searches(self) -> None:
        """The oldest ones that are done; those under way are held by whoever waits for them."""
        for query in [one for one, (_, task) in self._searches.items() if task.done()]:
            if len(self._searches) <= SEARCHES_CACHED and self._terms.search_cache:
                return
            del self._searches[query]


def _heard(task: asyncio.Task[Sequence[Offer]]) -> None:
    """A failure that everybody who asked went away from is nobody's news."""
    if not task.cancelled():
        task.exception()
