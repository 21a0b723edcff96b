"""Which carts are forgotten, and when."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.cart.adapters.offers_http import OffersOverHttp
from services.cart.cases.filling import BY_MEMBER, Carts, forgotten_at
from services.cart.domain.cart import Cart
from shared.kernel.clock import CheckedClock
from shared.kernel.values import changed
from shared.runtime.providers import neighbor
from shared.store.documents import CollectionSpec, Index
from shared.store.repository import Repository
from shared.store.sweeping import Sweeper
from tests.kit.laptop import Laptop


class Shelf:
    """Carts on SQLite with a wound clock; they live a day and are kept thirty."""

    def __init__(self, folder: Path) -> None:
        laptop = Laptop(folder)
        self.hand = laptop.hand
        self.store = laptop.store("cart")
        self.repository = Repository(
            self.store.collection(CollectionSpec("carts", (Index(BY_MEMBER, ("member_id",)),))),
            Cart,
            key=lambda cart: cart.id,
            wake=forgotten_at(timedelta(days=30)),
        )
        offers = OffersOverHttp(neighbor(laptop, "offers", 1))
        self.sweeper = Sweeper(self.repository, laptop.clock)
        self.carts = Carts(self.repository, offers, laptop.clock, laptop.ids, timedelta(days=1))

    async def saved(self, **fields: object) -> str:
        cart = await self.carts.open("ana", "portal", "BRL")
        stored = await self.repository.load(cart.id)
        assert stored is not None
        await self.repository.save(changed(stored.value, **fields), version=stored.version)
        return cart.id

    async def left(self) -> set[str]:
        return {cart.id for cart in await self.carts.newest("ana", None, 50)}


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path)
    await shelf.store.open()
    yield shelf
    await shelf.store.close()


async def test_a_cart_nobody_bought_is_swept_after_its_time_and_a_bought_or_locked_one_stays(shelf: Shelf) -> None:
    abandoned = await shelf.saved()
    locked = await shelf.saved(state="locked", locked_by="p-1")
    bought = await shelf.saved(state="purchased", locked_by="p-2")
    shelf.hand.pass_by(days=30, hours=23)
    assert await shelf.sweeper.once() == 0
    assert await shelf.left() == {abandoned, locked, bought}
    shelf.hand.pass_by(hours=1)
    assert await shelf.sweeper.once() == 1
    assert await shelf.left() == {locked, bought}


async def test_a_deleted_cart_leaves_its_fences_for_a_while_and_then_nothing(shelf: Shelf) -> None:
    cart = await shelf.carts.open("ana", "portal", "BRL")
    await shelf.carts.delete(cart.id, "ana", lambda _: None)
    trace = await shelf.repository.load(cart.id)
    assert trace is not None
    assert trace.value.member_id is None
    shelf.hand.pass_by(days=30)
    assert await shelf.sweeper.once() == 1
    assert await shelf.repository.load(cart.id) is None


async def test_a_clock_far_ahead_costs_a_share_of_the_carts_and_a_known_one_none(shelf: Shelf) -> None:
    carts = {await shelf.saved() for _ in range(300)}
    shelf.hand.pass_by(days=400)
    known = CheckedClock(shelf.hand)
    known.compare("store", shelf.hand.now() - timedelta(days=400), 0.01)
    assert await Sweeper(shelf.repository, known).once() == 0
    while await shelf.sweeper.once():
        pass
    assert await shelf.repository.collection.count() == len(carts) - 100
