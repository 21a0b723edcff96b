"""Targets' queues on a real broker: made many at once, measured, taken away; nothing limits what waits in one."""

import asyncio

import aio_pika
import pytest

from shared.bus.broker import Bus
from shared.bus.retry import RetryPolicy
from shared.bus.standing import BrokerAway
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.kernel.randomness import SystemRandom
from tests.eventually import eventually

TARGETS = [("fuel", f"t{number}") for number in range(30)]


def a_bus(url: str) -> Bus:
    clock = SystemClock()
    return Bus(url, {}, clock=clock, retry=RetryPolicy(Uuid7Ids(clock), SystemRandom()))


async def test_targets_are_made_once_and_taken_away(vhost_url: str) -> None:
    bus = a_bus(vhost_url)
    await bus.start()
    try:
        assert await bus.make_targets(TARGETS) == []
        assert await bus.make_targets(TARGETS) == []
        names = [name for _, target in TARGETS for name in (f"target.fuel.{target}", f"target.fuel.{target}.dead")]
        assert set(await bus.standing([*names, "target.fuel.nowhere"])) == set(names)
        await asyncio.gather(*map(bus.remove_queue, names[:2]))
        assert set(await bus.standing(names)) == set(names[2:])
        await bus.remove_queue(names[0])
    finally:
        await bus.close()


async def test_what_a_consumer_rejects_is_laid_among_the_dead_and_nothing_else_is(vhost_url: str) -> None:
    bus = a_bus(vhost_url)
    await bus.start()
    try:
        await bus.make_targets([("fuel", "till")])
        connection = await aio_pika.connect(vhost_url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue("target.fuel.till")
            await channel.default_exchange.publish(aio_pika.Message(b"{}"), "target.fuel.till")
            for _ in range(25):
                message = await queue.get(timeout=5)
                await message.nack(requeue=True)
            message = await queue.get(timeout=5)
            await message.reject(requeue=False)

            async def is_dead() -> bool:
                return (await bus.standing(["target.fuel.till.dead"]))["target.fuel.till.dead"].messages == 1

            await eventually(is_dead)
    finally:
        await bus.close()


async def test_without_a_broker_it_says_so(vhost_url: str) -> None:
    bus = a_bus(vhost_url)
    with pytest.raises(BrokerAway):
        await bus.make_targets(TARGETS)
    with pytest.raises(BrokerAway):
        await bus.standing(["x"])
