"""Several replicas of the hub: a revision is in force on all that live, and one that stood still goes by no older."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.buses import ARRIVES, Bus
from tests.e2e.houses import House
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

FORGOTTEN = 40.0
"""Seconds, on any machine, in which a replica that stands still is known to be dead."""


@pytest.fixture
def replica(processes: House) -> Iterator[Stack]:
    second = processes.replica("hub")
    second.start()
    yield second
    second.clean_up()


async def applied(bus: Bus, **more: object) -> bool:
    answer = await bus.by.put(bus.path, json=bus.file(**more), timeout=30)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["active"])


async def in_force(bus: Bus, **more: object) -> None:
    """A replica that was killed a moment ago still counts as living."""

    async def active() -> bool:
        return await applied(bus, **more)

    await eventually(active, FORGOTTEN)


async def test_a_replica_that_stood_still_goes_by_no_rules_that_are_gone(
    high_street: Shop, processes: House, replica: Stack
) -> None:
    partner = await Partner.made(high_street)
    every, gone = (Bus(partner, partner.operator, processes.broker_url) for _ in range(2))
    await in_force(every)
    await in_force(gone)
    for number in range(20):
        await partner.send(receipt(f"before-{number}"))
    assert len(await every.eventually_taken(20)) == len(await gone.eventually_taken(20)) == 20

    replica.process.send_signal(signal.SIGSTOP)
    try:
        assert not await applied(gone, enabled=False), "one that lives, as far as anybody knows, was not waited for"
        await in_force(gone, enabled=False)
        for number in range(20):
            await partner.send(receipt(f"after-{number}"))
    finally:
        replica.process.send_signal(signal.SIGCONT)
    copies = Counter(copy.attributes["id"] for copy in await every.eventually_taken(20, within=ARRIVES * 2))
    assert set(copies) == {f"after-{number}" for number in range(20)}
    assert await gone.taken() == []


async def test_a_replica_that_dies_holds_nothing_up_and_loses_nothing(
    high_street: Shop, processes: House, replica: Stack
) -> None:
    partner = await Partner.made(high_street)
    bus = Bus(partner, partner.operator, processes.broker_url)
    await in_force(bus)
    for number in range(40):
        await partner.send(receipt(f"e{number}"))
        if number == 20:
            replica.kill()
    copies: set[str] = set()

    async def all_there() -> bool:
        copies.update(copy.attributes["id"] for copy in await bus.taken())
        return copies == {f"e{number}" for number in range(40)}

    await eventually(all_there, ARRIVES * 2)

    await in_force(bus, enabled=False)
