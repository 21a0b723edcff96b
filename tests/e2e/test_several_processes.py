"""`milesaga run` over several processes: one stack to whoever looks at it, whichever of them dies."""

import asyncio
import json
import re
import signal
import socket
from contextlib import suppress
from functools import partial

import httpx
import psutil
import pytest

from services.cli.ports import is_free
from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought
from tests.e2e.shop import Member, Shop
from tests.e2e.test_crashes import LONGEST, all_bought, all_exact, many_begun, some_tickets, struck
from tests.eventually import eventually
from tests.kit.stack import READY, Stack

pytestmark = pytest.mark.long

PUBLIC, WORKERS = 1, 2
"""The numbers of the processes of a stack of two."""
TWO = {"PROCESSES": "2"}


def processes_of(stack: Stack) -> dict[int, psutil.Process]:
    """Those that the stack has divided itself into, by their number."""
    found = {}
    for child in psutil.Process(stack.process.pid).children():
        with suppress(psutil.NoSuchProcess):  # it has died, and may still be there as a zombie
            arguments = child.cmdline()
            if "services.cli.part" in arguments:
                found[json.loads(arguments[-1])["number"]] = child
    return found


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def readiness(http: httpx.AsyncClient) -> dict[str, str]:
    """What `/readyz` says at the public port, once it says that the stack is ready."""
    response = await http.get("/readyz")
    assert response.status_code == 200, response.text
    found: dict[str, str] = response.json()
    return found


async def is_whole(http: httpx.AsyncClient) -> bool:
    return (await readiness(http))["process 2"] == "here"


@pytest.mark.parametrize("processes", [2, 3])
async def test_a_divided_stack_sells_and_its_books_agree(start_stack: StartStack, processes: int) -> None:
    """From three on, some services run more than once, over the same files."""
    stack = await asyncio.to_thread(start_stack, environment={"PROCESSES": str(processes)})
    assert sorted(processes_of(stack)) == list(range(1, processes + 1))
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 10)
        member, checkout_id = begun[0]
        followed = [event async for event in member.events(checkout_id)]
        assert followed[-1].data["status"] == "completed"
        await all_bought(shop, begun)
    audited = await asyncio.to_thread(stack.command, "audit", "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert json.loads(audited.stdout)["purchases"] == 10
    assert await asyncio.to_thread(stack.terminate) == 0


@pytest.mark.parametrize("victim", [PUBLIC, WORKERS])
async def test_a_process_that_is_killed_is_started_again_and_no_purchase_is_lost(
    start_stack: StartStack, victim: int
) -> None:
    stack = await asyncio.to_thread(start_stack, environment=TWO)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 8)
        await eventually(lambda: some_tickets(shop))
        before = processes_of(stack)
        before[victim].kill()
        await eventually(lambda: processes_of(stack).get(victim, before[victim]) != before[victim], 20.0)
        await eventually(partial(is_whole, await shop.client("")), LONGEST)
        await all_exact(shop, begun)
        bought = await shop.member()
        checkout = await bought.ended(await bought.buy(await bought.cart(use_miles=30_000)))
        await assert_bought(shop, bought, checkout, miles=30_000)
    assert stack.log().count("a process ended and is started again") == 1
    assert all(process == before[number] for number, process in processes_of(stack).items() if number != victim)
    audited = await asyncio.to_thread(stack.command, "audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr


async def test_the_port_stays_open_while_the_process_behind_it_is_started_again(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack, environment=TWO)
    async with httpx.AsyncClient(base_url=stack.url, timeout=LONGEST) as http:
        processes_of(stack)[PUBLIC].kill()
        response = await http.get("/healthz")
    assert response.status_code == 200


async def test_nothing_outlives_a_parent_that_is_killed_but_the_broker(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack, environment=TWO)
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 6)
        children = processes_of(stack)
        stack.kill()
        await eventually(lambda: all(map(gone, children.values())), 5.0)
        await eventually(lambda: is_free(stack.port), 5.0)  # the last thread of a process lets go of it
        await asyncio.to_thread(stack.start)
        await all_exact(shop, begun)


