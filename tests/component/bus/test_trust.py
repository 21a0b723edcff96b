"""A message is taken by the way it came, never by what it says of itself."""

from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import headers as names
from shared.bus.broker import Bus
from shared.bus.dead_letters import DeadLetters
from shared.bus.retry import RetryPolicy
from shared.contracts import CATALOGUE
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.kernel.randomness import SystemRandom
from tests.component.bus.conftest import CLOCK, IDS, Job, OpenBus
from tests.component.bus.test_bus import Recorder, count, dead
from tests.eventually import eventually

EXCHANGES = ("commands", "answers", "events", "public")
EVERYTHING = {"work": tuple((exchange, "#") for exchange in EXCHANGES)}
JOB = {"specversion": "1.0", "id": "1", "source": "x", "type": Job.type}


def job(**headers: Any) -> aio_pika.Message:
    attributes = {f"cloudEvents:{name}": value for name, value in JOB.items()}
    return aio_pika.Message(b'{"name": "a"}', headers={**attributes, **headers})


async def letters_of(channel: AbstractChannel, number: int) -> list[AbstractIncomingMessage]:
    """The dead letters, once there are so many."""
    found: list[AbstractIncomingMessage] = []

    async def all_there() -> bool:
        found.extend(await dead(channel))
        return len(found) >= number

    await eventually(all_there, within=20)
    return found


async def test_every_type_is_refused_from_every_exchange_that_is_not_its_own(
    vhost_url: str, channel: AbstractChannel
) -> None:
    async def handle(message: Message, _: Envelope) -> None:
        raise AssertionError(f"{message.type} was taken")

    retry = RetryPolicy(IDS, SystemRandom(1))
    bus = Bus(vhost_url, EVERYTHING, clock=CLOCK, retry=retry)
    try:
        await bus.start()
        await bus.consume("work", dict.fromkeys(CATALOGUE.values(), handle))
        ways = [
            (exchange, key, contract)
            for contract in CATALOGUE.values()
            for exchange in EXCHANGES
            for key in (contract.type, "partner.said_something.v1")
            if (exchange, key) != (contract.exchange, contract.type)
        ]
        for exchange, key, contract in ways:
            envelope = Envelope(id=f"{exchange} {key} {contract.type}", source="/partner", type=contract.type)
            message = aio_pika.Message(b"{}", headers=dict(envelope.headers()))
            await (await channel.get_exchange(exchange)).publish(message, key)
        letters = await letters_of(channel, len(ways))
    finally:
        await bus.close()
    told = {str(letter.headers["cloudEvents:id"]): str(letter.headers[names.REASON]) for letter in letters}
    assert len(told) == len(ways)
    assert [id_ for id_, reason in told.items() if "came by" not in reason] == []


@pytest.fixture
async def hearing_everything(vhost_url: str, channel: AbstractChannel, open_bus: OpenBus) -> Recorder:
    """The service `work`, whose queue is bound to `public` too."""
    seen = Recorder()
    await open_bus(vhost_url, {Job: seen})
    await (await channel.get_queue("work")).bind("public", "#")
    return seen


FORGED = {
    "an origin": {names.EXCHANGE: "commands", names.ROUTING_KEY: Job.type},
    "an origin and a sender": {names.EXCHANGE: "commands", names.ROUTING_KEY: Job.type, names.SENDER: "milesaga"},
    "a death": {
        "x-death": [
            {
                "queue": "work",
                "reason": "delivery_limit",
                "exchange": "commands",
                "routing-keys": [Job.type],
                "count": 1,
            }
        ]
    },
    "a carbon copy": {"CC": [Job.type]},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
async def test_an_origin_that_a_stranger_wrote_is_not_believed_and_not_kept(
    vhost_url: str, hearing_everything: Recorder, channel: AbstractChannel, headers: dict[str, Any]
) -> None:
    """Neither at once nor when an operator sends the letter back to work."""
    await (await channel.get_exchange("public")).publish(job(**headers), Job.type)

    async def it_is_dead() -> bool:
        return await count(channel, "work.dead") == 1

    await eventually(it_is_dead)
    async with DeadLetters(vhost_url, EVERYTHING) as letters:
        (letter,) = await letters.letters("work")
        assert (letter.came.exchange, letter.came.routing_key) == ("public", Job.type)
        assert await letters.retry("work", lambda _: True) == 1
    (again,) = await letters_of(channel, 1)
    assert again.headers[names.EXCHANGE] == "public"
    assert hearing_everything.seen == []


async def test_what_nobody_sent_by_an_exchange_is_not_taken(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    seen = Recorder()
    await open_bus(vhost_url, {Job: seen})
    await channel.default_exchange.publish(job(), "work")
    (letter,) = await letters_of(channel, 1)
    assert "came by ''" in str(letter.headers[names.REASON])
    assert seen.seen == []


async def test_a_letter_that_is_sent_back_is_taken_again_by_where_it_came_from(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    await open_bus(vhost_url)
    broken = job()
    broken.body = b"{}"
    commands = await channel.get_exchange("commands")
    seen = Recorder(RuntimeError("once"))
    bus = await open_bus(vhost_url, {Job: seen})
    await commands.publish(broken, Job.type)

    async def it_is_dead() -> bool:
        return await count(channel, "work.dead") == 1

    await eventually(it_is_dead)
    async with DeadLetters(vhost_url, EVERYTHING) as letters:
        assert await letters.retry("work", lambda _: True) == 1
    (letter,) = await letters_of(channel, 1)
    assert "Field required" in str(letter.headers[names.REASON]), "its way is believed, its body is not whole"
    assert bus.ready
