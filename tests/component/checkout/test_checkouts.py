"""The checkout service: buying by HTTP and by message, following, cancelling, operating."""

import asyncio
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.checkout.domain import Checkout
from shared.bus import retry
from shared.bus.retry import Unreadable
from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.checkout import (
    CheckoutCancelled,
    CheckoutCompleted,
    CheckoutNeedsAttention,
    CheckoutRefused,
    StartCheckout,
    WakeCheckout,
)
from shared.contracts.miles import HoldMiles, RedeemMiles, ReleaseMiles
from shared.contracts.notifications import CustomerNotified, NotifyCustomer
from shared.contracts.payment import AuthorizeCard, CapturePayment
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking
from shared.kernel.errors import Later
from shared.store.repository import NewerSchema
from tests.component.checkout.conftest import CART, CartService, Desk, a_body, checkout_desk
from tests.component.web.issuer import HandClock
from tests.eventually import eventually, happens_within
from tests.saga.script import Reply, refused, undone
from tests.saga.test_checkout_saga import AUTHORIZED, CAPTURED, CLOSED, HELD, ISSUED, REDEEMED, RESERVED, TICKET, locked

UNTIL_ISSUE: tuple[tuple[Any, Reply], ...] = (
    (LockCart, locked()),
    (HoldMiles, HELD),
    (ReserveBooking, RESERVED),
    (AuthorizeCard, AUTHORIZED),
)
FROM_ISSUE: tuple[tuple[Any, Reply], ...] = (
    (IssueTickets, ISSUED),
    (CapturePayment, CAPTURED),
    (RedeemMiles, REDEEMED),
    (CloseCart, CLOSED),
)


async def complete(desk: Desk) -> str:
    """Buy, and give every answer; the checkout's id."""
    bought = await desk.buy()
    for kind, reply in (*UNTIL_ISSUE, *FROM_ISSUE):
        await desk.answer(kind, reply)
    return str(bought.json()["id"])


async def shown(desk: Desk, checkout_id: str, member: str = "ana") -> dict[str, Any]:
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}", headers=desk.member(member))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


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


async def events(desk: Desk, checkout_id: str, last: str | None = None) -> list[tuple[int, dict[str, Any]]]:
    """Every event until the stream ends."""
    headers = {**desk.member(), **({"Last-Event-ID": last} if last else {})}
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}/events", headers=headers, timeout=20)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.split("\n\n") if block.startswith("event: change")]
    return [(int(block[1].removeprefix("id: ")), json.loads(block[2].removeprefix("data: "))) for block in blocks]


