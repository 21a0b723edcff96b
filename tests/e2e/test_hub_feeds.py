"""A feed through the public faces: everything that was accepted is told, also beside a `kill -9`."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import StartStack
from tests.e2e.buses import Bus, a_rule
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually
from tests.kit.stack import Stack

LONG = 60.0


class Reader:
    """A partner's program that keeps nothing but its cursor."""

    def __init__(self, bus: Bus, by: httpx.AsyncClient) -> None:
        self.path = f"/v1/hub/feed/{bus.name}/own"
        self.by = by
        self.after = ""
        self.told: list[str] = []

    @classmethod
    async def made(cls, shop: Shop, url: str) -> "Reader":
        partner = await Partner.made(shop)
        bus = Bus(partner, partner.operator, url)
        await bus.applied(a_rule(to=("own",)), targets={"own": {"feed": True}})
        return cls(bus, await Partner.client(shop, partner.name, "archive:read events:publish"))

    async def send(self, *ids: str) -> list[str]:
        """Hubids."""
        batch = [receipt(each) for each in ids]
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        answer = await self.by.post("/v1/events", json=batch, headers=headers)
        assert answer.status_code == 202, answer.text
        return [each["id"] for each in answer.json()["results"]]

    async def page(self, **params: Any) -> Json:
        asked = {**params, **({"after": self.after} if self.after else {})}
        answer = await self.by.get(self.path, params=asked, timeout=60)
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        self.after = page["after"]
        self.told += [each["hubid"] for each in page["events"]]
        return page

    async def eventually_told(self, hubids: list[str], **params: Any) -> None:
        async def all_of_them() -> bool:
            await self.page(**params)
            return set(hubids) <= set(self.told)

        await eventually(all_of_them, LONG)


async def test_what_is_accepted_is_told_once_in_pages_and_as_it_comes(shop: Shop, stack: Stack) -> None:
    reader = await Reader.made(shop, house_url(stack))
    sent = await reader.send(*(f"e{n}" for n in range(25)))
    await reader.eventually_told(sent, limit=10)
    assert sorted(reader.told) == sorted(sent)
    waiting = asyncio.create_task(reader.page(wait=30))
    sent += await reader.send("late")
    assert [each["id"] for each in (await waiting)["events"]] == ["late"]
    assert sorted(reader.told) == sorted(sent)


@pytest.mark.long
async def test_a_cursor_outlives_kills_and_all_that_was_accepted_is_told(
    start_stack: StartStack, own_home: Path
) -> None:
    """Segments are short, so that they are closed and gone on with meanwhile."""
    stack = start_stack(home=own_home, environment={"ARCHIVE_SEGMENT_SECONDS": "1"})
    async with Shop(stack.url) as shop:
        reader = await Reader.made(shop, house_url(stack))
        sent: list[str] = []
        for round_ in range(3):
            for batch in range(4):
                sent += await reader.send(*(f"e{round_}-{batch}-{n}" for n in range(20)))
                await reader.page(limit=7)
            await asyncio.to_thread(stack.kill)
            await asyncio.to_thread(stack.start)
        await reader.eventually_told(sent)
    assert set(reader.told) == set(sent)
