"""A minute under load in which a process is killed every second: what was answered 202 is archived and delivered."""

import asyncio
import itertools
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.e2e.buses import Bus, a_rule
from tests.e2e.houses import SERVICES, House
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.eventually import eventually

pytestmark = pytest.mark.long

VICTIMS = tuple(name for name in ("hub", "archive", "delivery") if name in SERVICES)
LASTS = 60.0
LEAST = 15
"""How many are killed at least, however long a slow machine needs for it."""
SENDERS = 8
BATCH = 10
PAUSE = 0.2
"""Seconds between two tries of a sender."""
LONGEST = 180.0
"""Seconds for what was left behind: a process that died leaves its ids in flight for half a minute."""


@pytest.mark.timeout(600)
async def test_every_event_that_was_accepted_is_archived_and_delivered_once_each(
    high_street: Shop, processes: House
) -> None:
    partner = await Partner.made(high_street, rate={"events_per_second": 10_000, "burst": 100_000})
    bus = Bus(partner, partner.operator, processes.broker_url)
    endpoint = f"{processes.processes['sandbox'].url}/sandbox/receiver/{bus.name}"
    rules = a_rule(to=("books", "hook")), a_rule("copies", to=("books", "ledger"))
    queues = {"books": {"queue": True}, "ledger": {"queue": True}}
    await bus.applied(*rules, targets={**queues, "hook": {"webhook": endpoint}})
    told: dict[str, str] = {}
    killing = asyncio.create_task(_kill_one_each_second(processes))
    await asyncio.gather(*(_send(partner, told, killing, number) for number in range(SENDERS)))
    await killing

    archived = await partner.eventually_archived(len(told), LONGEST)
    hubids = defaultdict(set)
    for each in archived:
        hubids[each["event"]["id"]].add(each["hubid"])
    assert hubids == {event_id: {hubid} for event_id, hubid in told.items()}
    for target in ("books", "ledger"):
        await _delivered(bus, target, told)
    await _posted(endpoint, told)


async def _delivered(bus: Bus, target: str, told: dict[str, str]) -> None:
    """A copy of each; more than one has the same delivery id."""
    copies = defaultdict(set)

    async def all_there() -> bool:
        for copy in await bus.taken(target):
            copies[copy.hubid].add(copy.deliveryid)
        missing = set(told.values()) - set(copies)
        assert not missing, f"{target}: {len(missing)} of {len(told)} are not there"
        return True

    await eventually(all_there, LONGEST)
    assert set(copies) == set(told.values())
    assert {len(each) for each in copies.values()} == {1}


async def _posted(endpoint: str, told: dict[str, str]) -> None:
    """A webhook of each was taken; more than one request has the same name."""
    names, after = defaultdict(set), 0
    async with httpx.AsyncClient(timeout=30.0, trust_env=False) as http:

        async def all_there() -> bool:
            nonlocal after
            while requests := (await http.get(f"{endpoint}/requests", params={"after": after})).json()["requests"]:
                for each in requests:
                    names[each["body"]["hubid"]].add(each["webhook_id"])
                after = requests[-1]["position"]
            missing = set(told.values()) - set(names)
            assert not missing, f"{len(missing)} of {len(told)} webhooks are not there"
            return True

        await eventually(all_there, LONGEST)
    assert set(names) == set(told.values())
    assert {len(each) for each in names.values()} == {1}


async def _kill_one_each_second(processes: House) -> None:
    """Each is started again at once, and all are there at the end."""
    starting: dict[str, asyncio.Task[None]] = {}
    chance, killed = random.Random(7), 0
    ends_at = time.monotonic() + LASTS
    while time.monotonic() < ends_at or killed < LEAST:
        await asyncio.sleep(1)
        if not (ready := [name for name in VICTIMS if name not in starting or starting[name].done()]):
            continue
        victim = chance.choice(ready)
        if victim in starting:
            await starting[victim]
        processes.kill(victim)
        killed += 1
        starting[victim] = asyncio.create_task(asyncio.to_thread(processes.restart, victim))
    await asyncio.gather(*starting.values())


async def _send(partner: Partner, told: dict[str, str], killing: asyncio.Task[None], number: int) -> None:
    """Batch after batch while somebody kills, each said again until it is answered 202."""
    for count in itertools.count():
        if killing.done():
            return
        batch = [receipt(f"{number}-{count}-{place}-{uuid.uuid4().hex[:8]}") for place in range(BATCH)]
        results = await _until(lambda batch=batch: _accepted(partner, batch))  # type: ignore[misc]
        told |= {event["id"]: result["id"] for event, result in zip(batch, results, strict=True)}


async def _accepted(partner: Partner, batch: list[Json]) -> list[Json]:
    try:
        answer = await partner.send(*batch)
    except httpx.HTTPError:
        return []
    assert answer.status_code in {202, 409, 429, 502, 503, 504}, answer.text
    assert answer.status_code != 409 or "in_flight" in answer.text, answer.text
    if answer.status_code != 202:
        return []
    try:
        results: list[Json] = answer.json()["results"]
    except ValueError:  # killed in the middle of its answer
        return []
    return results


async def _until(act: Callable[[], Awaitable[list[Json]]]) -> list[Json]:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        if found := await act():
            return found
        await asyncio.sleep(PAUSE)
    raise AssertionError(f"not answered in {LONGEST} s")
