"""Processes and brokers that die in the middle of purchases: each purchase ends once, and the books are exact."""

import asyncio
import contextlib
import os
import signal

import httpx
import pytest

from services.cli.broker_node import PrivateBroker
from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought, assert_undone
from tests.e2e.houses import House
from tests.e2e.shop import Json, Member, Shop
from tests.eventually import eventually
from tests.processes import Stack

OWNERS = (
    ("lock cart", "cart"),
    ("hold miles", "miles"),
    ("reserve booking", "ticketing"),
    ("authorize payment", "payment"),
    ("issue tickets", "ticketing"),
    ("capture payment", "payment"),
    ("redeem miles", "miles"),
    ("close cart", "cart"),
)
CALLS = (
    ("authorize payment", "payment", "stripe", "authorize"),
    ("issue tickets", "ticketing", "sabre", "fulfillFlightTickets"),
    ("capture payment", "payment", "stripe", "capture"),
)
LONGEST = 60.0


async def reaches(member: Member, checkout_id: str, step: str) -> None:
    """Return when the step is asked for."""
    async for event in member.events(checkout_id):
        state = next(each["status"] for each in event.data["steps"] if each["name"] == step)
        if state != "pending":
            return
    raise AssertionError(f"the purchase ended before {step}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("step", "service"), OWNERS)
async def test_a_worker_killed_with_the_command_in_hand_completes_after_its_restart(
    high_street: Shop, processes: House, step: str, service: str
) -> None:
    """Paused before the command comes, killed when it has it: nobody has answered, nothing is acknowledged."""
    member = await high_street.member()
    cart = await member.cart(use_miles=30_000)
    if service in {"cart", "miles"} or step == "reserve booking":
        checkout_id = await paused_at(processes, service, member, cart, step)
    else:
        checkout_id = await member.buy(cart)
        await reaches(member, checkout_id, step)
    processes.kill(service)
    await asyncio.to_thread(processes.restart, service)
    checkout = await member.ended(checkout_id, LONGEST)
    await assert_bought(high_street, member, checkout, miles=30_000)


async def paused_at(processes: House, service: str, member: Member, cart: Json, step: str) -> str:
    """Start a purchase whose worker stands still; return when the step is asked for.

    A service that owns an earlier step too is let run until that is done.
    """
    pid = processes.processes[service].process.pid
    first = next(each for each, owner in OWNERS if owner == service)
    if step == first and service != "cart":
        os.kill(pid, signal.SIGSTOP)
        checkout_id = await member.buy(cart)
    else:
        checkout_id = await member.buy(cart)
        if step != first:
            before = OWNERS[[each for each, _ in OWNERS].index(step) - 1][0]
            await reaches(member, checkout_id, before)
        os.kill(pid, signal.SIGSTOP)
    await reaches(member, checkout_id, step)
    return checkout_id


@pytest.mark.timeout(120)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
async def test_a_worker_killed_during_the_providers_call_does_not_call_twice(
    high_street: Shop, processes: House, call: tuple[str, str, str, str]
) -> None:
    step, service, provider, operation = call
    await high_street.misbehave(provider, operation, "slow", seconds=2)
    member = await high_street.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    await reaches(member, checkout_id, step)
    await eventually(lambda: struck(high_street))
    processes.kill(service)
    await asyncio.to_thread(processes.restart, service)
    checkout = await member.ended(checkout_id, LONGEST)
    await assert_bought(high_street, member, checkout, miles=30_000)


async def struck(shop: Shop) -> bool:
    return await shop.hits() > 0


@pytest.mark.timeout(120)
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


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", ["lock cart", "reserve booking", "issue tickets", "redeem miles"])
async def test_the_orchestrator_killed_at_a_step_goes_on_after_its_restart(
    high_street: Shop, processes: House, step: str
) -> None:
    member = await high_street.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    await reaches(member, checkout_id, step)
    processes.kill("checkout")
    await asyncio.to_thread(processes.restart, "checkout")
    checkout = await member.ended(checkout_id, LONGEST)
    await assert_bought(high_street, member, checkout, miles=30_000)


@pytest.mark.timeout(120)
async def test_a_worker_killed_while_it_undoes_finishes_the_undoing(high_street: Shop, processes: House) -> None:
    await high_street.all_misbehave(
        [
            {"provider": "sabre", "operation": "fulfillFlightTickets", "mode": "refuse", "times": 1},
            {"provider": "stripe", "operation": "void", "mode": "slow", "seconds": 2, "times": 1},
        ]
    )
    member = await high_street.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))

    async def voiding() -> bool:
        return await high_street.hits() == 2

    await eventually(voiding)
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


@pytest.mark.timeout(150)
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

        async def not_ready() -> bool:
            return (await anybody.get("/readyz")).status_code == 503

        await eventually(not_ready)
        await shop.behave()
        await asyncio.to_thread(own_broker.start)
        await all_bought(shop, begun)
        member = await shop.member()
        checkout = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
        await assert_bought(shop, member, checkout, miles=30_000)


@pytest.mark.timeout(150)
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
        for member, checkout_id in begun:
            checkout = await member.ended(checkout_id, LONGEST)
            if checkout["status"] == "completed":
                await assert_bought(shop, member, checkout, miles=10_000)
            else:
                lost = [row for row in (await shop.books(checkout_id))["bookings"] if row["status"] == "open"]
                await assert_undone(shop, member, checkout, code="reservation_unknown", lost=len(lost))
        audited = await asyncio.to_thread(stack.command, "audit")
        assert audited.returncode == 0, audited.stdout + audited.stderr
    assert await asyncio.to_thread(stack.terminate) == 0


async def some_tickets(shop: Shop) -> bool:
    return bool((await shop.books())["tickets"])


@pytest.mark.timeout(150)
@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT"])
async def test_a_stack_drains_under_load_and_the_next_one_finishes_what_it_left(
    start_stack: StartStack, way: str
) -> None:
    stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 12)
        leaving = asyncio.create_task(asyncio.to_thread(stack.terminate if way == "SIGTERM" else stack.interrupt))
        late = [member.cart() for member, _ in begun[:4]]
        for request in asyncio.as_completed(late):
            with contextlib.suppress(httpx.HTTPError, AssertionError):
                await request
        assert await leaving == 0
        assert not (stack.home / "broker.url").exists()
        await asyncio.to_thread(stack.start)
        await all_bought(shop, begun)


@pytest.mark.timeout(120)
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
