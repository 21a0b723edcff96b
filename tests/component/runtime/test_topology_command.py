"""`milesaga topology` on a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock

import aio_pika
import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.ports import free_ports


async def milesaga(*arguments: str) -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def states() -> dict[str, str]:
    found = json.loads((await milesaga("topology", "show", "--json")).output)
    return {each["name"]: each["state"] for each in found["exchanges_and_queues"] if each["kind"] == "queue"}


@pytest.fixture
async def connection(vhost_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    monkeypatch.setenv("BROKER_URL", vhost_url)
    async with await aio_pika.connect(vhost_url) as connection:
        yield connection


async def test_showing_makes_nothing_and_applying_makes_all(connection: aio_pika.abc.AbstractConnection) -> None:
    for _ in range(2):
        assert set((await states()).values()) == {"missing"}
    assert (await milesaga("topology", "show")).exit_code == 1
    assert (await milesaga("topology", "apply")).exit_code == 0
    assert set((await states()).values()) == {"present"}
    shown = await milesaga("topology", "show")
    assert shown.exit_code == 0
    assert "payment.suspect" in shown.output
    assert "Nothing to do" in (await milesaga("topology", "apply")).output


async def test_a_queue_that_differs_is_planned_for_and_made_anew_only_on_demand_with_its_messages(
    connection: aio_pika.abc.AbstractConnection,
) -> None:
    channel = await connection.channel(publisher_confirms=True)
    await channel.declare_queue("payment", durable=True, arguments={"x-queue-type": "quorum"})
    await channel.default_exchange.publish(aio_pika.Message(b"kept"), "payment")

    plan = await milesaga("topology", "plan")
    assert plan.exit_code == 1
    assert "queue payment: differs" in plan.output
    assert "queue miles: missing; to do: make it" in plan.output
    assert (await states())["miles"] == "missing", "a plan changes nothing"

    explained = await milesaga("topology", "apply")
    assert explained.exit_code == 1
    assert "queue payment: differs" in explained.output
    assert "x-d" in explained.output, "the broker's own words name the argument"
    assert "bring its messages back: 1 messages, while payment is stopped, by --yes" in explained.output
    assert (await states())["payment"] == "differs"

    queue = await channel.get_queue("payment", ensure=False)
    tag = await queue.consume(AsyncMock())
    busy = await milesaga("topology", "apply", "--yes")
    assert busy.exit_code == 1
    assert "payment has 1 consumers: stop payment first" in busy.output
    await queue.cancel(tag)
    await channel.close()

    assert (await milesaga("topology", "apply", "--yes")).exit_code == 0
    assert (await states())["payment"] == "present"
    assert (await milesaga("topology", "plan")).exit_code == 0
    channel = await connection.channel(publisher_confirms=True)
    queue = await channel.get_queue("payment", ensure=False)
    assert (await queue.get(no_ack=True)).body == b"kept"
    commands = await channel.get_exchange("commands", ensure=False)
    await commands.publish(aio_pika.Message(b"bound"), "payment.void.v1", mandatory=True)
    assert (await queue.get(no_ack=True)).body == b"bound"


async def test_old_dead_letters_that_a_limit_would_lose_are_told_with_the_remedies(
    connection: aio_pika.abc.AbstractConnection,
) -> None:
    channel = await connection.channel(publisher_confirms=True)
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 20}
    await channel.declare_queue("payment.dead", durable=True, arguments=arguments)
    await channel.default_exchange.publish(aio_pika.Message(b"kept"), "payment.dead")
    told = await milesaga("topology", "apply")
    assert told.exit_code == 1
    assert "queue payment.dead: differs" in told.output
    assert '"delivery-limit": -1' in told.output
    moved = await milesaga("topology", "apply", "--yes", "--json")
    assert moved.exit_code == 0, moved.output
    assert "queue payment.dead: made anew, 1 messages brought back" in json.loads(moved.output)["done"]
    queue = await channel.get_queue("payment.dead", ensure=False)
    assert (await queue.get(no_ack=True)).body == b"kept"


async def test_users_that_somebody_counts_on_and_that_cannot_be_made_are_a_failure(
    connection: aio_pika.abc.AbstractConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a broker without a management API a lone stack needs none; one with passwords of its own cannot start."""
    monkeypatch.setenv("BROKER_MANAGEMENT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert (await milesaga("topology", "apply")).exit_code == 0
    monkeypatch.setenv("MILES_BROKER_PASSWORD", "a-password-of-ours")
    applied = await milesaga("topology", "apply")
    assert applied.exit_code == 1
    assert "BROKER_MANAGEMENT_URL" in applied.output
