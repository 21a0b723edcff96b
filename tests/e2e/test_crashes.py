"""Processes and brokers that die in the middle of purchases: each purchase ends once, and the books are exact."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import httpx
import pytest

from services.cli.broker_node import PrivateBroker
from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought, assert_undone
from tests.e2e.houses import House
from tests.e2e.shop import Json, Member, Shop
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

OWNERS = {
    "lock cart": "cart",
    "hold miles": "miles",
    "reserve booking": "ticketing",
    "authorize payment": "payment",
    "issue tickets": "ticketing",
    "capture payment": "payment",
    "redeem miles": "miles",
    "close cart": "cart",
}
"""Whoever carries out each step. No two neighbours are the same."""
CALLS = (("stripe", "authorize"), ("sabre", "fulfillFlightTickets"), ("stripe", "capture"))
LONGEST = 60.0


async def reaches(member: Member, checkout_id: str, step: str) -> None:
    """Return when the step is asked for."""
    async for event in member.events(checkout_id):
        state = next(each["status"] for each in event.data["steps"] if each["name"] == step)
        if state != "pending":
            return
    raise AssertionError(f"the purchase ended before {step}")


@pytest.mark.parametrize("victim", ["the worker", "the orchestrator"])
@pytest.mark.parametrize("step", list(OWNERS))
async def test_a_process_killed_at_a_step_and_restarted_completes_the_purchase_once(
    high_street: Shop, processes: House, step: str, victim: str
) -> None:
    """The worker has the command in its hands: nothing is answered, nothing is acknowledged."""
    member = await high_street.member()
    cart = await member.cart(use_miles=30_000)
    async with held_at(step, processes, member, cart) as checkout_id:
        killed = OWNERS[step] if victim == "the worker" else "checkout"
        processes.kill(killed)
    await asyncio.to_thread(processes.restart, killed)
    checkout = await member.ended(checkout_id, LONGEST)
    await assert_bought(high_street, member, checkout, miles=30_000)


@asynccontextmanager
async def held_at(step: str, processes: House, member: Member, cart: Json) -> AsyncIterator[str]:
    """A purchase that cannot go beyond the step, because whoever must act there stands still until the block ends.

    The cart asks for today's price, so it is the offers that stand still for its first step.
    """
    holders = {each: "offers" if each == "lock cart" else owner for each, owner in OWNERS.items()}
    steps = list(OWNERS)[: list(OWNERS).index(step) + 1]
    processes.pause(holders[steps[0]])
    try:
        checkout_id = await member.buy(cart)
        for here, following in pairwise(steps):
            await reaches(member, checkout_id, here)
            processes.pause(holders[following])
            processes.resume(holders[here])
        await reaches(member, checkout_id, step)
        yield checkout_id
    finally:
        for name in set(holders.values()):
            processes.resume(name)


async def test_workers_killed_during_their_providers_calls_do_not_call_twice(
    high_street: Shop, processes: House
) -> None:
    """Three purchases, one in each call that must not be repeated blindly; none of them has its answer."""
    await high_street.all_misbehave(
        [
            {"provider": provider, "operation": operation, "mode": "slow", "seconds": 2.5, "times": 1}
            for provider, operation in CALLS
        ]
    )
    begun = []
    for hits in range(1, len(CALLS) + 1):
        member = await high_street.member()
        begun.append((member, await member.buy(await member.cart(use_miles=10_000))))
        await eventually(partial(struck, high_street, hits))
    for name in ("payment", "ticketing"):
        processes.kill(name)
    await asyncio.gather(*(asyncio.to_thread(processes.restart, name) for name in ("payment", "ticketing")))
    await all_bought(high_street, begun)


async def struck(shop: Shop, times: int = 1) -> bool:
    return await shop.hits() == times


async def test_a_worker_killed_while_it_books_leaves_an_orphan_and_takes_the_purchase_back(
    high_street: Shop, processes: House
) -> None:
    """An airline cannot be asked for a booking whose locator nobody has heard: nothing is built on it."""
    await high_street.misbehave("sabre", "createBooking", "slow", seconds=2)
    member = await high_street.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    await eventually(lambda: struck(high_street))
    processes.kill("ticketing")
    await asyncio.to_thread(processes.restart, "ticketing")
    refused = await member.ended(checkout_id, LONGEST)
    await assert_undone(high_street, member, refused, code="reservation_unknown", lost=1)


async def test_a_worker_killed_while_it_undoes_finishes_the_undoing(high_street: Shop, processes: House) -> None:
    await high_street.all_misbehave(
        [
            {"provider": "sabre", "operation": "fulfillFlightTickets", "mode": "refuse", "times": 1},
            {"provider": "stripe", "operation": "void", "mode": "slow", "seconds": 2, "times": 1},
        ]
    )
    member = await high_street.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    await eventually(lambda: struck(high_street, 2))
    processes.kill("payment")
    await asyncio.to_thread(processes.restart, "payment")
    await assert_undone(high_street, member, await member.ended(checkout_id, LONGEST), code="segment_unavailable")


async def many_begun(shop: Shop, count: int) -> list[tuple[Member, str]]:
    members = [await shop.member() for _ in range(count)]
    carts = await asyncio.gather(*(member.cart(use_miles=10_000) for member in members))
    ids = await asyncio.gather(*(member.buy(cart) for member, cart in zip(members, carts, strict=True)))
    return list(zip(members, ids, strict=True))


async def all_bought(shop: Shop, begun: list[tuple[Member, str]], within: float = LONGEST) -> None:
    for member, checkout_id in begun:
        checkout = await member.ended(checkout_id, within)
        await assert_bought(shop, member, checkout, miles=10_000)


async def all_exact(shop: Shop, begun: list[tuple[Member, str]]) -> None:
    """Each is bought, or was booking at that very moment: then nothing is built on a booking nobody can ask for."""
    for member, checkout_id in begun:
        checkout = await member.ended(checkout_id, LONGEST)
        if checkout["status"] == "completed":
            await assert_bought(shop, member, checkout, miles=10_000)
        else:
            lost = [row for row in (await shop.books(checkout_id))["bookings"] if row["status"] == "open"]
            await assert_undone(shop, member, checkout, code="reservation_unknown", lost=len(lost))


@pytest.mark.parametrize("way", ["restart", "crash"])
async def test_a_broker_restarted_in_the_middle_of_purchases_loses_none(
    start_stack: StartStack, own_broker: PrivateBroker, way: str
) -> None:
    stack = await asyncio.to_thread(start_stack, environment={"BROKER_URL": own_broker.url})
    async with Shop(stack.url) as shop:
        await shop.misbehave("sabre", "createBooking", "slow", seconds=1, times=None)
        begun = await many_begun(shop, 8)
        if way == "restart":
            await asyncio.to_thread(own_broker.stop)
        else:
            own_broker.kill()
        anybody = await shop.client("")

        async def away() -> bool:
            answer = await anybody.get("/readyz")
            return answer.status_code == 200 and answer.json()["broker"] == "away"

        await eventually(away)
        await shop.behave()
        await asyncio.to_thread(own_broker.start)
        await all_bought(shop, begun)
        member = await shop.member()
        checkout = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
        await assert_bought(shop, member, checkout, miles=30_000)


async def test_a_private_broker_that_is_killed_is_started_again_by_its_living_stack(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        await shop.misbehave("sabre", "createBooking", "slow", seconds=1, times=None)
        begun = await many_begun(shop, 4)
        assert PrivateBroker(stack.home)._signal(signal.SIGKILL)
        await eventually(lambda: "was started again" in stack.log(), 90.0)
        await shop.behave()
        await all_bought(shop, begun, LONGEST)


@pytest.mark.parametrize("way", ["parent", "all"])
async def test_a_stack_killed_in_the_middle_of_purchases_goes_on_over_the_same_home(
    start_stack: StartStack, way: str
) -> None:
    stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 8)
        await eventually(lambda: some_tickets(shop))
        stack.kill() if way == "parent" else stack.kill_all()
        await asyncio.to_thread(stack.start)
        await all_exact(shop, begun)
        audited = await asyncio.to_thread(stack.command, "audit")
        assert audited.returncode == 0, audited.stdout + audited.stderr
    assert await asyncio.to_thread(stack.interrupt) == 0


async def some_tickets(shop: Shop) -> bool:
    return bool((await shop.books())["tickets"])


async def test_a_stack_drains_under_load_and_the_next_one_finishes_what_it_left(
    start_stack: StartStack,
) -> None:
    stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 12)
        leaving = asyncio.create_task(asyncio.to_thread(stack.terminate))
        late = [member.cart() for member, _ in begun[:4]]
        for request in asyncio.as_completed(late):
            with contextlib.suppress(httpx.HTTPError, AssertionError):
                await request
        assert await leaving == 0
        assert not (stack.home / "broker.url").exists()
        await asyncio.to_thread(stack.start)
        await all_bought(shop, begun)


async def test_an_audit_tells_the_books_apart_by_its_exit_code(start_stack: StartStack) -> None:
    stack: Stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 3)
        await all_bought(shop, begun)
        agreed = await asyncio.to_thread(stack.command, "audit")
        assert agreed.returncode == 0, agreed.stdout + agreed.stderr
        assert "3 purchases, 0 of them open: no difference" in agreed.stdout
        operator = await shop.operator()
        assert (await operator.delete("/sandbox/books")).status_code == 204
        differs = await asyncio.to_thread(stack.command, "audit", "--json")
        assert differs.returncode == 1, differs.stdout + differs.stderr
        for _, checkout_id in begun:
            assert checkout_id in differs.stdout
    stack.kill()
    away = await asyncio.to_thread(stack.command, "audit")
    assert away.returncode == 2
    assert "Nothing answers at" in away.stderr
