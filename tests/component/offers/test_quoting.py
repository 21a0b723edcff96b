"""How long what was found is kept, and when the airline is asked again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.offers.cases.quoting import Quoting, Terms
from services.offers.domain import Extras, Fare, Itinerary, Offer, Query
from services.offers.ports import ShoppingUnavailable
from shared.kernel.money import Money
from shared.store import open_store
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.store.sweeping import Sweeper
from tests.kit.clock import HandClock
from tests.kit.laptop import Laptop

QUERY = Query("GRU", "LIS", date(2027, 1, 20), 1, "economy")
FARE = Fare(price=Money(amount=100_000, currency="BRL"), taxes=Money(amount=10_000, currency="BRL"))


class OneFare:
    """A distribution system with one thing to sell; `gate` holds it back, `broken` breaks it."""

    def __init__(self) -> None:
        self.searches = 0
        self.broken = False
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def search(self, query: Query) -> Sequence[Itinerary]:  # noqa: ARG002 - the port's
        self.searches += 1
        self.asked.set()
        await self.gate.wait()
        if self.broken:
            raise ShoppingUnavailable("broken")
        return [Itinerary(segments=(), fare=FARE)]

    async def extras(self, itineraries: Sequence[Itinerary]) -> Sequence[Extras]:
        return [Extras()] * len(itineraries)

    async def reprice(self, offer: Offer) -> Fare | None:  # noqa: ARG002 - the port's
        return FARE


class Desk:
    """Quoting on SQLite with a wound clock."""

    def __init__(self, folder: Path, cache: timedelta) -> None:
        self.laptop = Laptop(folder)
        self.clock: HandClock = self.laptop.hand
        self.store = open_store("offers", folder)
        self.offers = Repository(
            self.store.collection(CollectionSpec("offers")),
            Offer,
            key=lambda offer: offer.id,
            wake=lambda offer: offer.expires_at + timedelta(hours=1),
        )
        self.gds = OneFare()
        terms = Terms(timedelta(minutes=15), cache, 24)
        self.sweeper = Sweeper(self.offers, self.clock)
        self.quoting = Quoting(self.gds, self.offers, self.clock, self.laptop.ids, terms)


@pytest.fixture(params=[timedelta(0), timedelta(seconds=10)], ids=["uncached", "cached"])
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, request.param)
    await desk.store.open()
    yield desk
    await desk.store.close()


@pytest.mark.parametrize("desk", [timedelta(seconds=10)], indirect=True)
async def test_a_cached_search_gives_the_same_offers_for_its_seconds(desk: Desk) -> None:
    first = await desk.quoting.search(QUERY)
    desk.clock.pass_by(seconds=9)
    assert await desk.quoting.search(QUERY) == first
    desk.clock.pass_by(seconds=1)
    again = await desk.quoting.search(QUERY)
    assert again[0].id != first[0].id
    assert desk.gds.searches == 2


@pytest.mark.parametrize("desk", [timedelta(seconds=10)], indirect=True)
async def test_a_clock_set_back_keeps_no_search_longer(desk: Desk) -> None:
    first = await desk.quoting.search(QUERY)
    desk.clock.pass_by(hours=-3)
    assert await desk.quoting.search(QUERY) == first
    desk.clock.pass_by(seconds=10)
    assert (await desk.quoting.search(QUERY))[0].id != first[0].id


@pytest.mark.parametrize("desk", [timedelta(0)], indirect=True)
async def test_without_a_cache_each_search_asks_anew(desk: Desk) -> None:
    first = await desk.quoting.search(QUERY)
    assert (await desk.quoting.search(QUERY))[0].id != first[0].id


async def test_searches_at_the_same_moment_share_one_answer_though_one_asker_leaves(desk: Desk) -> None:
    desk.gds.gate.clear()
    leaving, *staying = [asyncio.create_task(desk.quoting.search(QUERY)) for _ in range(3)]
    await desk.gds.asked.wait()
    leaving.cancel()
    desk.gds.gate.set()
    first, second = await asyncio.gather(*staying)
    assert first == second
    assert desk.gds.searches == 1


async def test_a_failed_search_is_told_to_all_who_wait_and_not_remembered(desk: Desk) -> None:
    desk.gds.broken = True
    answers = await asyncio.gather(*[desk.quoting.search(QUERY) for _ in range(2)], return_exceptions=True)
    assert [type(answer) for answer in answers] == [ShoppingUnavailable] * 2
    desk.gds.broken = False
    assert len(await desk.quoting.search(QUERY)) == 1


async def test_searches_remembered_do_not_pile_up(desk: Desk) -> None:
    for adults in range(600):
        await desk.quoting.search(Query("GRU", "LIS", QUERY.date, adults + 1, "economy"))
    assert len(desk.quoting._searches) <= 257


async def test_an_expired_offer_is_known_for_an_hour_and_then_swept(desk: Desk) -> None:
    [offer] = await desk.quoting.search(QUERY)
    desk.clock.pass_by(minutes=74, seconds=59)
    assert await desk.sweeper.once() == 0
    assert await desk.quoting.find(offer.id) == offer
    desk.clock.pass_by(seconds=1)
    assert await desk.sweeper.once() == 1
    assert await desk.quoting.find(offer.id) is None
    assert await desk.sweeper.once() == 0
