"""A refund that the card's bank sends back after the purchase had ended."""

import pytest

from tests.e2e.expectations import assert_undone
from tests.e2e.shop import Json, Member, Shop
from tests.e2e.test_operators import command
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

KEY = {"Authorization": "Bearer sk_test_sandbox"}
STRIPE = "/sandbox/stripe"


async def stripe(shop: Shop, method: str, path: str, **more: Json) -> Json:
    client = await shop.client("")
    response = await client.request(method, f"{STRIPE}{path}", headers=KEY, **more)  # type: ignore[arg-type]
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def captured_by_somebody(shop: Shop, member: Member, checkout_id: str) -> str:
    """While the airline is silent about the tickets somebody takes the money in the gateway's dashboard."""

    async def waits_for_tickets() -> bool:
        steps = (await member.checkout(checkout_id))["steps"]
        return any((step["name"], step["status"]) == ("issue tickets", "unknown") for step in steps)

    await eventually(waits_for_tickets)
    charges = await stripe(shop, "GET", "/v1/charges", params={"transfer_group": checkout_id})
    intent = str(charges["data"][0]["payment_intent"])
    await stripe(shop, "POST", f"/v1/payment_intents/{intent}/capture")
    return intent


async def test_a_purchase_that_had_ended_needs_attention_and_the_money_is_sent_anew(shop: Shop, stack: Stack) -> None:
    silence = [
        {"provider": "sabre", "operation": operation, "mode": "error"}
        for operation in ("fulfillFlightTickets", "getBooking")
    ]
    await shop.all_misbehave(silence)
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    intent = await captured_by_somebody(shop, member, checkout_id)
    await shop.all_misbehave([{"provider": "sabre", "operation": "fulfillFlightTickets", "mode": "refuse"}])
    await command(stack, "timers", "move", checkout_id, "ask", "now")  # unless it was asked meanwhile by itself
    await assert_undone(shop, member, await member.ended(checkout_id))
    [charge] = (await shop.books(checkout_id))["charges"]
    assert charge["captured"] == charge["refunded"] > 0
    await shop.behave()

    [refund] = (await stripe(shop, "GET", "/v1/refunds", params={"payment_intent": intent}))["data"]
    await stripe(shop, "POST", f"/refunds/{refund['id']}/complete", json={"result": "failed"})

    async def needs_attention() -> bool:
        return bool((await member.checkout(checkout_id))["status"] == "needs_attention")

    await eventually(needs_attention, 30.0)
    shown = await command(stack, "purchases", "show", checkout_id)
    assert "refund_failed" in shown.stdout
    assert (await command(stack, "purchases", "ask", checkout_id)).returncode == 0
    await assert_undone(shop, member, await member.ended(checkout_id))
    refunds = (await stripe(shop, "GET", "/v1/refunds", params={"payment_intent": intent}))["data"]
    assert sorted(refund["status"] for refund in refunds) == ["failed", "succeeded"]
