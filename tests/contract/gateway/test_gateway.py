"""What a card gateway's adapter promises: refusals, unknown outcomes and certain failures are told apart."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.payment.adapters.stripe import StripeGateway
from services.payment.domain import Authorization, Standing
from services.payment.ports import CardOrder
from shared.kernel.errors import NotSent, OutcomeUnknown, Refused
from shared.kernel.money import Money
from shared.outside.line import Line
from tests.eventually import eventually
from tests.kit.world import World
from tests.patience import BRIEF, SILENCE

CHECKOUT = "0198c0de-0000-7000-8000-000000000001"
CARD = "tok_visa"
AMOUNT = Money(amount=125_000, currency="BRL")


def order(token: str = CARD, *, attempt: int = 1, amount: Money = AMOUNT) -> CardOrder:
    return CardOrder(reference=CHECKOUT, attempt=attempt, amount=amount, token=token)


def fault(operation: str, mode: str, **more: object) -> dict[str, Any]:
    return {"provider": "stripe", "operation": operation, "mode": mode, "seconds": 0.2, "times": 1} | more


async def charges(world: World) -> list[tuple[int, int, int, int]]:
    books = (await world.books())["charges"]
    return [(each["authorized"], each["captured"], each["voided"], each["refunded"]) for each in books]


async def test_an_authorization_holds_the_money_and_names_the_card(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    assert held == Authorization(held.id, 1, Standing.AUTHORIZED, AMOUNT, masked="visa •••• 4242")
    assert await charges(world) == [(125_000, 0, 0, 0)]


async def test_the_same_key_holds_the_money_once(gateway: StripeGateway, world: World) -> None:
    assert await gateway.authorize(order(), "key-1") == await gateway.authorize(order(), "key-1")
    assert await charges(world) == [(125_000, 0, 0, 0)]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_nobody_knows", "invalid_token"),
        ("pm_nobody_knows", "invalid_token"),
    ],
)
async def test_a_refusal_carries_the_contracts_code(gateway: StripeGateway, token: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        await gateway.authorize(order(token), "key-1")
    assert refusal.value.code == code


async def test_an_issuers_secret_reason_is_a_plain_decline(gateway: StripeGateway, world: World) -> None:
    await world.fault(fault("authorize", "refuse", code="stolen_card"))
    with pytest.raises(Refused) as refusal:
        await gateway.authorize(order(), "key-1")
    assert (refusal.value.code, "stolen" in str(refusal.value)) == ("card_declined", False)


async def test_a_card_that_wants_authentication_holds_no_money(gateway: StripeGateway, world: World) -> None:
    asked = await gateway.authorize(order("tok_3ds"), "key-1")
    assert asked.standing is Standing.REQUIRES_ACTION
    await gateway.void(asked.id)
    assert (await gateway.read(asked.id)).standing is Standing.CANCELED
    assert await charges(world) == []


async def test_held_money_is_captured_once(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    taken = await gateway.capture(held.id, AMOUNT, "key-2")
    again = await gateway.capture(held.id, AMOUNT, "key-3")
    assert (taken.standing, again.standing) == (Standing.CAPTURED, Standing.CAPTURED)
    assert await charges(world) == [(125_000, 125_000, 0, 0)]


async def test_what_was_voided_cannot_be_captured(gateway: StripeGateway) -> None:
    held = await gateway.authorize(order(), "key-1")
    await gateway.void(held.id)
    assert (await gateway.capture(held.id, AMOUNT, "key-2")).standing is Standing.CANCELED


async def test_a_refused_capture_is_final(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    await world.fault(fault("capture", "refuse"))
    with pytest.raises(Refused) as refusal:
        await gateway.capture(held.id, AMOUNT, "key-2")
    assert refusal.value.code == "capture_refused"


async def test_a_part_that_somebody_gave_back_is_not_all_of_it_and_the_rest_is_given_back(
    gateway: StripeGateway, world: World
) -> None:
    held = await gateway.authorize(order(), "key-1")
    await gateway.capture(held.id, AMOUNT, "key-2")
    part = await world.stripe("/refunds", {"payment_intent": held.id, "amount": "1000"})
    assert part.status_code == 200, part.text
    assert not await gateway.refunded(held.id)
    await gateway.refund(held.id)
    assert await gateway.refunded(held.id)
    assert await charges(world) == [(125_000, 125_000, 0, 125_000)]


async def test_captured_money_is_given_back_once(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    await gateway.capture(held.id, AMOUNT, "key-2")
    assert not await gateway.refunded(held.id)
    await gateway.refund(held.id)
    assert await gateway.refunded(held.id)
    with pytest.raises(NotSent):
        await gateway.refund(held.id)
    assert await charges(world) == [(125_000, 125_000, 0, 125_000)]


async def test_a_void_of_captured_money_has_no_effect(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    await gateway.capture(held.id, AMOUNT, "key-2")
    with pytest.raises(NotSent):
        await gateway.void(held.id)
    assert await charges(world) == [(125_000, 125_000, 0, 0)]


async def test_every_authorization_of_a_purchase_is_found_by_its_reference(gateway: StripeGateway) -> None:
    with pytest.raises(Refused):
        await gateway.authorize(order("tok_insufficient_funds"), "key-1")
    held = await gateway.authorize(order(attempt=2), "key-2")
    declined, found = sorted(await gateway.find(CHECKOUT), key=lambda each: each.attempt)
    assert found == held
    assert (declined.standing, declined.failure, declined.attempt) == (Standing.FAILED, "insufficient_funds", 1)
    assert await gateway.find("somebody-else") == ()


async def test_what_the_search_index_does_not_know_yet_is_found_in_the_list(world: World, patience: float) -> None:
    """The real index lags up to a minute; here it is made to know nothing at all."""

    class Blind(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/search"):
                return httpx.Response(200, json={"object": "search_result", "data": [], "has_more": False})
            return await super().handle_async_request(request)

    url = f"{world.url}/sandbox/stripe"
    async with httpx.AsyncClient(base_url=url, transport=Blind()) as client:
        gateway = StripeGateway(Line(client, timedelta(seconds=patience)), "sk_test_sandbox")
        held = await gateway.authorize(order(), "key-1")
        assert await gateway.find(CHECKOUT) == (held,)
        assert await gateway.find("somebody-else") == ()


class Busy:
    """A gateway with a great many purchases in ten minutes, whose search knows nothing yet and whose clock is its own.

    What it holds for us stands far behind the newest intents.
    """

    def __init__(self, apart: timedelta = timedelta(0), *, held: bool = True) -> None:
        now = int((datetime.now(UTC) + apart).timestamp())
        ours = 20_000 if held else None
        whose = (CHECKOUT if n == ours else "other" for n in range(30_000))
        self.intents = [self._intent(f"pi_{n}", now - n // 50, reference) for n, reference in enumerate(whose)]
        self.asked = 0

    def _intent(self, name: str, created: int, reference: str) -> dict[str, Any]:
        metadata = {"reference": reference, "attempt": "1"}
        made = {"id": name, "created": created, "metadata": metadata, "transfer_group": reference}
        return made | {"status": "requires_capture", "amount": 100, "currency": "brl"}

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        asked, found = request.url.params, self.intents
        if request.url.path.endswith("/search"):
            found = []
        elif request.url.path.endswith("/charges"):
            assert "data.payment_intent.payment_method" in asked.values()
            ours = [each for each in found if each["transfer_group"] == asked["transfer_group"]]
            found = [{"id": f"ch_{each['id']}", "payment_intent": each} for each in ours]
        page = found[: int(asked["limit"])]
        return httpx.Response(200, json={"data": page, "has_more": len(page) < len(found)})


@pytest.mark.parametrize(
    "apart", [timedelta(0), timedelta(minutes=-11), timedelta(minutes=11), timedelta(days=-400), timedelta(days=1)]
)
@pytest.mark.parametrize("held", [True, False])
async def test_a_look_costs_three_requests_however_busy_the_gateway_and_wherever_our_clock_stands(
    apart: timedelta, held: bool
) -> None:
    busy = Busy(apart, held=held)
    async with httpx.AsyncClient(base_url="http://stripe.test", transport=httpx.MockTransport(busy.answer)) as client:
        gateway = StripeGateway(Line(client, timedelta(seconds=5)), "sk_test_sandbox")
        assert [found.id for found in await gateway.find(CHECKOUT)] == (["pi_20000"] if held else [])
    assert busy.asked == 3


async def test_what_came_to_no_charge_is_found_among_the_newest_before_the_search_knows_it(
    world: World, patience: float
) -> None:
    """Such as a card that wants authentication; and what was made without a group."""

    class Blind(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith(("/search", "/charges")):
                return httpx.Response(200, json={"object": "list", "data": [], "has_more": False})
            return await super().handle_async_request(request)

    async with httpx.AsyncClient(base_url=f"{world.url}/sandbox/stripe", transport=Blind()) as client:
        gateway = StripeGateway(Line(client, timedelta(seconds=patience)), "sk_test_sandbox")
        asked = await gateway.authorize(order("tok_3ds"), "key-1")
        assert await gateway.find(CHECKOUT) == (asked,)


async def test_a_refund_on_its_way_is_not_given_back_yet(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order("tok_pendingRefund"), "key-1")
    await gateway.capture(held.id, AMOUNT, "key-2")
    for ask in (gateway.refund, gateway.refunded, gateway.refunded):
        with pytest.raises(OutcomeUnknown):
            await ask(held.id, "undo/1")
    await world.complete_refund(held.id)
    assert await gateway.refunded(held.id, "undo/1")
    assert await charges(world) == [(125_000, 125_000, 0, 125_000)]


async def test_a_refund_that_failed_later_is_told_to_its_own_request_and_made_again_for_another(
    gateway: StripeGateway, world: World
) -> None:
    held = await gateway.authorize(order("tok_pendingRefund"), "key-1")
    await gateway.capture(held.id, AMOUNT, "key-2")
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(held.id, "undo/1")
    await world.complete_refund(held.id, "failed")
    with pytest.raises(Refused) as refusal:
        await gateway.refunded(held.id, "undo/1")
    assert refusal.value.code == "refund_failed"
    assert not await gateway.refunded(held.id, "undo/2")
    assert await charges(world) == [(125_000, 125_000, 0, 0)]
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(held.id, "undo/2")
    await world.complete_refund(held.id)
    assert await gateway.refunded(held.id, "undo/2")
    assert await charges(world) == [(125_000, 125_000, 0, 125_000)]


async def test_an_authorization_that_ended_by_itself_says_so(gateway: StripeGateway, world: World) -> None:
    held = await gateway.authorize(order(), "key-1")
    await world.expire_intent(held.id)
    assert (await gateway.read(held.id)).standing is Standing.EXPIRED
    assert (await gateway.capture(held.id, AMOUNT, "key-2")).standing is Standing.EXPIRED
    assert [found.standing for found in await gateway.find(CHECKOUT)] == [Standing.EXPIRED]


async def test_an_authorization_that_search_does_not_know_yet_is_found_beside_one_it_knows(
    world: World, patience: float
) -> None:
    """The index holds the older one, as it stood then; the list holds both as they stand now."""

    class Lagging(httpx.AsyncHTTPTransport):
        index: httpx.Response | None = None

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if not request.url.path.endswith("/search"):
                return await super().handle_async_request(request)
            if self.index is None:
                self.index = await super().handle_async_request(request)
                await self.index.aread()
            return httpx.Response(200, content=self.index.content)

    url = f"{world.url}/sandbox/stripe"
    async with httpx.AsyncClient(base_url=url, transport=Lagging()) as client:
        gateway = StripeGateway(Line(client, timedelta(seconds=patience)), "sk_test_sandbox")
        older = await gateway.authorize(order(), "key-1")
        assert await gateway.find(CHECKOUT) == (older,)
        newer = await gateway.authorize(order(), "key-2")
        await gateway.void(older.id)
        found = {each.id: each.standing for each in await gateway.find(CHECKOUT)}
        assert found == {older.id: Standing.CANCELED, newer.id: Standing.AUTHORIZED}


Method = Callable[[StripeGateway, str], Awaitable[object]]
METHODS: dict[str, Method] = {
    "authorize": lambda gateway, _: gateway.authorize(order(attempt=2), "key-2"),
    "capture": lambda gateway, held: gateway.capture(held, AMOUNT, "key-2"),
    "void": lambda gateway, held: gateway.void(held),
    "refund": lambda gateway, held: gateway.refund(held),
    "read": lambda gateway, held: gateway.read(held),
}


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "error"])
@pytest.mark.parametrize("operation", METHODS)
async def test_silence_and_server_errors_are_unknown(
    gateway: StripeGateway, world: World, operation: str, mode: str
) -> None:
    held = await gateway.authorize(order(), "key-1")
    if operation == "refund":
        await gateway.capture(held.id, AMOUNT, "key-3")
    await world.fault(fault(operation, mode))
    with pytest.raises(OutcomeUnknown):
        await METHODS[operation](gateway, held.id)


@pytest.mark.parametrize("patience", [BRIEF])
async def test_an_answer_slower_than_the_timeout_is_unknown(gateway: StripeGateway, world: World) -> None:
    await world.fault(fault("authorize", "slow", seconds=SILENCE))
    with pytest.raises(OutcomeUnknown):
        await gateway.authorize(order(), "key-1")


@pytest.mark.parametrize("status", ["429", "401"])
@pytest.mark.parametrize("operation", METHODS)
async def test_being_throttled_or_locked_out_is_certainly_without_effect(
    gateway: StripeGateway, world: World, operation: str, status: str
) -> None:
    held = await gateway.authorize(order(), "key-1")
    before = await charges(world)
    await world.fault(fault(operation, "refuse", code=status))
    with pytest.raises(NotSent):
        await METHODS[operation](gateway, held.id)
    assert await charges(world) == before


@pytest.mark.parametrize("patience", [BRIEF])
async def test_a_key_still_in_flight_is_unknown(gateway: StripeGateway, world: World) -> None:
    await world.fault(fault("authorize", "slow", seconds=SILENCE))
    first = asyncio.create_task(gateway.authorize(order(), "key-1"))

    async def under_way() -> bool:
        rules = (await world.get("/sandbox/faults"))["rules"]
        return bool(rules[0]["hits"])

    await eventually(under_way)
    with pytest.raises(OutcomeUnknown):
        await gateway.authorize(order(), "key-1")
    with pytest.raises(OutcomeUnknown):
        await first


async def test_a_key_used_with_another_body_is_unknown(gateway: StripeGateway) -> None:
    await gateway.authorize(order(), "key-1")
    with pytest.raises(OutcomeUnknown):
        await gateway.authorize(order(amount=Money(amount=1, currency="BRL")), "key-1")


async def test_no_connection_is_certainly_without_effect(gateway: StripeGateway, world: World) -> None:
    await world.stop()
    world.socket.close()
    with pytest.raises(NotSent):
        await gateway.authorize(order(), "key-1")
    await world.start()
    assert await charges(world) == []