async def test_a_follower_sees_every_change_as_it_was_and_the_stream_ends(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    following = asyncio.create_task(events(desk, checkout_id))
    for kind, reply in (*UNTIL_ISSUE, *FROM_ISSUE):
        await desk.answer(kind, reply)
    seen = await following
    assert [position for position, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[0][1]["status"] == "running"
    assert seen[-1][1] == await shown(desk, checkout_id)
    reserved = [event["locators"] for _, event in seen]
    assert reserved[0] == []
    assert reserved[-1] == ["ABC123"]
    statuses = [next(s["status"] for s in event["steps"] if s["name"] == "hold miles") for _, event in seen]
    assert [status for i, status in enumerate(statuses) if i == 0 or statuses[i - 1] != status] == [
        "pending",
        "running",
        "done",
    ]


async def test_a_follower_resumes_after_what_it_saw_last(desk: Desk) -> None:
    checkout_id = await complete(desk)
    everything = await events(desk, checkout_id)
    assert await events(desk, checkout_id, last="5") == everything[5:]
    assert await events(desk, checkout_id, last=str(len(everything))) == []
    wrong = await desk.client.get(
        f"/v1/checkouts/{checkout_id}/events", headers={**desk.member(), "Last-Event-ID": "five"}
    )
    assert wrong.status_code == 422


async def test_streams_end_when_the_process_drains(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    following = asyncio.create_task(events(desk, checkout_id))
    await asyncio.sleep(0)
    desk.runtime.draining.set()
    assert (await asyncio.wait_for(following, 10))[-1][1]["status"] == "running"
    refused_now = await desk.buy(key="k-2")
    assert (refused_now.status_code, refused_now.json()["code"]) == (503, "draining")


async def cancel(desk: Desk, checkout_id: str) -> tuple[int, dict[str, Any]]:
    answer = await desk.client.post(f"/v1/checkouts/{checkout_id}/cancel", headers=desk.member())
    return answer.status_code, answer.json()


async def test_a_cancel_before_the_tickets_undoes_everything(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.answer(LockCart, locked())
    await desk.answer(HoldMiles, HELD)
    await desk.expect(ReserveBooking)
    assert (await cancel(desk, checkout_id))[0] == 202
    assert (await cancel(desk, checkout_id))[0] == 202, "a cancel may be repeated"
    await desk.answer(CancelBooking, undone())
    await desk.answer(ReleaseMiles, undone())
    await desk.answer(UnlockCart, undone())
    await desk.expect(CheckoutCancelled)
    assert (await desk.expect(NotifyCustomer)).template == "cancelled"
    assert (await shown(desk, checkout_id))["status"] == "cancelled"


async def test_a_cancel_after_the_end_is_refused(desk: Desk) -> None:
    checkout_id = await complete(desk)
    status, problem = await cancel(desk, checkout_id)
    assert (status, problem["code"]) == (409, "already_ended")


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


async def test_silence_is_noticed_and_the_command_said_again(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    first = await desk.expect(LockCart)
    clock.pass_by(seconds=2.5)
    await eventually(lambda: len(desk.runtime.recorder.said) == 2)
    second = await desk.expect(LockCart)
    assert (second.purchase_id, second.attempt) == (first.purchase_id, first.attempt)
    step = (await shown(desk, checkout_id))["steps"][0]
    assert (step["status"], step["attempts"]) == ("unknown", 2)


async def test_two_processes_that_poll_the_same_timers_ask_once(
    tmp_path: Path, clock: HandClock, carts: CartService, desk: Desk
) -> None:
    async with checkout_desk(tmp_path, clock, carts) as other:
        checkout_id = (await desk.buy()).json()["id"]
        await desk.expect(LockCart)
        clock.pass_by(seconds=2.5)

        async def asked_again() -> bool:
            asks: int = (await desk.stored(checkout_id)).body["record"]["steps"]["lock cart"]["asks"]
            return asks == 2

        await eventually(asked_again)
        # Both polls run four times a second: a second ask of the other's would come within this one.
        assert not await happens_within(1.0, lambda: len(desk.said()) + len(other.said()) > 2)


async def test_a_timer_that_cannot_be_fired_is_pushed_back_and_ends_among_the_dead_letters(
    desk: Desk, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)

    def broken(_: object) -> Checkout:
        raise RuntimeError("a bug")

    monkeypatch.setattr("shared.saga.process.advance", lambda *_args, **_kwargs: broken(None))
    entries = desk.runtime.recorder.entries
    for _ in range(10):
        clock.pass_by(hours=1)
        stored = await desk.stored(checkout_id)

        async def seen(version: int = stored.version) -> bool:
            return (await desk.stored(checkout_id)).version > version

        await eventually(seen)
    await eventually(lambda: any(entry.routing_key == "checkout.dead" for entry in entries))
    letter = next(entry for entry in entries if entry.routing_key == "checkout.dead")
    assert letter.headers[retry.EXCEPTION] == "RuntimeError"
    assert (await desk.stored(checkout_id)).wake_at is not None, "it is tried on, whatever becomes of the letter"
    monkeypatch.undo()
    await desk.tell(WakeCheckout.model_validate_json(letter.body))
    assert (await shown(desk, checkout_id))["steps"][0]["attempts"] == 2


def _has_said_more_than(desk: Desk, count: int) -> bool:
    return len(desk.said()) > count


async def test_a_purchase_that_needs_attention_is_told_and_moves_on_when_the_answer_comes(
    desk: Desk, clock: HandClock
) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    for kind, reply in UNTIL_ISSUE:
        await desk.answer(kind, reply)
    issue = await desk.expect(IssueTickets)
    for _ in range(12):
        clock.pass_by(seconds=11)
        before = len(desk.runtime.recorder.said)
        await eventually(partial(_has_said_more_than, desk, before))
        await desk.expect(IssueTickets)
    clock.pass_by(seconds=11)
    await eventually(lambda: isinstance(desk.runtime.recorder.said[-1], NotifyCustomer))
    assert (await desk.expect(CheckoutNeedsAttention)).step == "issue tickets"
    assert (await desk.expect(NotifyCustomer)).template == "needs_attention"
    assert (await shown(desk, checkout_id))["status"] == "needs_attention"
    await desk.tell(ISSUED(issue))
    await desk.expect(CapturePayment)
    assert (await shown(desk, checkout_id))["status"] == "running"


async def test_operators_see_everybodys_purchases_with_history_and_timers(desk: Desk, carts: CartService) -> None:
    carts.carts["c-2"] = {**CART, "id": "c-2", "member_id": "rui"}
    await desk.buy()
    second = (await desk.buy(member="rui", cart_id="c-2")).json()["id"]
    listed = (await desk.client.get("/v1/operations/checkouts", headers=desk.operator())).json()
    assert {each["member_id"] for each in listed["checkouts"]} == {"ana", "rui"}
    none = await desk.client.get("/v1/operations/checkouts", params={"status": "completed"}, headers=desk.operator())
    assert none.json()["checkouts"] == []
    detail = (await desk.client.get(f"/v1/operations/checkouts/{second}", headers=desk.operator())).json()
    assert [(entry["position"], entry["step"], entry["status"]) for entry in detail["timeline"]] == [
        (1, "", "running"),
        (2, "lock cart", "running"),
    ]
    assert [(timer["name"], timer["step"]) for timer in detail["timers"]] == [("ask", "lock cart")]
    assert (await desk.client.get("/v1/operations/checkouts", headers=desk.member())).status_code == 403


async def test_operators_move_and_cancel_timers(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    timers = (await desk.client.get("/v1/operations/timers", headers=desk.operator())).json()["timers"]
    assert [(timer["checkout_id"], timer["name"]) for timer in timers] == [(checkout_id, "ask")]
    path = f"/v1/operations/timers/{checkout_id}/ask"
    at = (clock.now().replace(microsecond=0)).isoformat()
    assert (await desk.client.put(path, json={"at": at}, headers=desk.operator())).status_code == 200
    await eventually(lambda: len(desk.runtime.recorder.said) == 2)
    assert (await desk.client.delete(path, headers=desk.operator())).status_code == 204
    assert (await desk.client.delete(path, headers=desk.operator())).status_code == 404
    wrong = await desk.client.put(path, json={"at": "noon"}, headers=desk.operator())
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/at")


async def test_operators_have_a_step_asked_for_at_once(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    await desk.client.delete(f"/v1/operations/timers/{checkout_id}/ask", headers=desk.operator())
    path = f"/v1/operations/checkouts/{checkout_id}/ask"
    assert (await desk.client.post(path, headers=desk.operator())).status_code == 202
    await desk.answer(LockCart, refused("cart_empty"))
    ended = await desk.client.post(path, headers=desk.operator())
    assert (ended.status_code, ended.json()["code"]) == (409, "nothing_awaited")


async def test_nothing_is_asked_while_nothing_can_be_sent(desk: Desk, clock: HandClock) -> None:
    """The budget for silence counts asks that went out."""
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    desk.runtime.recorder.connected = False
    clock.pass_by(hours=3)
    assert not await happens_within(1.0, lambda: len(desk.said()) > 1)
    assert (await shown(desk, checkout_id))["steps"][0]["attempts"] == 1
    desk.runtime.recorder.connected = True
    await eventually(lambda: len(desk.said()) == 2)


async def test_timers_of_a_newer_release_are_left_to_it(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    await desk.expect(LockCart)
    await desk.overwrite(replace(await desk.stored(checkout_id), schema=99))
    for _ in range(15):
        version = (await desk.stored(checkout_id)).version
        clock.pass_by(hours=1)

        async def put_off(version: int = version) -> bool:
            return (await desk.stored(checkout_id)).version > version

        await eventually(put_off)
    assert (await desk.stored(checkout_id)).wake_at is not None
    await desk.nothing_more()


async def test_a_document_of_a_newer_release_is_left_alone(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    lock = await desk.expect(LockCart)
    await desk.overwrite(replace(await desk.stored(checkout_id), schema=99))
    with pytest.raises(NewerSchema):
        await desk.tell(locked()(lock))
