"""Several processes of one service, a store that dies, an audit beside the load, a purchase nobody can finish."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought
from tests.e2e.houses import House
from tests.e2e.shop import Shop
from tests.e2e.test_crashes import all_bought, all_exact, many_begun
from tests.e2e.wires import listening
from tests.engines import Mongod, running_mongod
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

REPLICATED = ("cart", "checkout", "ticketing", "payment", "miles")


@pytest.fixture
def replicas(processes: House) -> Iterator[dict[str, Stack]]:
    """A second process of each."""
    second = {name: processes.replica(name) for name in REPLICATED}
    for process in second.values():
        process.launch()
    for process in second.values():
        process.wait_until_ready()
    yield second
    for process in second.values():
        process.clean_up()


async def test_two_processes_of_each_service_share_the_work_and_one_of_each_may_die(
    high_street: Shop, replicas: dict[str, Stack]
) -> None:
    before = await many_begun(high_street, 15)
    for process in replicas.values():
        process.kill()
    after = await many_begun(high_street, 5)
    await all_exact(high_street, before)
    await all_bought(high_street, after)


@pytest.fixture
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running_mongod(tmp_path_factory.mktemp("mongod") / "data") as server:
        yield server


async def test_a_mongod_that_dies_in_the_middle_of_purchases_loses_none(
    start_stack: StartStack, mongod: Mongod
) -> None:
    stack = await asyncio.to_thread(start_stack, environment={"MONGODB_URL": mongod.url})
    async with Shop(stack.url) as shop:
        begun = await many_begun(shop, 8)
        mongod.kill()
        anybody = await shop.client("")

        async def not_ready() -> bool:
            return (await anybody.get("/readyz")).status_code == 503

        await eventually(not_ready, 20.0)
        await asyncio.to_thread(mongod.start)
        await all_exact(shop, begun)
        audited = await asyncio.to_thread(stack.command, "audit")
        assert audited.returncode == 0, audited.stdout + audited.stderr


async def test_an_audit_beside_the_load_finds_no_difference(start_stack: StartStack) -> None:
    stack = await asyncio.to_thread(start_stack)
    async with Shop(stack.url) as shop:
        loading = asyncio.create_task(many_begun(shop, 30))
        codes = []
        while not loading.done():
            audited = await asyncio.to_thread(stack.command, "audit", "--json")
            codes.append((audited.returncode, audited.stdout if audited.returncode else ""))
        await all_bought(shop, await loading)
        audited = await asyncio.to_thread(stack.command, "audit", "--json")
        codes.append((audited.returncode, ""))
        assert set(codes) == {(0, "")}
        assert json.loads(audited.stdout)["purchases"] == 30


async def test_silence_after_the_tickets_are_asked_for_needs_attention_and_keeps_what_is_held(
    start_stack: StartStack,
) -> None:
    patience = {"CHECKOUT_ASKS": "2", "CHECKOUT_FIRST_ASK_SECONDS": "0.5", "CHECKOUT_LONGEST_PAUSE_SECONDS": "0.5"}
    stack = await asyncio.to_thread(start_stack, environment=patience)
    async with Shop(stack.url) as shop:
        silence = [
            {"provider": "sabre", "operation": operation, "mode": "error"}
            for operation in ("fulfillFlightTickets", "getBooking")
        ]
        await shop.all_misbehave(silence)
        member = await shop.member()
        broker_url = (stack.home / "broker.url").read_text().strip()
        async with listening(broker_url, "events", "checkout.#") as listener:
            checkout_id = await member.buy(await member.cart(use_miles=30_000))
            told = await listener.told("checkout.needs_attention.v1", checkout_id=checkout_id)
        assert (told["member_id"], told["step"]) == (member.id, "issue tickets")
        checkout = await member.checkout(checkout_id)
        assert checkout["status"] == "needs_attention"
        balance = await member.balance()
        assert (balance["available"], balance["held"]) == (20_000, 30_000)

        async def mailed() -> bool:
            return [row["template"] for row in (await shop.books(checkout_id))["messages"]] == ["needs_attention"]

        await eventually(mailed)
        audited = await asyncio.to_thread(stack.command, "audit", "--json")
        assert audited.returncode == 0, audited.stdout
        assert json.loads(audited.stdout)["open"] == [{"id": checkout_id, "status": "needs_attention"}]
        await shop.behave()
        other = await shop.member()
        done = await other.ended(await other.buy(await other.cart(use_miles=30_000)))
        await assert_bought(shop, other, done, miles=30_000)
