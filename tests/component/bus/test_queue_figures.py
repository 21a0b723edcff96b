"""What the metrics tell of queues and failed messages, on a real broker."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace

import pytest
from aiormq import Connection
from aiormq.abc import AbstractConnection

from shared.bus.broker import Bus
from shared.bus.dead_letters import DeadLetters
from shared.bus.measuring import Depth, depths
from shared.contracts.cloudevents import Envelope
from shared.kernel.errors import Later
from shared.telemetry import catalogue
from shared.telemetry.figures import Figure
from shared.telemetry.process import Telemetry
from shared.telemetry.queues import PAUSE, DeadByFault, queues
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.eventually import eventually


class Watcher:
    """Measures by a connection of its own; time passes when a test says so."""

    def __init__(self, url: str, connection: AbstractConnection) -> None:
        self._url = url
        self._connection = connection
        self.now = 0.0
        self.looks = 0
        self.queues = queues(["work"], self.measure)
        self._dead = DeadByFault("work", self.measure, self._letters, lambda: self.now)

    async def measure(self, names: Iterable[str]) -> Mapping[str, Depth]:
        return await depths(self._connection, names)

    def _letters(self, service: str) -> DeadLetters:
        self.looks += 1
        return DeadLetters(self._url, [service], patience=0.0)

    async def by_fault(self) -> dict[str, float]:
        return {reading.labels[1]: reading.value for reading in await self._dead()}

    async def dead_are(self, count: int) -> bool:
        return (await self.measure(["work.dead"]))["work.dead"].messages == count


@pytest.fixture
async def watcher(vhost_url: str) -> AsyncIterator[Watcher]:
    connection = Connection(vhost_url)
    await connection.connect()
    yield Watcher(vhost_url, connection)
    await connection.close()


async def told(figure: Figure) -> dict[tuple[str, ...], float]:
    return {(reading.metric.name, *reading.labels): reading.value for reading in await figure()}


async def say(bus: Bus, *bodies: bytes) -> None:
    outbox = outbox_of(bus)
    await bus.publisher.publish([replace(outbox.entry(Job(name="a")), body=body) for body in bodies])


async def nobody(_job: Job, _envelope: Envelope) -> None:
    raise AssertionError("never called")


async def test_waiting_messages_and_consumers_are_told_and_a_missing_queue_is_not(
    vhost_url: str, open_bus: OpenBus, watcher: Watcher
) -> None:
    assert await told(watcher.queues) == {}
    await open_bus(vhost_url, {})
    found = await told(watcher.queues)
    assert found["queue_messages", "work", "work"] == 0
    assert found["queue_consumers", "work", "work"] == found["queue_consumers", "work", "work.suspect"] == 1
    assert found["queue_consumers", "work", "work.dead"] == 0
    assert found["tier_messages", "1s"] == 0


async def test_dead_letters_are_told_by_their_fault_until_they_are_gone(
    vhost_url: str, open_bus: OpenBus, watcher: Watcher
) -> None:
    bus = await open_bus(vhost_url, {Job: nobody})
    assert await watcher.by_fault() == {}
    assert watcher.looks == 0, "nothing is dead: nothing is looked into"
    await say(bus, b"{}", b"[]")
    await eventually(lambda: watcher.dead_are(2))
    (fault,) = await watcher.by_fault()
    assert fault.startswith("Unreadable@")
    assert await watcher.by_fault() == {fault: 2}
    await say(bus, b"{}")
    await eventually(lambda: watcher.dead_are(3))
    assert await watcher.by_fault() == {fault: 2}, "the broker counts a look as a delivery: not at every turn"
    watcher.now += PAUSE
    assert await watcher.by_fault() == {fault: 3}
    assert watcher.looks == 2
    async with DeadLetters(vhost_url, ["work"]) as letters:
        assert await letters.discard("work", lambda _: True) == 3
    assert await watcher.by_fault() == {}


async def test_letters_in_another_readers_hands_are_told_as_they_were(
    vhost_url: str, open_bus: OpenBus, watcher: Watcher
) -> None:
    bus = await open_bus(vhost_url, {Job: nobody})
    await say(bus, b"{}")
    await eventually(lambda: watcher.dead_are(1))
    known = await watcher.by_fault()
    await say(bus, b"{}")
    await eventually(lambda: watcher.dead_are(2))
    watcher.now += PAUSE
    async with DeadLetters(vhost_url, ["work"]) as other, other._turn("work"):
        assert await watcher.by_fault() == known
    watcher.now += PAUSE
    assert await watcher.by_fault() == dict.fromkeys(known, 2)


async def test_messages_are_counted_by_tier_and_by_the_fault_they_died_of(vhost_url: str, open_bus: OpenBus) -> None:
    telemetry, failures = Telemetry(), [RuntimeError(), Later("not yet")]

    async def fail(_job: Job, _envelope: Envelope) -> None:
        if failures:
            raise failures.pop(0)

    bus = await open_bus(vhost_url, {Job: fail}, meter=telemetry)
    await say(bus, b'{"name": "a"}', b"{}")
    died, retried = telemetry.series.counts[catalogue.DIED], telemetry.series.counts[catalogue.RETRIED]
    await eventually(lambda: died.total() == 1 and retried.total() == 2)
    ((service, fault),) = died
    assert (service, fault.partition("@")[0]) == ("work", "Unreadable")
    assert {labels[:2] for labels in retried} == {("work", "other")}, "a type of the tests' own"
    assert {labels[2] for labels in retried} <= {"1s", "5s"}
