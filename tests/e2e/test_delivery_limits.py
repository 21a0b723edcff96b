"""How much an endpoint is sent: never more than it allows, whatever replicas there are; little while it fails, and
little at first when it is back; and what another one does is none of its business."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime

import pytest
from starlette.responses import Response

from shared.contracts.hubids import moment_of
from tests.e2e.buses import Bus, a_rule
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.houses import House
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import Json, shown, stands
from tests.e2e.test_hub_letters import letters, settled
from tests.eventually import eventually, happens_within
from tests.kit.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.sqlite_alone]

LONG = 120.0


@pytest.fixture
def replica(processes: House) -> Iterator[Stack]:
    """Another process of delivery beside the first."""
    second = processes.replica("delivery")
    second.start()
    yield second
    second.terminate()
    second.clean_up()


@pytest.fixture
async def partner(high_street: Shop) -> Partner:
    return await Partner.made(high_street)


@pytest.fixture
async def bus(partner: Partner, processes: House) -> AsyncIterator[Bus]:
    """Its targets are nobody's afterwards."""
    made = Bus(partner, partner.operator, processes.broker_url)
    yield made
    await made.applied(a_rule(to=("books",)))


async def applied(bus: Bus, **webhooks: object) -> None:
    """These are the bus's targets, and each has agreed."""
    await bus.applied(a_rule(to=tuple(webhooks)), targets=webhooks)
    for target in webhooks:
        await stands(bus, "healthy", target)


def taken(endpoint: Endpoint) -> list[float]:
    """When each copy was here first, of those that were answered 200."""
    first: dict[str, float] = {}
    for heard in endpoint.heard:
        if heard.status == 200:
            first.setdefault(heard.id, heard.at)
    return sorted(first.values())


async def all_taken(endpoint: Endpoint, count: int, within: float) -> list[float]:
    def enough() -> list[float]:
        found = taken(endpoint)
        assert len(found) >= count, f"{len(found)} of {count}"
        return found

    return await eventually(enough, within)


async def well(_: Heard) -> Response:
    return Response(status_code=200)


async def test_a_rate_is_kept_whatever_replicas_there_are(partner: Partner, bus: Bus, replica: Stack) -> None:
    async with Endpoint(well) as endpoint:
        await applied(bus, hook={"webhook": endpoint.url, "rate": 5})
        await partner.send(*(receipt(f"e{n}") for n in range(100)))
        times = await all_taken(endpoint, 100, 60)
        assert times[-1] - times[0] >= 19
        assert len(endpoint.heard) == 100


async def test_no_more_requests_are_under_way_than_each_of_several_targets_allows(
    partner: Partner, bus: Bus, replica: Stack
) -> None:
    """Whichever replica has which of them, and whichever is asked what is under way."""
    seen = asyncio.Event()

    async def slow(_: Heard) -> Response:
        await seen.wait()
        return Response(status_code=200)

    async with AsyncExitStack() as opened:
        endpoints = [await opened.enter_async_context(Endpoint(slow)) for _ in range(4)]
        webhooks = {f"t{n}": {"webhook": each.url, "concurrency": 2} for n, each in enumerate(endpoints)}
        await applied(bus, **webhooks)
        await partner.send(*(receipt(f"e{n}") for n in range(60)))
        await eventually(lambda: _all_are_held(bus, webhooks), LONG)
        seen.set()
        for endpoint in endpoints:
            await all_taken(endpoint, 60, LONG)
        assert [each.most_at_once for each in endpoints] == [2] * 4


async def _all_are_held(bus: Bus, targets: Iterable[str]) -> bool:
    """Each replica tells what both have under way, and that copies wait."""
    for target in targets:
        for _ in range(2):
            found = await shown(bus, target)
            assert (found["in_flight"], (found["oldest_seconds"] or 0) > 0) == (2, True), found
    return True


