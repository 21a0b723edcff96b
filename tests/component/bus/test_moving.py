"""Queues with messages in them are made anew with other arguments: nothing is lost, wherever it is interrupted."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import aio_pika
import aiormq
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from faststream.rabbit import RabbitQueue

from services.house import HOUSE
from shared.bus import wire
from shared.bus.arrival import Arrival, arrival
from shared.bus.dead_letters import DeadLetters
from shared.bus.declaring import declare
from shared.bus.decoding import LARGEST_BODY
from shared.bus.moving import Mover, NotMoved, one_at_a_time, shelter
from shared.bus.topology import Topology, dead_queue, suspect_queue, tier_exchange, topology, turn_queue
from shared.runtime.description import queues
from tests.component.bus import raw
from tests.eventually import eventually

OLD: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 20}
TYPE = "payment.void.v1"
MANY = 300
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
async def described() -> Topology:
    return topology(queues(HOUSE))


@pytest.fixture
async def channel(vhost_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(vhost_url) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


def queue_named(described: Topology, name: str) -> RabbitQueue:
    return next(each for each in described.queues if each.name == name)


async def old_queue(url: str, described: Topology, channel: AbstractChannel, name: str, old: dict[str, Any]) -> None:
    """The queue as a former release made it, beside everything else as it is described."""
    await channel.declare_queue(name, durable=True, arguments=old)
    connection = await aiormq.connect(url)
    differences = await declare(connection, described)
    await connection.close()
    assert [each.name for each in differences] == [name]


async def say(channel: AbstractChannel, number: int, body: bytes = b"{}") -> None:
    commands = await channel.get_exchange("commands", ensure=False)
    message = aio_pika.Message(body, message_id=f"m{number}", headers={"cloudEvents:id": f"m{number}"})
    await commands.publish(message, TYPE, mandatory=True)


async def all_of(channel: AbstractChannel, name: str) -> list[AbstractIncomingMessage]:
    queue = await channel.get_queue(name, ensure=False)
    taken = []
    while (message := await queue.get(fail=False)) is not None:
        await message.ack()
        taken.append(message)
    return taken


async def is_as_described(url: str, described: Topology, name: str) -> bool:
    connection = await aiormq.connect(url)
    differences = await declare(connection, described)
    found = await Mover(connection, described).aside(queue_named(described, name))
    await connection.close()
    return not differences and found is None


async def moved(url: str, described: Topology, name: str, service: str | None) -> int:
    connection = await aiormq.connect(url)
    try:
        async with one_at_a_time(connection, tuple(queues(HOUSE))):
            return await Mover(connection, described).move(queue_named(described, name), service)
    finally:
        await connection.close()


@pytest.mark.parametrize("steps", range(4))
async def test_a_move_that_ends_after_any_step_is_finished_by_the_next_one(
    vhost_url: str, described: Topology, channel: AbstractChannel, steps: int
) -> None:
    await old_queue(vhost_url, described, channel, "payment", OLD)
    for number in range(5):
        await say(channel, number)
    connection = await aiormq.connect(vhost_url)
    mover = Mover(connection, described)
    await mover._publish_here()
    for step in mover.steps(queue_named(described, "payment"), "payment")[:steps]:
        await step()
    await connection.close()

    for number in range(5, 8):
        await say(channel, number)  # wherever it stood still, nothing that comes is refused
    await moved(vhost_url, described, "payment", "payment")
    assert await is_as_described(vhost_url, described, "payment")
    assert {message.message_id for message in await all_of(channel, "payment")} == {f"m{n}" for n in range(8)}


async def test_messages_keep_what_they_are_trusted_by(
    vhost_url: str, described: Topology, channel: AbstractChannel
) -> None:
    await old_queue(vhost_url, described, channel, "payment", OLD)
    await say(channel, 1)
    forged = aio_pika.Message(b"{}", message_id="forged", headers={"milesaga-exchange": "answers"})
    await (await channel.get_exchange("commands", ensure=False)).publish(forged, TYPE)
    await moved(vhost_url, described, "payment", "payment")
    for message in await all_of(channel, "payment"):
        came = arrival("payment", Arrival(message.exchange or "", message.routing_key or "", message.headers))
        assert (came.exchange, came.routing_key) == ("commands", TYPE)
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def test_a_very_large_message_is_carried_whole_and_what_cannot_be_decoded_stays_refused(
    vhost_url: str, described: Topology, channel: AbstractChannel
) -> None:
    await old_queue(vhost_url, described, channel, dead_queue("payment"), OLD)
    whole = b"x" * (LARGEST_BODY + 1)
    await channel.default_exchange.publish(aio_pika.Message(whole, message_id="large"), dead_queue("payment"))
    await channel.default_exchange.publish(aio_pika.Message(b"small"), dead_queue("payment"))
    odd = raw.properties([*raw.envelope(TYPE.encode()), (b"x\xff", raw.long(b"v"))])
    await (await channel.get_queue(dead_queue("payment"))).bind("commands", "dead.#")
    await raw.publish(channel, b"dead.\xff", odd, b"odd")
    assert await moved(vhost_url, described, dead_queue("payment"), "payment") == 3

    connection = await aiormq.connect(vhost_url)
    sizes = []
    plain = await connection.channel()
    wire.read_whole(connection)
    while (found := await plain.basic_get(dead_queue("payment"), no_ack=True)).delivery_tag is not None:
        sizes.append(len(found.body))
    await connection.close()
    assert sorted(sizes) == [3, 5, LARGEST_BODY + 1]


async def test_a_delay_tier_is_moved_beside_running_services_and_hands_on_to_the_queues_it_would_have(
    vhost_url: str, described: Topology, channel: AbstractChannel
) -> None:
    tier = tier_exchange("1s")
    old = {**(queue_named(described, tier).arguments or {}), "x-queue-type": "quorum", "x-message-ttl": 600_000}
    await old_queue(vhost_url, described, channel, tier, old)
    exchange = await channel.get_exchange(tier, ensure=False)
    for number, service in enumerate(("payment", "miles", "payment")):
        await exchange.publish(aio_pika.Message(b"{}", message_id=f"m{number}"), service, mandatory=True)
    payment = await channel.get_queue("payment", ensure=False)
    heard: list[str] = []

    async def hear(message: AbstractIncomingMessage) -> None:
        heard.append(message.message_id or "")
        await message.ack()

    await payment.consume(hear)
    assert await moved(vhost_url, described, tier, None) == 3
    assert await is_as_described(vhost_url, described, tier)
    await eventually(lambda: sorted(heard) == ["m0", "m2"])
    miles = await channel.get_queue("miles", ensure=False)

    async def come() -> bool:
        return (message := await miles.get(fail=False)) is not None and message.message_id == "m1"

    await eventually(come)


@pytest.mark.parametrize("name", ["payment", suspect_queue("payment"), dead_queue("payment")])
async def test_a_services_queues_stay_while_it_works_and_nothing_has_moved(
    vhost_url: str, described: Topology, channel: AbstractChannel, name: str
) -> None:
    await old_queue(vhost_url, described, channel, name, OLD)
    await channel.default_exchange.publish(aio_pika.Message(b"kept"), name)
    held = await aio_pika.connect(vhost_url)
    async with held:
        await (await (await held.channel()).get_queue(suspect_queue("payment"), ensure=False)).consume(AsyncMock())
        with pytest.raises(NotMoved, match="stop payment first"):
            await moved(vhost_url, described, name, "payment")
    if name != suspect_queue("payment"):
        assert [message.body for message in await all_of(channel, name)] == [b"kept"]


async def test_two_moves_at_once_and_a_reader_of_dead_letters_exclude_each_other(
    vhost_url: str, described: Topology
) -> None:
    one, other = await aiormq.connect(vhost_url), await aiormq.connect(vhost_url)
    async with one_at_a_time(one, ("payment",)):
        with pytest.raises(NotMoved, match="being moved"):
            async with one_at_a_time(other, ("payment",)):
                pass
    reading = await other.channel()
    await reading.queue_declare(turn_queue("payment"), exclusive=True)
    with pytest.raises(NotMoved, match=r"payment\.dead in hand"):
        async with one_at_a_time(one, ("payment",)):
            pass
    await one.close()
    await other.close()


class HoldsOn(DeadLetters):
    """Reads slowly: it has what it found in hand until it is told to let go."""

    def __init__(self, url: str, let_go: asyncio.Event, patience: float) -> None:
        super().__init__(url, ["payment"], patience)
        self.holds = asyncio.Event()
        self._let_go = let_go

    async def _renew(self, *_: object) -> None:
        self.holds.set()
        await self._let_go.wait()


@pytest.mark.parametrize("patience", [0.0, 0.2])
async def test_a_reader_whose_patience_ends_while_dead_letters_are_moved_takes_none_of_them(
    vhost_url: str, described: Topology, channel: AbstractChannel, patience: float
) -> None:
    dead = dead_queue("payment")
    await old_queue(vhost_url, described, channel, dead, OLD)
    for number in range(3):
        await channel.default_exchange.publish(aio_pika.Message(b"{}", message_id=f"m{number}"), dead)
    let_go = asyncio.Event()
    mover = await aiormq.connect(vhost_url)
    async with HoldsOn(vhost_url, let_go, patience) as reader:
        async with one_at_a_time(mover, ("payment",)):
            looking = asyncio.create_task(reader.letters("payment"))
            await reader.holds.wait()
            assert await Mover(mover, described).move(queue_named(described, dead), "payment") == 3
        let_go.set()
        assert await looking == []
        assert reader.in_other_hands == {"payment"}
        assert len(await reader.letters("payment")) == 3
    await mover.close()


async def test_letters_that_somebody_has_in_hand_out_of_turn_do_not_go_with_the_queue(
    vhost_url: str, described: Topology, channel: AbstractChannel
) -> None:
    """As the management page gets them: RabbitMQ counts a letter in hand as a consumer, and the move gives up."""
    dead = dead_queue("payment")
    await old_queue(vhost_url, described, channel, dead, OLD)
    for number in range(3):
        await channel.default_exchange.publish(aio_pika.Message(b"{}", message_id=f"m{number}"), dead)
    held = await (await channel.get_queue(dead, ensure=False)).get()
    assert held is not None
    with pytest.raises(NotMoved, match="other consumers"):
        await moved(vhost_url, described, dead, "payment")
    await held.nack(requeue=True)
    assert {message.message_id for message in await all_of(channel, dead)} == {"m0", "m1", "m2"}


async def test_apply_killed_again_and_again_loses_no_message(
    vhost_url: str, described: Topology, channel: AbstractChannel, tmp_path: Path
) -> None:
    await old_queue(vhost_url, described, channel, "payment", OLD)
    await asyncio.gather(*(say(channel, number) for number in range(MANY)))
    environment = {**os.environ, "BROKER_URL": vhost_url, "MILESAGA_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "services.cli.main", "topology", "apply", "--yes"]

    async def begun() -> bool:
        return await is_there(vhost_url, shelter("payment"))

    for _ in range(2):
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, env=environment)
        await eventually(begun, within=60)
        process.kill()
        await process.wait()
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert "messages brought back" in done.stdout, done.stdout + done.stderr
    assert await is_as_described(vhost_url, described, "payment")
    found = {message.headers["cloudEvents:id"] for message in await all_of(channel, "payment")}
    assert found == {f"m{number}" for number in range(MANY)}, "some may be there twice, none may be missing"


async def is_there(url: str, name: str) -> bool:
    async with await aio_pika.connect(url) as connection:
        looking = await connection.channel()
        try:
            await looking.get_queue(name)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        return True
