"""The audit of partners' events: it is silent while all is well, and names what somebody removed."""

import asyncio
import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import StartStack
from tests.e2e.buses import Bus, a_rule
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.e2e.wires import channel_to
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long


async def test_segments_that_are_removed_by_hand_are_differences(start_stack: StartStack, own_home: Path) -> None:
    stack = await asyncio.to_thread(start_stack, home=own_home, environment={"ARCHIVE_SEGMENT_SECONDS": "1"})
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        await Bus(partner, partner.operator, house_url(stack)).applied(a_rule())
        for sent in (25, 50):
            await partner.send(*(receipt(f"e{n}") for n in range(sent - 25, sent)))
            await partner.eventually_archived(sent)
            await eventually(partial(closed, partner, sent), 60.0)
    well = await asyncio.to_thread(stack.command, "audit", "--json")
    assert well.returncode == 0, well.stdout + well.stderr
    assert json.loads(well.stdout)["events"] == 50
    segments = sorted((own_home / "archive").glob("writer-*/*.zst"))
    await asyncio.to_thread(unlist, own_home, segments[-1].stem)
    segments[-1].unlink()
    found = await differences(stack)
    assert {each["book"] for each in found} == {"accepted"}, "no chain is broken, and all that is listed is there"
    assert {each["reference"].split()[0] for each in found} == {partner.name}
    segments[0].unlink()
    assert {each["book"] for each in await differences(stack)} == {"archive"}


async def test_events_whose_message_to_the_router_was_removed_are_differences_until_they_are_routed(
    start_stack: StartStack, own_home: Path
) -> None:
    stack = await asyncio.to_thread(start_stack, home=own_home, environment={"HUB_ROUTE": "off"})
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        bus = Bus(partner, partner.operator, house_url(stack))
        await bus.applied(a_rule())
        await partner.send(*(receipt(f"e{n}") for n in range(5)))
        lost = {each["hubid"] for each in await partner.eventually_archived(5)}
        async with channel_to(house_url(stack)) as channel:
            await (await channel.declare_queue("hub", passive=True)).purge()
    await asyncio.to_thread(stack.terminate)
    stack.change({})
    await asyncio.to_thread(stack.start)
    async with Shop(stack.url):  # it is ready
        found = await differences(stack, "--routed-within", "1s")
        assert {each["book"] for each in found} == {"routed"}
        assert {each["reference"] for each in found} == {f"{partner.name} e{n}" for n in range(5)}
        done = await asyncio.to_thread(stack.command, "hub", "route", "--from", "-1h", "--to", "now", "--json")
        assert [each["status"] for each in json.loads(done.stdout)["events"]] == ["sent"] * 5
        copies = await bus.eventually_taken(5)
        assert {each.hubid for each in copies} == lost

        async def settled() -> bool:
            audited = await asyncio.to_thread(stack.command, "audit", "--json", "--routed-within", "1s")
            return audited.returncode == 0

        await eventually(settled, 60.0)


async def closed(partner: Partner, events: int) -> bool:
    answer = await partner.operator.get("/v1/hub/archive/segments")
    return bool(sum(each["owners"].get(partner.name, 0) for each in answer.json()["segments"]) >= events)


def unlist(home: Path, segment: str) -> None:
    """The segment's document is taken away, by somebody who knows how to."""
    with closing(sqlite3.connect(home / "stores" / "archive.sqlite3")) as archive, archive:
        archive.execute("DELETE FROM segments WHERE id = ?", (segment,))


async def differences(stack: Stack, *options: str) -> list[Json]:
    audited = await asyncio.to_thread(stack.command, "audit", "--json", *options)
    assert audited.returncode == 1, audited.stdout + audited.stderr
    found: list[Json] = json.loads(audited.stdout)["differences"]
    return found