async def test_an_endpoint_that_fails_is_hardly_asked_and_begins_slowly_when_it_is_back(
    partner: Partner, bus: Bus
) -> None:
    """As long as the third probe takes stands for two minutes: by then what was under way when it was left alone has
    been counted, and each pause is twice the one before, so that two minutes have one probe more."""
    is_back = False

    async def fails(_: Heard) -> Response:
        return Response(status_code=200 if is_back else 500)

    async with Endpoint(fails) as endpoint:
        await applied(bus, hook={"webhook": endpoint.url, "rate": 100})
        await partner.send(*(receipt(f"e{n}") for n in range(300)))
        await stands(bus, "failing")
        begun = asyncio.get_running_loop().time()
        await eventually(lambda: endpoint.heard[-1].at >= begun + 30, LONG)  # by the probes
        await stands(bus, "failing")
        assert len(endpoint.heard) <= 18
        assert endpoint.heard[-1].at - endpoint.heard[-2].at >= 19, "after 5, 10, and now 20 s"
        is_back = True
        times = await all_taken(endpoint, 300, LONG)
        since = [at - times[0] for at in times]
        parts = [sum(begin <= at < begin + 5 for at in since) for begin in (0, 5, 10)]
        assert parts[0] <= 60, "a tenth of 100 a second, and what rounding gives"
        assert parts[1] <= 120
        assert parts[0] < parts[1] < parts[2]
        await stands(bus, "healthy")


RETRY_FOR = 60.0
UNDER_WAY = 5.0
"""Seconds in which a request is here that a process sent before it was killed."""


async def dead(bus: Bus) -> list[Json]:
    return await letters(bus, "hook")


async def test_a_copy_is_dead_when_its_time_is_over_and_not_before_while_nothing_of_delivery_lives(
    partner: Partner, bus: Bus, processes: House
) -> None:
    is_back = False

    async def fails(_: Heard) -> Response:
        return Response(status_code=200 if is_back else 500)

    def tries(name: str) -> list[Heard]:
        return [each for each in endpoint.heard if f'"{name}"'.encode() in each.body]

    loop = asyncio.get_running_loop()
    async with Endpoint(fails) as endpoint:
        await applied(bus, hook={"webhook": endpoint.url, "retry_for": "60s", "pause_cap": "5s"})
        accepted = loop.time()
        await partner.send(receipt("given-up"))
        (letter,) = await eventually(lambda: dead(bus), RETRY_FOR + LONG)
        assert (letter["event_id"], letter["reason"][:11]) == ("given-up", "out_of_time")
        assert tries("given-up")[-1].at - accepted >= RETRY_FOR / 2, (
            "it was tried to the end, as far as the breaker let"
        )
        assert died(letter) >= RETRY_FOR - 6, "a pause before the end it is not laid into another one"

        accepted = loop.time()
        await partner.send(receipt("waits"))
        processes.kill("delivery")
        killed = loop.time() + UNDER_WAY
        assert not await happens_within(RETRY_FOR + 10, lambda: any(each.at > killed for each in tries("waits")))
        processes.restart("delivery")
        await eventually(lambda: any(each.at > accepted + RETRY_FOR for each in tries("waits")), LONG)
        is_back = True
        await eventually(lambda: tries("waits")[-1].status == 200, LONG)
        assert [each["event_id"] for each in await dead(bus)] == ["given-up"]
    await settled(bus, "discard", {"all": True}, "hook")


def died(letter: Json) -> float:
    """Seconds from the acceptance of its event."""
    accepted = moment_of(letter["hubid"])
    return (datetime.fromisoformat(letter["last_failed_at"]) - accepted).total_seconds()


TARGETS = 50
EVENTS = 40


async def test_of_fifty_endpoints_one_that_hangs_holds_up_no_other(partner: Partner, bus: Bus) -> None:
    """What it costs the others is a figure of `milesaga bench`: here all of theirs arrive while it hangs."""
    over = asyncio.Event()

    async def hangs(_: Heard) -> Response:
        await over.wait()
        return Response(status_code=200)

    async with Endpoint(well) as others, Endpoint(hangs) as one:
        webhooks = {f"t{n}": {"webhook": others.url} for n in range(TARGETS - 1)}
        await applied(bus, hook={"webhook": one.url}, **webhooks)
        for number in range(EVENTS):
            await partner.send(receipt(f"e{number}"))
        await all_taken(others, EVENTS * (TARGETS - 1), LONG)
        assert one.at_once >= 8, "it hangs with all that it may have under way"
        assert taken(one) == []
        over.set()
        await all_taken(one, EVENTS, LONG)
