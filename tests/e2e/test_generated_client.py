"""A client generated from the OpenAPI document buys, and every refusal reaches it as a `Problem` with its code."""

import asyncio
import importlib
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import date
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.e2e.expectations import assert_bought
from tests.e2e.shop import CONTACT, PEOPLE, Member, Shop, in_days
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

PACKAGE = "generated_milesaga"


@pytest.fixture(scope="module")
def generated(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package, as openapi-python-client makes it of what the running stack serves; a warning of it is an error."""
    folder = tmp_path_factory.mktemp("generated")
    document, settings = folder / "openapi.json", folder / "settings.json"
    document.write_bytes(httpx.get(f"{stack.url}/openapi.json", trust_env=False).content)
    settings.write_text('{"post_hooks": []}')  # it would tidy the sources, which nobody reads here
    options = ["--path", document, "--output-path", folder / PACKAGE, "--config", settings, "--meta", "none"]
    command = [sys.executable, "-m", "openapi_python_client", "generate", *map(str, options), "--fail-on-warning"]
    subprocess.run(command, check=True, timeout=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module(PACKAGE)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class Client:
    """Calls operations of the generated package by their names, and gives what it makes of the answers."""

    def __init__(self, package: ModuleType, url: str, token: str) -> None:
        self.models: Any = importlib.import_module(f"{package.__name__}.models")
        self.http = importlib.import_module(f"{package.__name__}.client").AuthenticatedClient(
            url, token, raise_on_unexpected_status=True, httpx_args={"trust_env": False}, timeout=httpx.Timeout(30.0)
        )

    async def call(self, operation: str, *path: str, **said: Any) -> Any:
        tag = operation.partition("_")[0]
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        return await module.asyncio(*path, client=self.http, **said)

    async def refused(self, operation: str, *path: str, **said: Any) -> Any:
        """The problem that the call is answered with."""
        problem = await self.call(operation, *path, **said)
        assert type(problem) is self.models.Problem
        return problem


@pytest.fixture
async def member(shop: Shop) -> Member:
    return await shop.member()


@pytest.fixture
async def client(generated: ModuleType, stack: Stack, shop: Shop, member: Member) -> AsyncIterator[Client]:
    token = await shop.token("offers carts checkouts miles", member.id)
    made = Client(generated, stack.url, token)
    async with made.http:
        yield made


async def a_cart_with_a_bag(client: Client) -> tuple[Any, Any]:
    """The cart and its offer: one flight, and one bag for its passenger."""
    models = client.models
    day, cabin = date.fromisoformat(in_days(60)), models.OffersSearchCabin.ECONOMY
    found = await client.call("offers_search", from_="GRU", to="LIS", date=day, adults=1, cabin=cabin)
    offer = next(offer for offer in found.offers if len(offer.segments) == 1)
    channel, currency = models.NewCartChannel.PORTAL, models.NewCartCurrency.BRL
    cart = await client.call("carts_make", body=models.NewCart(channel=channel, currency=currency))
    ana = models.NewPassenger.from_dict(PEOPLE[0])
    flight = models.NewFlight(kind="flight", offer_id=offer.id, passengers=[ana])
    bag = models.NewBag(kind="bag", offer_id=offer.id, passenger=0, pieces=1)
    for item in (flight, bag):
        cart = await client.call("carts_add", cart.id, body=item)
    return cart, offer


def order(client: Client, cart_id: str) -> Any:
    models = client.models
    card = models.CardPayment(method="card", token="tok_visa")
    contact = models.CustomerContact.from_dict(CONTACT)
    return models.CheckoutBody(cart_id=cart_id, payment=card, contact=contact)


async def test_it_buys_a_flight_with_a_bag(client: Client, shop: Shop, member: Member) -> None:
    cart, offer = await a_cart_with_a_bag(client)
    assert [type(item).__name__ for item in cart.items] == ["CartFlight", "CartBag"]
    price = next(bag.price for bag in offer.bags if bag.pieces == 1)
    assert cart.total.money.amount == offer.price.amount + offer.taxes.amount + price.amount
    begun = await client.call("checkouts_buy", body=order(client, cart.id), idempotency_key=uuid.uuid4().hex)
    assert begun.status == client.models.Status.RUNNING

    async def bought() -> Any:
        await asyncio.sleep(0.05)
        checkout = await client.call("checkouts_show", begun.id)
        assert checkout.status == client.models.Status.COMPLETED
        return checkout

    checkout = await eventually(bought, 40.0)
    assert [document.kind for document in checkout.documents] == [client.models.DocumentKind.BAG]
    await assert_bought(shop, member, checkout.to_dict(), miles=0)
    events = await client.call("checkouts_events", begun.id)
    assert events.count("event: change") > len(checkout.steps)


async def test_it_reads_what_is_not_there_as_a_problem(client: Client) -> None:
    problem = await client.refused("carts_one", str(uuid.uuid4()))
    assert (problem.status, problem.code) == (404, client.models.ProblemCode.NOT_FOUND)


async def test_it_reads_a_conflict_as_a_problem(client: Client) -> None:
    cart, offer = await a_cart_with_a_bag(client)
    ana = client.models.NewPassenger.from_dict(PEOPLE[0])
    again = client.models.NewFlight(kind="flight", offer_id=offer.id, passengers=[ana])
    problem = await client.refused("carts_add", cart.id, body=again)
    assert (problem.status, problem.code) == (409, client.models.ProblemCode.DUPLICATE_ITEM)


async def test_it_reads_a_wrong_field_as_a_problem_that_points_at_it(client: Client) -> None:
    cart, offer = await a_cart_with_a_bag(client)
    bag = client.models.NewBag(kind="bag", offer_id=offer.id, passenger=0, pieces=10)
    problem = await client.refused("carts_add", cart.id, body=bag)
    assert (problem.status, problem.code) == (422, client.models.ProblemCode.INVALID_REQUEST)
    assert [fault.pointer for fault in problem.errors] == ["/pieces"]
    assert all(fault.detail for fault in problem.errors)
