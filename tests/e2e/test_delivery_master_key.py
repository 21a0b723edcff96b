"""Delivery's master key is changed, while partners go on with the secrets that they were given."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.buses import ARRIVES, Bus
from tests.e2e.endpoints import Endpoint
from tests.e2e.partners import receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import Json, applied, opened, secret_of
from tests.e2e.test_delivery_signatures import Sender, is_of
from tests.engines import mongodb
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

FIRST, SECOND, THIRD = ({"DELIVERY_MASTER_KEY": each * 40} for each in "abc")
CHANGE = SECOND | {"DELIVERY_FORMER_MASTER_KEY": FIRST["DELIVERY_MASTER_KEY"]}
Started = Callable[[dict[str, str]], Stack]


@pytest.fixture
def started(engine: str, tmp_path: Path) -> Iterator[Started]:
    """A stack, started over the same data with such keys, again and again."""
    with ExitStack() as made:
        store = {"SANDBOX": "on"}
        if engine == "mongodb":
            store["MONGODB_URL"] = made.enter_context(mongodb(tmp_path / "mongo"))
        stack = Stack(tmp_path / "home")
        made.callback(stack.clean_up)

        def start(keys: dict[str, str]) -> Stack:
            if stack.home.exists():
                stack.terminate()
            stack.change(store | keys)
            stack.start()
            return stack

        yield start


def sealing(stack: Stack) -> tuple[int, Json]:
    done = stack.command("hub", "sealing", "--json")
    found: Json = json.loads(done.stdout)
    return done.returncode, found


async def test_a_secret_outlives_the_master_key_that_sealed_it(started: Started) -> None:
    async with Endpoint() as endpoint:
        stack = started(FIRST)
        async with Shop(stack.url) as shop:
            partner, bus = await opened(shop, stack)
            await applied(bus, endpoint)
            secret = await secret_of(bus.by, bus)
            await Sender(partner, endpoint).signed_by(secret, is_signed=is_of)
        assert sealing(stack)[0] == 0

        stack = started(CHANGE)
        assert sealing(stack)[1]["keys"][1]["which"] == "former"
        await eventually(lambda: sealing(stack)[0] == 0, 2 * ARRIVES)
        assert [each["sealed"] for each in sealing(stack)[1]["keys"]] == [1, 0]
        await eventually(lambda: "the former master key is needed no more" in stack.log(), ARRIVES)
        assert await arrives(stack, bus, endpoint, secret, "with-both")

        stack = started(SECOND)
        assert await arrives(stack, bus, endpoint, secret, "with-the-newest")

        stack = started(THIRD)
        code, shown = sealing(stack)
        assert (code, shown["keys"][1]["which"], shown["keys"][1]["target"]) == (1, "unknown", f"{bus.name}/hook")
        async with Shop(stack.url) as shop:
            operator = await shop.operator()
            answer = await operator.post(f"/v1/hub/targets/{bus.name}/hook/test")
        assert (answer.status_code, answer.json()["code"]) == (503, "unopenable")


async def arrives(stack: Stack, bus: Bus, endpoint: Endpoint, secret: str, name: str) -> bool:
    """An event that is sent now is signed as before."""
    async with Shop(stack.url) as shop:
        bus.partner.sender = await bus.partner.client(shop, bus.partner.name, "events:publish hub:read")
        await bus.partner.send(receipt(name))
        await eventually(lambda: any(name.encode() in each.body for each in endpoint.heard), ARRIVES)
    return all(is_of(secret, each) for each in endpoint.heard if name.encode() in each.body)
