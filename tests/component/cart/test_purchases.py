"""What a purchase's commands do to a cart, and what they are answered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.cart.domain.cart import MOST_PURCHASES
from shared.contracts.cart import CartClosed, CartLocked, LockCart
from shared.contracts.steps import StepRefused, StepUndone
from shared.runtime.service import Service
from shared.store.documents import Collection, CollectionSpec
from tests.component.cart.buying import CAUSE, Purchase, refused
from tests.component.cart.member import Member, bag, passengers, seat
from tests.days import NOW
from tests.kit.laptop import Laptop


async def test_a_locked_cart_tells_what_is_bought_and_what_it_costs(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    for item in (seat(offer, 0, 1), bag(offer, 1, 2)):
        assert (await ana.add(cart_id, item)).status_code == 201
    shown = (await ana.patch(f"/{cart_id}", {"use_miles": 30_000})).json()

    answer = await Purchase(cart, laptop, cart_id).lock()

    assert isinstance(answer, CartLocked)
    assert (answer.purchase_id, answer.step, answer.attempt, answer.undo) == ("p-1", "lock the cart", 1, False)
    order = answer.order
    assert order.money.model_dump() == shown["total"]["money"]
    assert order.miles == 30_000
    [a_flight] = order.flights
    assert a_flight.item_id == shown["items"][0]["id"]
    assert [one.model_dump() for one in a_flight.passengers] == passengers()
    assert a_flight.price.model_dump() == offer["price"]
    assert a_flight.taxes.model_dump() == offer["taxes"]
    assert a_flight.segments[0].booking_class == "Y"
    assert a_flight.segments[0].departs_at.utcoffset() == timedelta(hours=-3)
    assert [(one.seat, one.passenger) for one in order.seats] == [(offer["seats"][0]["seat"], 1)]
    assert [(one.pieces, one.passenger) for one in order.bags] == [(2, 1)]
    assert (await ana.cart(cart_id))["status"] == "locked"


async def test_the_answer_is_published_as_saved_with_its_cause(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    await Purchase(cart, laptop, await ana.filled(offer)).lock()
    [message] = laptop.recorder.entries
    assert (message.exchange, message.routing_key) == ("answers", "cart.locked.v1")
    assert message.headers["cloudEvents:source"] == "milesaga/cart"
    assert message.headers["cloudEvents:causationid"] == "e-1"


async def test_a_repeated_lock_is_answered_alike_without_asking_for_prices(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    [offer, *_] = await ana.offers()
    purchase = Purchase(cart, laptop, await ana.filled(offer))
    first = await purchase.lock()
    laptop.wires.cut.add("offers.test")
    laptop.hand.pass_by(hours=1)
    assert await purchase.lock() == first


async def test_a_new_attempt_of_the_same_purchase_locks_again(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    purchase = Purchase(cart, laptop, await ana.filled(offer))
    await purchase.lock()
    again = await purchase.lock(attempt=2)
    assert isinstance(again, CartLocked)
    assert again.attempt == 2


async def test_a_locked_cart_is_nobody_elses_and_cannot_be_changed(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    await Purchase(cart, laptop, cart_id).lock()
    assert refused(await Purchase(cart, laptop, cart_id, "p-2").lock()) == "cart_locked"
    item = (await ana.cart(cart_id))["items"][0]["id"]
    for answer in (
        await ana.patch(f"/{cart_id}", {"use_miles": 1}),
        await ana.add(cart_id, bag(offer)),
        await ana.delete(f"/{cart_id}/items/{item}"),
        await ana.delete(f"/{cart_id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "cart_locked")


async def test_of_two_purchases_at_once_one_gets_the_cart(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    commands = [
        LockCart(purchase_id=f"p-{number}", step="lock the cart", cart_id=cart_id, member_id="ana")
        for number in range(4)
    ]
    await asyncio.gather(*[cart.table[LockCart](command, CAUSE) for command in commands])
    said = [type(message) for message in laptop.recorder.said]
    assert (said.count(CartLocked), said.count(StepRefused)) == (1, 3)


async def test_an_unlocked_cart_is_its_owners_again(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    await purchase.lock()
    tag = (await ana.get(f"/{cart_id}")).headers["etag"]
    answer = await purchase.unlock()
    assert isinstance(answer, StepUndone)
    assert answer.undo is True
    read = await ana.get(f"/{cart_id}")
    assert read.json()["status"] == "open"
    assert read.headers["etag"] != tag
    assert (await ana.add(cart_id, bag(offer))).status_code == 201
    assert isinstance(await Purchase(cart, laptop, cart_id, "p-2").lock(), CartLocked)


async def test_only_its_own_purchase_unlocks_a_cart(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    await Purchase(cart, laptop, cart_id, "p-1").lock()
    assert isinstance(await Purchase(cart, laptop, cart_id, "p-2").unlock(), StepUndone)
    assert (await ana.cart(cart_id))["status"] == "locked"


async def test_an_unlock_that_comes_first_keeps_the_lock_out(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    await purchase.unlock()
    assert refused(await purchase.lock()) == "fenced"
    assert (await ana.cart(cart_id))["status"] == "open"
    assert isinstance(await Purchase(cart, laptop, cart_id, "p-2").lock(), CartLocked)


async def test_an_unlock_comes_twice_with_one_effect(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    await purchase.lock()
    await purchase.unlock()
    await Purchase(cart, laptop, cart_id, "p-2").lock()
    assert isinstance(await purchase.unlock(), StepUndone)
    assert (await ana.cart(cart_id))["status"] == "locked"


async def test_a_bought_cart_is_purchased_for_good(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    await purchase.lock()
    laptop.hand.pass_by(minutes=30)
    for _ in range(2):
        assert isinstance(await purchase.close(), CartClosed)
    assert (await ana.cart(cart_id))["status"] == "purchased"
    assert refused(await Purchase(cart, laptop, cart_id, "p-2").lock()) == "cart_locked"
    for answer in (await ana.patch(f"/{cart_id}", {"use_miles": 1}), await ana.delete(f"/{cart_id}")):
        assert (answer.status_code, answer.json()["code"]) == (409, "cart_closed")


async def test_another_purchases_close_leaves_the_cart_alone(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    await Purchase(cart, laptop, cart_id).lock()
    await Purchase(cart, laptop, cart_id, "p-2").close()
    assert (await ana.cart(cart_id))["status"] == "locked"


async def test_an_unknown_foreign_deleted_or_empty_cart_is_refused(ana: Member, cart: Service, laptop: Laptop) -> None:
    empty, gone = await ana.made(), await ana.made()
    await ana.delete(f"/{gone}")
    assert refused(await Purchase(cart, laptop, "none").lock()) == "not_found"
    assert refused(await Purchase(cart, laptop, gone).lock()) == "not_found"
    assert refused(await Purchase(cart, laptop, empty).lock("bob")) == "not_found"
    assert refused(await Purchase(cart, laptop, empty).lock(attempt=2)) == "cart_empty"
    assert (await ana.get("/none")).status_code == 404
    assert [one["id"] for one in (await ana.get()).json()["carts"]] == [empty]


@pytest.fixture
async def stored(cart: Service, laptop: Laptop) -> AsyncIterator[Collection]:
    """The service's documents as another process reads them."""
    store = laptop.store("cart")
    collection = store.collection(CollectionSpec("carts"))
    await store.open()
    yield collection
    await store.close()


