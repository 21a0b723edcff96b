"""Purchases that are started by messages, and answers that find none."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.checkout.adapters.partners_file import PartnersFile
from shared.bus.partners import Partner, Partners
from shared.bus.retry import Unreadable
from shared.contracts.cart import LockCart
from shared.contracts.checkout import CheckoutRefused, StartCheckout
from shared.kernel.errors import Later
from shared.kernel.values import changed
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
        await desk.tell(locked()(changed(lock, purchase_id="unknown")))


async def test_a_partner_buys_for_those_members_alone_that_its_entry_names(desk: Desk) -> None:
    partners = Partners(desk.runtime.settings.partners)
    partners.put("acme", Partner(members=frozenset({"ana"}), password_hash="x"))
    partners.put("zeta", Partner(members=frozenset({"rui"}), password_hash="x"))
    for stranger in ("zeta", "nobody", "milesaga"):
        with pytest.raises(Unreadable, match="not_allowed: "):
            await desk.tell(a_start(), sender=stranger)
    await desk.nothing_more()
    await desk.tell(a_start(), sender="acme")
    await desk.expect(LockCart)
    partners.put("acme", Partner(members=frozenset({"rui"}), password_hash="x"))
    with pytest.raises(Unreadable, match="not_allowed: "):
        await desk.tell(a_start(key="k-2"), sender="acme")


UNREADABLE: dict[str, dict[str, Any]] = {
    "a field is missing": {"contact": None},
    "the payment is of no kind": {"payment": {"method": "cheque"}},
    "the cart is no text": {"cart_id": 7},
    "the cart's id is endless": {"cart_id": "c" * 300},
}


def a_broken_order(**change: Any) -> bytes:
    return json.dumps({"key": "k-1", "member_id": "ana", **a_body(), **change}).encode()


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
async def test_who_sends_an_order_that_cannot_be_read_hears_of_it_under_its_key(
    desk: Desk, change: dict[str, Any]
) -> None:
    with pytest.raises(Unreadable):
        await desk.deliver(a_broken_order(**change))
    event = await desk.expect(CheckoutRefused)
    assert event.refusal is not None
    assert (event.key, event.member_id) == ("k-1", "ana")
    assert (event.refusal.step, event.refusal.code) == ("start", "unreadable")
    assert f"/{next(iter(change))}" in event.refusal.detail
    assert event.cart_id == ("" if "cart_id" in change else "c-1")
    await desk.nothing_more()


async def test_an_order_whose_envelope_is_at_fault_is_refused_by_its_key_as_well(desk: Desk) -> None:
    with pytest.raises(Unreadable):
        await desk.deliver(a_broken_order(), **{"cloudEvents:specversion": "0.3"})
    refusal = (await desk.expect(CheckoutRefused)).refusal
    assert refusal is not None
    assert "specversion" in refusal.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"k-1"',
        b"\xff",
        b'{"key": "k-1"}',
        b'{"member_id": "ana"}',
        b'{"key": "", "member_id": "ana"}',
    ],
)
async def test_nothing_is_told_where_member_and_key_cannot_be_read(desk: Desk, body: bytes) -> None:
    with pytest.raises(Unreadable):
        await desk.deliver(body)
    await desk.nothing_more()


async def test_nothing_is_told_of_other_members_orders(desk: Desk) -> None:
    partners = Partners(desk.runtime.settings.partners)
    partners.put("zeta", Partner(members=frozenset({"rui"}), password_hash="x"))
    for stranger in ("zeta", "nobody"):
        with pytest.raises(Unreadable):
            await desk.deliver(a_broken_order(contact=None), sender=stranger)
    await desk.nothing_more()
    with pytest.raises(Unreadable):
        await desk.deliver(a_broken_order(contact=None, member_id="rui"), sender="zeta")
    assert (await desk.expect(CheckoutRefused)).member_id == "rui"


async def test_a_purchase_that_lives_under_the_key_is_not_said_to_be_refused(desk: Desk) -> None:
    await desk.tell(a_start())
    await desk.expect(LockCart)
    with pytest.raises(Unreadable):
        await desk.deliver(a_broken_order(contact=None))
    await desk.nothing_more()


def test_a_nameless_message_is_taken_on_a_laptop_and_nowhere_else(tmp_path: Path) -> None:
    partners = Partners(tmp_path / "partners.json")
    assert PartnersFile(partners, nameless=True).refusal("", "ana") is None
    refusal = PartnersFile(partners, nameless=False).refusal("", "ana")
    assert refusal is not None
    assert refusal.startswith("unidentified")
