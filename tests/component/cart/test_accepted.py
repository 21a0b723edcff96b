"""A cart is bought as it was accepted, or not at all."""

from typing import Any

import pytest

from shared.contracts.cart import CartLocked
from shared.contracts.checkout import Total
from shared.contracts.steps import StepRefused
from shared.kernel.money import Money
from shared.runtime.service import Service
from tests.component.cart.buying import Purchase, refused
from tests.component.cart.member import Member, bag, passengers, seat
from tests.kit.laptop import Laptop


async def accepted(laptop: Laptop, cart_id: str) -> dict[str, Any]:
    """What a checkout reads of a cart when its purchase begins."""
    async with laptop.client("cart", laptop.authenticator.internal_headers) as checkout:
        found = (await checkout.get(f"/internal/carts/{cart_id}")).json()
    return {"revision": found["revision"], "total": Total.model_validate(found["total"])}


async def test_a_cart_as_it_was_accepted_is_locked(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer, use_miles=1000)
    order = await accepted(laptop, cart_id)
    purchase = Purchase(cart, laptop, cart_id)
    assert isinstance(await purchase.lock(**order), CartLocked)
    assert isinstance(await purchase.lock(**order, attempt=2), CartLocked)


@pytest.mark.parametrize("change", ["more miles", "fewer miles", "a bag", "a seat", "another flight", "a flight less"])
async def test_a_cart_changed_since_is_refused_with_both_totals_and_stays_open(
    ana: Member, cart: Service, laptop: Laptop, change: str
) -> None:
    [offer, other, *_] = await ana.offers()
    cart_id = await ana.filled(offer, use_miles=1000)
    order = await accepted(laptop, cart_id)
    match change:
        case "more miles":
            await ana.patch(f"/{cart_id}", {"use_miles": 2000})
        case "fewer miles":
            await ana.patch(f"/{cart_id}", {"use_miles": 0})
        case "a bag":
            await ana.add(cart_id, bag(offer))
        case "a seat":
            await ana.add(cart_id, seat(offer))
        case _:
            await ana.add(cart_id, {"kind": "flight", "offer_id": other["id"], "passengers": passengers()})
    if change == "a flight less":
        first = (await ana.cart(cart_id))["items"][0]["id"]
        await ana.delete(f"/{cart_id}/items/{first}")
    now = (await accepted(laptop, cart_id))["total"]

    answer = await Purchase(cart, laptop, cart_id).lock(**order)

    assert refused(answer) == "price_changed"
    assert isinstance(answer, StepRefused)
    assert str(order["total"]) in answer.detail
    assert str(now) in answer.detail
    assert (await ana.cart(cart_id))["status"] == "open"
    assert isinstance(await Purchase(cart, laptop, cart_id, "p-2").lock(revision=None, total=now), CartLocked)


async def test_a_cart_changed_and_changed_back_in_its_total_is_refused_all_the_same(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    """Other contents may cost the same: what was accepted is a revision, not an amount."""
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer, use_miles=1000)
    order = await accepted(laptop, cart_id)
    for miles in (0, 1000):
        await ana.patch(f"/{cart_id}", {"use_miles": miles})
    answer = await Purchase(cart, laptop, cart_id).lock(**order)
    assert refused(answer) == "price_changed"
    assert isinstance(answer, StepRefused)
    assert answer.detail.count(str(order["total"])) == 2


async def test_another_total_than_was_accepted_is_refused_without_a_revision_too(
    ana: Member, cart: Service, laptop: Laptop
) -> None:
    [offer, *_] = await ana.offers()
    cart_id = await ana.filled(offer)
    total = (await accepted(laptop, cart_id))["total"]
    for other in (
        Total(money=Money(amount=total.money.amount - 1, currency="BRL"), miles=0),
        Total(money=Money(amount=total.money.amount, currency="USD"), miles=0),
        Total(money=total.money, miles=1),
    ):
        assert refused(await Purchase(cart, laptop, cart_id, f"p-{other}").lock(total=other)) == "price_changed"
    assert isinstance(await Purchase(cart, laptop, cart_id).lock(total=total), CartLocked)


async def test_a_lock_of_an_older_release_is_taken(ana: Member, cart: Service, laptop: Laptop) -> None:
    [offer, *_] = await ana.offers()
    assert isinstance(await Purchase(cart, laptop, await ana.filled(offer)).lock(), CartLocked)