async def test_a_cart_that_never_was_leaves_no_trace(cart: Service, laptop: Laptop, stored: Collection) -> None:
    purchase = Purchase(cart, laptop, "none")
    for attempt in (1, 2):
        assert refused(await purchase.lock(attempt=attempt)) == "not_found"
    assert isinstance(await purchase.unlock(), StepUndone)
    assert refused(await purchase.lock()) == "not_found"
    assert isinstance(await purchase.close(), CartClosed)
    assert await stored.get("none") is None


async def test_a_strangers_purchase_leaves_no_trace_in_a_cart(
    ana: Member, cart: Service, laptop: Laptop, stored: Collection
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    before = await stored.get(cart_id)
    assert refused(await Purchase(cart, laptop, cart_id).lock("bob")) == "not_found"
    assert await stored.get(cart_id) == before


async def test_a_lock_that_comes_many_purchases_after_its_undo_is_kept_out(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    late = Purchase(cart, laptop, cart_id, "late")
    await late.unlock()
    for number in range(MOST_PURCHASES - 1):
        purchase = Purchase(cart, laptop, cart_id, f"p-{number}")
        assert isinstance(await purchase.lock(), CartLocked)
        assert isinstance(await purchase.unlock(), StepUndone)
    assert refused(await late.lock()) == "fenced"
    assert (await ana.cart(cart_id))["status"] == "open"


async def test_a_cart_tried_too_often_takes_no_other_purchase_and_grows_no_more(
    ana: Member, cart: Service, laptop: Laptop, stored: Collection
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    for number in range(MOST_PURCHASES):
        await Purchase(cart, laptop, cart_id, f"p-{number}").unlock()
    before = await stored.get(cart_id)
    another = Purchase(cart, laptop, cart_id, "another")
    for answer in (await another.lock(), await another.lock()):
        assert refused(answer) == "cart_locked"
    assert isinstance(await another.unlock(), StepUndone)
    assert refused(await another.lock()) == "cart_locked"
    assert isinstance(await another.close(), CartClosed)
    late = await another.lock(expires_at=NOW - timedelta(seconds=1))
    assert refused(late) == "expired"
    after = await stored.get(cart_id)
    assert before is not None
    assert after is not None
    assert after.body == before.body


async def test_the_last_purchase_that_a_cart_takes_can_be_completed(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    for number in range(MOST_PURCHASES - 1):
        await Purchase(cart, laptop, cart_id, f"p-{number}").unlock()
    last = Purchase(cart, laptop, cart_id, "last")
    assert isinstance(await last.lock(), CartLocked)
    for number in range(100, 110):
        await Purchase(cart, laptop, cart_id, f"p-{number}").lock()
    assert isinstance(await last.close(), CartClosed)
    assert (await ana.cart(cart_id))["status"] == "purchased"


async def test_an_expired_offer_refuses_the_lock(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    laptop.hand.pass_by(seconds=900)
    assert refused(await Purchase(cart, laptop, cart_id).lock()) == "offer_expired"


async def test_an_expired_cart_refuses_the_lock(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    laptop.hand.pass_by(days=1)
    assert refused(await Purchase(cart, laptop, cart_id).lock()) == "cart_expired"


async def test_an_unlocked_cart_whose_time_is_over_is_expired(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    await purchase.lock()
    laptop.hand.pass_by(days=1)
    late = Member(laptop, "ana")
    assert (await late.cart(cart_id))["status"] == "locked"
    await purchase.unlock()
    assert (await late.cart(cart_id))["status"] == "expired"


async def test_a_moved_price_is_refused_with_the_old_and_the_new_total(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer, use_miles=1000)
    old = (await ana.cart(cart_id))["total"]["money"]["amount"]
    async with laptop.client("sandbox") as sandbox:
        await sandbox.put("/sandbox/prices", json={"factor": 1.1})
        answer = await Purchase(cart, laptop, cart_id).lock()
        await sandbox.put("/sandbox/prices", json={"factor": 1.0})
    assert refused(answer) == "price_changed"
    assert isinstance(answer, StepRefused)
    assert f"BRL {old / 100:,.2f} and 1000 miles" in answer.detail
    assert "is now BRL " in answer.detail
    assert (await ana.cart(cart_id))["status"] == "open"
    assert isinstance(await Purchase(cart, laptop, cart_id, "p-2").lock(), CartLocked)


async def test_silent_offers_make_the_lock_wait_and_leave_the_cart_open(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    purchase = Purchase(cart, laptop, cart_id)
    laptop.wires.cut.add("sandbox.test")
    await purchase.lock_in_vain()
    laptop.wires.cut = {"offers.test"}
    await purchase.lock_in_vain()
    assert (await ana.cart(cart_id))["status"] == "open"
    laptop.wires.cut.clear()
    assert isinstance(await purchase.lock(), CartLocked)


async def test_an_expired_command_is_refused(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    purchase = Purchase(cart, laptop, await ana.filled(offer))
    assert refused(await purchase.lock(expires_at=NOW - timedelta(seconds=1))) == "expired"
