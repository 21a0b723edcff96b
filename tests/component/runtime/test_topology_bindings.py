"""`milesaga topology` about bindings that an older release left: on a private node, and through a management API."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import aio_pika
import aiormq
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError
from typer.testing import CliRunner, Result

from services.cli.broker_node import PrivateBroker
from services.cli.main import app
from services.cli.ports import free_ports
from shared.bus.installation import claim
from tests.kit.broker import VirtualHosts, start_broker

GONE = "payment.foretold.v1"
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


async def milesaga(*arguments: str) -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    started = start_broker(tmp_path_factory.mktemp("managed"), management=True)
    yield started
    started.kill()
    shutil.rmtree(started.folder)


@pytest.fixture(params=["private node", "management API"])
def url(request: pytest.FixtureRequest, node: PrivateBroker, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a broker that is found by its home, or by its URLs alone."""
    url = node.url
    monkeypatch.setenv("MILESAGA_HOME", str(node.folder.parent))
    monkeypatch.delenv("BROKER_URL", raising=False)
    if request.param == "management API":
        url = VirtualHosts(node).take()
        parts = urlsplit(node.management_url)
        monkeypatch.setenv("BROKER_URL", url)
        monkeypatch.setenv("BROKER_MANAGEMENT_URL", f"http://{parts.hostname}:{parts.port}")
    return url


@pytest.fixture
async def channel(url: str) -> AsyncIterator[AbstractChannel]:
    """On that broker, which has the whole topology."""
    applied = await milesaga("topology", "apply")
    assert applied.exit_code == 0, applied.output
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def say(channel: AbstractChannel, exchange: str, key: str, body: bytes) -> None:
    """Raises DeliveryError where it reaches no queue."""
    there = await channel.get_exchange(exchange, ensure=False)
    await there.publish(aio_pika.Message(body), key, mandatory=True)


async def bodies(channel: AbstractChannel, name: str) -> list[bytes]:
    queue = await channel.get_queue(name, ensure=False)
    found = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found.append(message.body)
    return found


async def test_a_binding_that_is_left_over_is_told_and_removed_on_demand_and_what_it_brought_stays(
    channel: AbstractChannel,
) -> None:
    payment = await channel.get_queue("payment", ensure=False)
    await payment.bind("events", GONE)
    partners = await channel.declare_queue("acme.orders", durable=True, arguments=QUORUM)
    await partners.bind("events", "checkout.#")
    await say(channel, "events", GONE, b"came before")

    plan = await milesaga("topology", "plan")
    assert plan.exit_code == 1
    assert plan.output == f"binding events {GONE} of payment: not described; to do: remove it\n"
    (told,) = json.loads((await milesaga("topology", "plan", "--json")).stdout)["changes"]
    assert (told["kind"], told["to_do"], told["pattern"]) == ("binding", "unbind", GONE)
    explained = await milesaga("topology", "apply")
    assert f"{GONE} of payment: not described; to do: remove it, by --yes" in explained.output
    await say(channel, "events", GONE, b"came meanwhile")

    applied = await milesaga("topology", "apply", "--yes")
    assert applied.exit_code == 0
    assert f"binding events {GONE} of payment: removed" in applied.output
    with pytest.raises(DeliveryError):
        await say(channel, "events", GONE, b"reaches nobody")
    await say(channel, "commands", "payment.void.v1", b"described")
    await say(channel, "events", "checkout.completed.v1", b"a partner's")
    assert await bodies(channel, "payment") == [b"came before", b"came meanwhile", b"described"]
    assert await bodies(channel, "acme.orders") == [b"a partner's"]
    assert (await milesaga("topology", "plan")).exit_code == 0


async def test_a_service_that_the_house_has_no_more_keeps_its_binding_while_it_is_consumed_and_its_messages_after(
    channel: AbstractChannel, url: str
) -> None:
    queue = await channel.declare_queue("fortunes", durable=True, arguments=QUORUM)
    await queue.bind("events", GONE)
    connection = await aiormq.connect(url)
    await claim(connection, "fortunes", "an-installation")
    await connection.close()
    tag = await queue.consume(AsyncMock())
    busy = await milesaga("topology", "apply", "--yes")
    assert f"binding events {GONE} of fortunes: stays: fortunes has 1 consumers" in busy.output
    await queue.cancel(tag)
    await say(channel, "events", GONE, b"kept")

    assert f"{GONE} of fortunes: removed" in (await milesaga("topology", "apply", "--yes")).output
    with pytest.raises(DeliveryError):
        await say(channel, "events", GONE, b"reaches nobody")
    assert await bodies(channel, "fortunes") == [b"kept"]


async def test_where_nobody_tells_of_bindings_that_is_said(vhost_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", vhost_url)
    monkeypatch.setenv("BROKER_MANAGEMENT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert (await milesaga("topology", "apply", "--yes")).exit_code == 0
    plan = await milesaga("topology", "plan")
    assert plan.exit_code == 0
    assert "Nothing to do" in plan.output
    assert "bindings that are left over: not looked for: no management API answers" in plan.output
