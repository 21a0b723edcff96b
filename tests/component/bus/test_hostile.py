"""Outsiders may publish anything to `public`, and whoever has the rights anything to a queue: the bus stays up."""

import asyncio
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.bus import headers as names
from shared.bus.outbox import Unroutable
from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Errand, Job, OpenBus, outbox_of
from tests.component.bus.test_bus import count
from tests.eventually import eventually

GOOD = {"specversion": "1.0", "id": "1", "source": "x", "type": "work.job.v1"}


def hostile(body: bytes = b'{"name": "x"}', /, **headers: Any) -> aio_pika.Message:
    attributes = {f"cloudEvents:{name}": value for name, value in GOOD.items()}
    return aio_pika.Message(body, headers={**attributes, **headers})


async def fail(job: Job, _: Envelope) -> None:
    if job.name == "x":
        raise RuntimeError("as always")


@pytest.mark.parametrize(
    "message",
    [
        hostile(**{"cloudEvents:id": "i" * 300}),
        hostile(**{"cloudEvents:id": "i" * 5_000}),
        hostile(**{"cloudEvents:source": "s" * 100_000}),
        hostile(**{f"h-{i}": "v" * 1_000 for i in range(120)}),
        hostile(one="v" * 120_000),
        hostile(**{names.ATTEMPTS: "²"}),
        hostile(**{names.ATTEMPTS: "9" * 5_000}),
        hostile(**{names.FIRST_FAILED_AT: "9999-01-01T00:00:00+00:00"}),
        hostile(**{names.EXCHANGE: "e" * 9_000, names.QUEUE: "q" * 9_000}),
        hostile(CC=["work.again"]),
        hostile(b"[" * 500_000),
        hostile(b'{"name": "' + b"x" * 2_000_000 + b'"}'),
    ],
    ids=[
        "id",
        "long id",
        "source",
        "many headers",
        "one header",
        "attempts",
        "digits",
        "future",
        "ours",
        "carbon copies",
        "deep",
        "big",
    ],
)
async def test_a_hostile_message_costs_nobody_anything(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel, message: aio_pika.Message
) -> None:
    """It waits in a tier or lies among the dead; the connection stands, and everybody else is served."""
    done: list[str] = []

    async def handle(job: Job, envelope: Envelope) -> None:
        await fail(job, envelope)
        done.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle}, prefetch=3)
    lost = bus._lost
    for _ in range(5):
        await (await channel.get_exchange("commands")).publish(message, "work.job.v1")
    outbox = outbox_of(bus)
    await asyncio.gather(*(outbox.say(Job(name=f"good {i}")) for i in range(50)))
    await eventually(lambda: len(done) == 50)

    async def hostile_ones_rest() -> bool:
        return sum([await count(channel, queue) for queue in ("work.dead", "retry.1s", "retry.5s", "retry.30s")]) == 5

    await eventually(hostile_ones_rest, within=20)
    assert not lost.is_set(), "the connection was lost"
    assert bus.ready


async def test_the_same_message_on_its_way_several_times_is_told_unroutable_each_time(
    vhost_url: str, open_bus: OpenBus
) -> None:
    """A return is known by the message's AMQP id alone; one that was mistaken for confirmed would be lost."""
    bus = await open_bus(vhost_url)
    entry = outbox_of(bus).entry(Errand(name="a"))
    outcomes = await asyncio.gather(*(bus.publisher.publish([entry]) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unroutable] * 5


async def test_a_tier_that_somebody_deleted_is_made_again_and_the_message_waits_in_it(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    failures = [RuntimeError("once")]
    done: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        if failures:
            raise failures.pop()
        done.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle})
    await channel.queue_delete("retry.1s")
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: done == ["a"], within=20)
    assert bus.ready


async def test_a_partners_huge_headers_do_not_travel_on_with_what_they_cause(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    caused: list[Envelope] = []
    bus = await open_bus(vhost_url)
    outbox = outbox_of(bus)

    async def handle(job: Job, envelope: Envelope) -> None:
        caused.append(envelope)
        if job.name == "first":
            await outbox.say(Job(name="second"), envelope)

    await bus.consume("work", {Job: handle})
    commands = await channel.get_exchange("commands")
    await commands.publish(hostile(b'{"name": "first"}', noise="n" * 90_000), "work.job.v1")
    await eventually(lambda: len(caused) == 2)
    assert caused[1].causation_id == "1"
