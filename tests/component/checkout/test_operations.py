"""Purchases that need attention, and what operators see and do."""

from functools import partial
from typing import Any

from shared.contracts.cart import LockCart
from shared.contracts.checkout import CheckoutNeedsAttention
from shared.contracts.notifications import NotifyCustomer
from shared.contracts.payment import CapturePayment
from shared.contracts.ticketing import IssueTickets
from tests.component.checkout.conftest import CART, CartService, Desk
from tests.component.checkout.purchases import UNTIL_ISSUE, complete, shown
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.saga.purchases import ISSUED
from tests.saga.script import refused


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


async def test_what_a_purchase_waits_for_is_told_with_its_cause_and_what_to_do(desk: Desk, clock: HandClock) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    path = f"/v1/operations/checkouts/{checkout_id}"

    async def told() -> dict[str, Any]:
        detail = (await desk.client.get(path, headers=desk.operator())).json()
        assert detail["trace_id"] is None
        found: dict[str, Any] = detail["awaiting"]
        return found

    await desk.expect(LockCart)
    first = await told()
    assert (first["step"], first["service"], first["asks"]) == ("lock cart", "cart", 1)
    assert first["cause"] == "cart was asked once and has not answered yet."
    assert first["what_to_do"].startswith("Nothing: ")
    assert first["next_ask_at"] > first["since"]

    clock.pass_by(seconds=3)
    await eventually(lambda: len(desk.said()) == 2)
    silent = await told()
    assert silent["cause"] == "cart was asked 2 times and is silent: whether it did it nobody knows."
    assert "milesaga dead list --service cart" in silent["what_to_do"]

    await desk.client.delete(f"/v1/operations/timers/{checkout_id}/ask", headers=desk.operator())
    alone = await told()
    assert alone["next_ask_at"] is None
    assert alone["what_to_do"].endswith(f"`milesaga purchases ask {checkout_id}`.")


async def test_a_purchase_that_has_ended_waits_for_nothing(
    desk: Desk,
) -> None:
    checkout_id = await complete(desk)
    detail = await desk.client.get(f"/v1/operations/checkouts/{checkout_id}", headers=desk.operator())
    assert detail.json()["awaiting"] is None
