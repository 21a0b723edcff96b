"""The checkout service: buying and looking, over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.checkout import CheckoutCompleted, CheckoutRefused
from shared.contracts.miles import HoldMiles
from shared.contracts.notifications import CustomerNotified, NotifyCustomer
from tests.component.checkout.conftest import CART, CartService, Desk, a_body, checkout_desk
from tests.component.checkout.purchases import complete, shown
from tests.kit.clock import HandClock
from tests.saga.purchases import TICKET, locked
from tests.saga.script import refused, undone


async def test_buying_is_accepted_and_the_cart_is_told_to_lock(desk: Desk) -> None:
    bought = await desk.buy()
    assert bought.status_code == 202
    checkout = bought.json()
    assert bought.headers["Location"] == f"/v1/checkouts/{checkout['id']}"
    assert (checkout["status"], checkout["cart_id"]) == ("running", "c-1")
    assert checkout["total"] == {"money": {"amount": 250_00, "currency": "BRL"}, "miles": 10_000}
    assert {step["status"] for step in checkout["steps"]} == {"pending"}
    assert (checkout["next_action"], checkout["refusal"], checkout["tickets"]) == (None, None, [])
    lock = await desk.expect(LockCart)
    assert (lock.purchase_id, lock.cart_id, lock.member_id) == (checkout["id"], "c-1", "ana")


async def test_a_completed_purchase_is_told_to_everybody_and_to_the_customer(desk: Desk) -> None:
    checkout_id = await complete(desk)
    event = await desk.expect(CheckoutCompleted)
    assert (event.checkout_id, event.key, event.member_id) == (checkout_id, "k-1", "ana")
    assert (event.locators, event.tickets) == (("ABC123",), (TICKET,))
    notice = await desk.expect(NotifyCustomer)
    assert (notice.template, notice.contact.email, notice.paid_with) == ("completed", "ana@example.com", "visa 4242")
    await desk.nothing_more()
    checkout = await shown(desk, checkout_id)
    assert checkout["status"] == "completed"
    assert checkout["locators"] == ["ABC123"]
    assert checkout["tickets"] == [{"number": TICKET.number, "passenger": 0, "segments": [0]}]
    assert {step["status"] for step in checkout["steps"]} == {"done", "skipped"}


async def test_the_answer_to_a_notification_is_taken_without_a_word(desk: Desk) -> None:
    await complete(desk)
    await desk.expect(CheckoutCompleted)
    notice = await desk.expect(NotifyCustomer)
    await desk.tell(CustomerNotified.to(notice, message_id="<1@milesaga>"))
    await desk.tell(refused("bounced")(notice))
    await desk.nothing_more()


async def test_a_refused_purchase_is_told_when_everything_is_undone(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.answer(LockCart, locked())
    await desk.answer(HoldMiles, refused("insufficient_miles"))
    assert (await shown(desk, checkout_id))["status"] == "running"
    await desk.answer(UnlockCart, undone())
    event = await desk.expect(CheckoutRefused)
    assert event.refusal is not None
    assert (event.refusal.step, event.refusal.code) == ("hold miles", "insufficient_miles")
    assert (await desk.expect(NotifyCustomer)).template == "refused"
    checkout = await shown(desk, checkout_id)
    assert checkout["status"] == "refused"
    assert checkout["refusal"]["code"] == "insufficient_miles"


async def test_the_same_key_and_body_give_the_same_answer_however_far_the_purchase_is(desk: Desk) -> None:
    first = await desk.buy()
    await desk.answer(LockCart, locked())
    await desk.expect(HoldMiles)
    second = await desk.buy()
    assert (second.status_code, second.json()) == (202, first.json())
    await desk.nothing_more()


async def test_another_body_under_the_same_key_is_refused(desk: Desk) -> None:
    await desk.buy()
    again = await desk.buy(contact={"email": "other@example.com"})
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_same_key_of_another_member_is_another_purchase(desk: Desk, carts: CartService) -> None:
    carts.carts["c-2"] = {**CART, "id": "c-2", "member_id": "rui"}
    first, second = await desk.buy(), await desk.buy(member="rui", cart_id="c-2")
    assert second.status_code == 202
    assert first.json()["id"] != second.json()["id"]


async def test_an_accepted_purchase_has_its_cart_before_the_lock_is_answered(desk: Desk) -> None:
    first = await desk.buy("k-1")
    second = await desk.buy("k-2")
    assert (second.status_code, second.json()["code"]) == (409, "cart_locked")
    assert (await desk.buy("k-1")).json() == first.json()
    await desk.answer(LockCart, refused("price_changed"))
    assert (await shown(desk, first.json()["id"]))["status"] == "refused"
    assert (await desk.buy("k-3")).status_code == 202


async def test_a_repetition_while_the_first_is_in_flight_is_told_so(desk: Desk, carts: CartService) -> None:
    carts.hold.clear()
    first = asyncio.create_task(desk.buy())
    await carts.asked.wait()
    second = await desk.buy()
    assert (second.status_code, second.json()["code"]) == (409, "request_in_flight")
    assert second.headers["Retry-After"] == "1"
    carts.hold.set()
    assert (await first).status_code == 202


async def test_a_key_used_at_two_replicas_at_once_is_one_purchase(
    tmp_path: Path, clock: HandClock, carts: CartService, desk: Desk
) -> None:
    async with checkout_desk(tmp_path, clock, carts) as other:
        carts.hold.clear()
        both = [asyncio.create_task(each.buy()) for each in (desk, other)]
        await carts.asked.wait()
        carts.hold.set()
        answers = await asyncio.gather(*both)
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json()["id"] == answers[1].json()["id"]
        await desk.flushed()
        await other.flushed()
        said = [*desk.runtime.recorder.said, *other.runtime.recorder.said]
        assert [type(message) for message in said] == [LockCart]


async def test_a_silent_cart_service_is_503_and_nothing_is_remembered(desk: Desk, carts: CartService) -> None:
    carts.silent = True
    answer = await desk.buy()
    assert (answer.status_code, answer.json()["code"]) == (503, "carts_unavailable")
    carts.silent = False
    assert (await desk.buy()).status_code == 202


@pytest.mark.parametrize(
    ("cart", "status", "code"),
    [
        ({"member_id": "rui"}, 404, "cart_not_found"),
        ({"items": 0}, 422, "cart_empty"),
        ({"status": "locked"}, 409, "cart_locked"),
        ({"status": "purchased"}, 409, "cart_locked"),
        ({"status": "expired"}, 409, "cart_expired"),
        ({"expired_offers": ["o-1"]}, 409, "offer_expired"),
    ],
)
async def test_what_can_be_seen_at_once_is_refused_at_once(
    desk: Desk, carts: CartService, cart: dict[str, Any], status: int, code: str
) -> None:
    carts.carts["c-1"] = {**CART, **cart}
    answer = await desk.buy()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    await desk.nothing_more()


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"cart_id": "unknown"}, 404, "cart_not_found", "/cart_id"),
        ({"payment": None}, 422, "payment_required", "/payment"),
        ({"payment": {"method": "pix"}}, 422, "not_available", "/payment/method"),
        (
            {"payment": {"method": "card", "token": "tok_visa", "installments": 3}},
            422,
            "not_available",
            "/payment/installments",
        ),
        ({"payment": {"method": "cash"}}, 422, "invalid_request", "/payment/method"),
        ({"payment": {"method": "card", "token": "4242424242424242"}}, 422, "invalid_request", "/payment/token"),
        ({"contact": {"email": "nobody"}}, 422, "invalid_request", "/contact/email"),
        ({"surprise": 1}, 422, "invalid_request", "/surprise"),
    ],
)
async def test_a_wrong_field_is_named(desk: Desk, change: dict[str, Any], status: int, code: str, pointer: str) -> None:
    answer = await desk.buy(**change)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert "4242" not in answer.text
    await desk.nothing_more()


async def test_with_nothing_to_pay_in_money_no_payment_is_needed(desk: Desk, carts: CartService) -> None:
    carts.carts["c-1"] = {**CART, "total": {"money": {"amount": 0, "currency": "BRL"}, "miles": 10_000}}
    assert (await desk.buy(payment=None)).status_code == 202


async def test_without_a_key_nothing_is_bought(desk: Desk) -> None:
    answer = await desk.client.post("/v1/checkouts", json=a_body(), headers=desk.member())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


async def test_somebody_elses_purchase_is_not_there(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    for path in ("", "/events"):
        answer = await desk.client.get(f"/v1/checkouts/{checkout_id}{path}", headers=desk.member("rui"))
        assert answer.status_code == 404
    cancel = await desk.client.post(f"/v1/checkouts/{checkout_id}/cancel", headers=desk.member("rui"))
    assert cancel.status_code == 404


async def test_a_member_lists_purchases_newest_first_page_by_page(
    desk: Desk, carts: CartService, clock: HandClock
) -> None:
    for i in range(25):
        carts.carts[f"c-{i}"] = {**CART, "id": f"c-{i}"}
        clock.pass_by(seconds=1)
        await desk.buy(key=f"k-{i}", cart_id=f"c-{i}")
    first = (await desk.client.get("/v1/checkouts", headers=desk.member())).json()
    cursor = first["next_cursor"]
    second = (await desk.client.get("/v1/checkouts", params={"cursor": cursor}, headers=desk.member())).json()
    listed = [each["cart_id"] for each in (*first["checkouts"], *second["checkouts"])]
    assert listed == [f"c-{i}" for i in reversed(range(25))]
    assert second["next_cursor"] is None
    assert (await desk.client.get("/v1/checkouts", headers=desk.member("rui"))).json()["checkouts"] == []
    wrong = await desk.client.get("/v1/checkouts", params={"cursor": "x"}, headers=desk.member())
    assert wrong.status_code == 422