async def test_killed_with_its_broker_the_moment_it_is_ready_it_comes_back(start_stack: StartStack) -> None:
    """The broker may have been making the queue by which the workers tell whether it takes and gives."""
    stack = await asyncio.to_thread(start_stack, environment=TWO)
    for _ in range(2):
        stack.kill_all()
        await asyncio.to_thread(stack.start)
    async with Shop(stack.url) as shop:
        await all_exact(shop, await many_begun(shop, 2))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_the_parent_drains_all_and_what_is_in_hand_still_reaches_the_outside(
    start_stack: StartStack, number: signal.Signals
) -> None:
    """A worker books at the sandbox, which another process serves: that one waits for it, longer than HTTP alone."""
    stack = await asyncio.to_thread(start_stack, environment={**TWO, "TICKETING_SABRE_TIMEOUT_SECONDS": "20"})
    async with Shop(stack.url) as shop:
        member, checkout_id = await booking(shop, seconds=8)
        children = processes_of(stack)
        stack.process.send_signal(number)
        assert await asyncio.to_thread(stack.process.wait, LONGEST) == 0
        assert all(map(gone, children.values()))
        await asyncio.to_thread(stack.start)
        await assert_bought(shop, member, await member.ended(checkout_id, LONGEST), miles=30_000)


async def test_a_second_signal_makes_all_leave_at_once(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack, environment={**TWO, "DRAIN_SECONDS": "60"})
    async with Shop(stack.url) as shop:
        await booking(shop, seconds=60)
        children = processes_of(stack)
        stack.process.send_signal(signal.SIGTERM)
        await eventually(lambda: stack.log().count("asked to stop") == 1 + len(children))
        assert await asyncio.to_thread(stack.terminate, 15.0) == 128 + signal.SIGTERM
        assert all(map(gone, children.values()))


async def booking(shop: Shop, *, seconds: float) -> tuple[Member, str]:
    """A purchase whose booking the airline has been asked for, and answers so much later."""
    await shop.misbehave("sabre", "createBooking", "slow", seconds=seconds)
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))
    await eventually(lambda: struck(shop))
    return member, checkout_id


async def test_a_signal_while_a_divided_stack_starts_ends_it_in_order(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack, environment=TWO, wait=False)
    await eventually(lambda: len(processes_of(stack)) == len((PUBLIC, WORKERS)), LONGEST)
    children = processes_of(stack)
    assert await asyncio.to_thread(stack.terminate, LONGEST) == 0
    assert not READY.search(stack.log())
    assert all(map(gone, children.values()))


async def test_a_process_that_cannot_start_ends_the_stack_with_all_its_processes(start_stack: StartStack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {**TWO, "SANDBOX_SMTP_PORT": str(taken.getsockname()[1])}
        stack = await asyncio.to_thread(start_stack, environment=environment, wait=False)
        assert await asyncio.to_thread(stack.process.wait, LONGEST) == 1
    assert not READY.search(stack.log())
    assert not (stack.home / "broker.url").exists()


async def test_a_divided_stack_is_seen_as_one_at_its_public_port(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack, environment=TWO)
    async with httpx.AsyncClient(base_url=stack.url) as http:
        told = (await http.get("/metrics")).text
        assert set(re.findall(r'milesaga_build_info\{process="(\d)",service="(\w+)"', told)) == {
            *(
                ("1", name)
                for name in ("offers", "cart", "checkout", "miles", "hub", "archive", "delivery", "releases")
            ),
            *(("2", name) for name in ("ticketing", "payment", "notifications")),
        }
        assert set(re.findall(r'process_resident_memory_bytes\{process="(\d)"\}', told)) == {"1", "2"}

        second = await asyncio.to_thread(start_stack, home=stack.home, wait=False)
        assert await asyncio.to_thread(second.process.wait, LONGEST) == 2

        processes_of(stack)[WORKERS].suspend()
        try:
            await eventually(partial(misses_the_workers, http), LONGEST)
        finally:
            processes_of(stack)[WORKERS].resume()
        await eventually(partial(is_whole, http), LONGEST)
    lines = [json.loads(line) for line in stack.log().splitlines() if line.startswith("{")]
    assert {line["process"] for line in lines if line["event"] == "connected to the broker"} == {1, 2}


async def misses_the_workers(http: httpx.AsyncClient) -> bool:
    return (await readiness(http))["process 2"] == "away"
