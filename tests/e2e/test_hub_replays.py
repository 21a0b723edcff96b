"""Events of the past once more: as many as were counted, to that target alone, in order, until it is cancelled."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartStack
from tests.e2e.buses import Bus, a_rule
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually
from tests.kit.stack import Stack

REPLAYS = "/v1/hub/replays"
LONG = 60.0
EVENTS = 60


class Past:
    """A partner, its bus, and events that were delivered once already."""

    def __init__(self, partner: Partner, bus: Bus, start: datetime, end: datetime, ids: list[str]) -> None:
        self.partner, self.bus, self.start, self.end, self.ids = partner, bus, start, end, ids

    @classmethod
    async def made(cls, shop: Shop, url: str) -> "Past":
        partner = await Partner.made(shop)
        bus = Bus(partner, partner.operator, url)
        await bus.applied(a_rule(), a_rule("other", to=("other",)))
        start = datetime.now(UTC)
        answer = await partner.send(*(receipt(f"e{number}") for number in range(EVENTS)))
        ids = [each["id"] for each in answer.json()["results"]]
        await bus.eventually_taken(EVENTS)
        await bus.eventually_taken(EVENTS, "other")
        await partner.eventually_archived(EVENTS)
        return cls(partner, bus, start, datetime.now(UTC), ids)

    async def ask(self, name: str = "again", **more: Any) -> Json:
        told = {"from": self.start.isoformat(), "to": self.end.isoformat(), "rate": 5_000}
        body = {**told, "targets": [f"{self.bus.name}/books"], **more, "name": f"{self.bus.name}-{name}"}
        answer = await self.partner.operator.post(REPLAYS, json=body)
        assert answer.status_code == 202, answer.text
        made: Json = answer.json()
        return made

    async def patch(self, id_: str, **wanted: Any) -> Json:
        by = self.partner.operator
        answer = await by.patch(f"{REPLAYS}/{id_}", json=wanted, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def shown(self, id_: str) -> Json:
        answer = await self.partner.operator.get(f"{REPLAYS}/{id_}")
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def eventually_in(self, id_: str, state: str) -> Json:
        async def there() -> Json:
            shown = await self.shown(id_)
            assert shown["state"] == state, shown
            return shown

        return await eventually(there, LONG)


async def test_a_replay_brings_what_was_counted_to_its_target_alone(shop: Shop, stack: Stack) -> None:
    past = await Past.made(shop, house_url(stack))
    dry = await past.eventually_in((await past.ask("dry", dry_run=True))["id"], "ready")
    assert (dry["counts"]["total"], dry["counts"]["events"]) == (EVENTS, EVENTS)
    assert await past.bus.taken() == []
    done = await past.eventually_in((await past.ask())["id"], "done")
    copies = await past.bus.eventually_taken(EVENTS)
    assert [each.hubid for each in copies] == sorted(past.ids)
    assert {each.replayid for each in copies} == {done["id"]}
    assert done["copies"] == EVENTS
    assert await past.bus.taken("other") == []


async def test_cancelled_means_no_further_copy(shop: Shop, stack: Stack) -> None:
    past = await Past.made(shop, house_url(stack))
    made = await past.ask(rate=1)
    await past.eventually_in(made["id"], "running")
    taken = await past.bus.eventually_taken(1)
    await past.patch(made["id"], state="cancelled")

    async def noted() -> Json:
        taken.extend(await past.bus.taken())
        shown = await past.shown(made["id"])
        assert shown["copies"] == len(taken)
        return shown

    shown = await eventually(noted, LONG)
    assert shown["state"] == "cancelled"
    await past.eventually_in((await past.ask("meanwhile", targets=[f"{past.bus.name}/other"]))["id"], "done")
    assert await past.bus.taken() == []
    assert len(taken) < EVENTS


@pytest.mark.long
async def test_killed_midway_it_ends_with_every_event_and_little_twice(start_stack: StartStack, own_home: Path) -> None:
    stack = start_stack(home=own_home)
    async with Shop(stack.url) as shop:
        past = await Past.made(shop, house_url(stack))
        rate = 10
        made = await past.ask(rate=rate)
        copies = await past.bus.eventually_taken(rate)
        await asyncio.to_thread(stack.kill)
        await asyncio.to_thread(stack.start)
        await past.eventually_in(made["id"], "done")
        copies += await past.bus.taken()
    hubids = [each.hubid for each in copies]
    assert set(hubids) == set(past.ids)
    assert len(hubids) - len(past.ids) <= 2 * rate
    assert len({each.deliveryid for each in copies}) == EVENTS
