"""What a partner may do on the broker, and what a service may; by the command that an operator uses."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError
from typer.testing import CliRunner, Result

from services.cli.broker_node import PrivateBroker
from services.cli.main import app
from shared.runtime.addresses import own_broker_url
from shared.runtime.home import Home
from shared.runtime.settings import RuntimeSettings
from tests.component.bus.conftest import new_bus


@pytest.fixture
async def home(own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a private node of its own, and the whole topology on it."""
    folder = own_broker.folder.parent
    monkeypatch.setenv("MILESAGA_HOME", str(folder))
    monkeypatch.delenv("BROKER_URL", raising=False)
    applied = await milesaga("topology", "apply")
    assert applied.exit_code == 0, applied.output
    return folder


async def milesaga(*arguments: str) -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture
async def partner(home: Path) -> AsyncIterator[AbstractConnection]:
    added = await milesaga("partners", "add", "acme", "--members", "ana,rui")
    assert added.exit_code == 0, added.output
    async with await aio_pika.connect(added.output.strip()) as connection:
        yield connection


async def refused(connection: AbstractConnection, exchange: str, *, user_id: str | None = None) -> bool:
    """Whether the broker refuses a message to an exchange."""
    channel = await connection.channel()
    message = aio_pika.Message(b"{}", user_id=user_id)
    where = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    try:
        await where.publish(message, "checkout" if not exchange else "x.y.v1", mandatory=False, timeout=5)
    except AMQPError:
        return True
    await channel.close()
    return False


async def binding_is_refused(connection: AbstractConnection, exchange: str, pattern: str) -> bool:
    channel = await connection.channel()
    queue = await channel.declare_queue("acme.orders", durable=True)
    try:
        await queue.bind(exchange, pattern)
    except AMQPError:
        return True
    await channel.close()
    return False


@pytest.mark.timeout(120)
async def test_a_partner_writes_to_public_as_itself_and_hears_events(partner: AbstractConnection) -> None:
    assert not await refused(partner, "public")
    assert not await refused(partner, "public", user_id="acme")
    assert await refused(partner, "public", user_id="milesaga"), "nobody is somebody else"
    for exchange in ("", "commands", "answers", "events", "retry.1s", "amq.topic"):
        assert await refused(partner, exchange), exchange
    assert not await binding_is_refused(partner, "events", "checkout.#")
    for exchange in ("commands", "answers", "public", "retry.1s"):
        assert await binding_is_refused(partner, exchange, "#"), exchange
    for queue in ("checkout", "payment.dead", "retry.1s", "acme-2.orders"):
        channel = await partner.channel()
        with pytest.raises(AMQPError):
            await (await channel.get_queue(queue, ensure=False)).get(fail=False)
    for queue in ("payment", "orders", "acme2.orders"):
        channel = await partner.channel()
        with pytest.raises(AMQPError):
            await channel.declare_queue(queue)
    channel = await partner.channel()
    with pytest.raises(AMQPError):
        await channel.declare_queue("acme.trick", arguments={"x-dead-letter-exchange": "answers"})


@pytest.mark.timeout(120)
async def test_partners_are_added_listed_and_removed(home: Path) -> None:
    url = json.loads((await milesaga("partners", "add", "acme", "--members", "ana,rui", "--json")).output)["url"]
    assert (await milesaga("partners", "add", "acme")).exit_code == 2
    for name in ("checkout", "amq", "Acme", "a.b", "retry", "-x"):
        assert (await milesaga("partners", "add", "--", name)).exit_code == 2, name
    listed = json.loads((await milesaga("partners", "list", "--json")).output)
    assert listed == {"partners": [{"name": "acme", "members": ["ana", "rui"]}]}
    assert url.split(":")[2].split("@")[0] not in (home / "partners.json").read_text()
    assert (home / "partners.json").stat().st_mode & 0o077 == 0
    assert (await milesaga("partners", "remove", "acme")).exit_code == 0
    assert (await milesaga("partners", "remove", "acme")).exit_code == 1
    with pytest.raises(AMQPError):
        await aio_pika.connect(url)


@pytest.mark.timeout(120)
async def test_a_service_works_as_its_own_user_and_reads_nobody_elses(home: Path) -> None:
    settings = RuntimeSettings(milesaga_home=home)
    url = own_broker_url(settings, Home(home), "payment")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        assert await (await channel.get_queue("payment", ensure=False)).get(fail=False) is None
        assert await refused(connection, "public")
        assert await refused(connection, "commands")
        for queue in ("miles", "checkout", "retry.1s"):
            channel = await connection.channel()
            with pytest.raises(AMQPError):
                await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        channel = await connection.channel()
        with pytest.raises(AMQPError):
            await (await channel.get_queue("payment", ensure=False)).bind("commands", "#")
    bus = new_bus(url, queues={"payment": (("commands", "payment.#"),)})
    await bus.start()
    try:
        await bus.consume("payment", {}, installation="a stack")
        assert (bus.ready, bus.differences) == (True, [])
    finally:
        await bus.close()
