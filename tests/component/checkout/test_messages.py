"""Purchases that are started by messages, and answers that find none."""

from typing import Any

import pytest

from shared.bus.retry import Unreadable
from shared.contracts.cart import LockCart
from shared.contracts.checkout import CheckoutRefused, StartCheckout
from shared.kernel.errors import Later
from tests.component.checkout.conftest import CART, CartService, Desk, a_body
from tests.component.checkout.purchases import shown
from tests.saga.purchases import locked


def a_start(**change: Any) -> StartCheckout:
    return StartCheckout.model_validate({"key": "k-1", "member_id": "ana", **a_body(), **change})


async def test_a_message_starts_the_same_purchase_as_a_request_with_its_key(desk: Desk) -> None:
    await desk.tell(a_start())
    lock = await desk.expect(LockCart)
    await desk.tell(a_start())
    assert (await desk.buy()).json()["id"] == lock.purchase_id
    await desk.nothing_more()


async def test_what_http_refuses_at_once_a_message_learns_by_an_event_each_time(desk: Desk, carts: CartService) -> None:
    carts.carts["c-1"] = {**CART, "items": 0}
    for _ in range(2):
        await desk.tell(a_start())
        event = await desk.expect(CheckoutRefused)
        assert event.refusal is not None
        assert (event.key, event.refusal.code) == ("k-1", "cart_empty")
    await desk.nothing_more()
    checkout = await shown(desk, event.checkout_id)
    assert (checkout["status"], checkout["refusal"]["code"]) == ("refused", "cart_empty")


async def test_a_message_with_a_used_key_and_another_body_is_kept_with_the_dead(desk: Desk) -> None:
    await desk.tell(a_start())
    with pytest.raises(Unreadable, match="key was used before"):
        await desk.tell(a_start(contact={"email": "other@example.com"}))


async def test_a_message_waits_while_the_cart_service_is_silent(desk: Desk, carts: CartService) -> None:
    carts.silent = True
    with pytest.raises(Later):
        await desk.tell(a_start())


async def test_an_answer_to_a_purchase_that_is_not_here_is_kept_with_the_dead(desk: Desk) -> None:
    await desk.buy()
    lock = await desk.expect(LockCart)
    with pytest.raises(Unreadable, match="not here"):
        await desk.tell(locked()(lock.model_copy(update={"purchase_id": "unknown"})))
