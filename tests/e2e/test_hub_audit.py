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
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long


@pytest.mark.timeout(180)
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


async def closed(partner: Partner, events: int) -> bool:
    answer = await partner.operator.get("/v1/hub/archive/segments")
    return bool(sum(each["owners"].get(partner.name, 0) for each in answer.json()["segments"]) >= events)


def unlist(home: Path, segment: str) -> None:
    """The segment's document is taken away, by somebody who knows how to."""
    with closing(sqlite3.connect(home / "stores" / "archive.sqlite3")) as archive, archive:
        archive.execute("DELETE FROM segments WHERE id = ?", (segment,))


async def differences(stack: Stack) -> list[Json]:
    audited = await asyncio.to_thread(stack.command, "audit", "--json")
    assert audited.returncode == 1, audited.stdout + audited.stderr
    found: list[Json] = json.loads(audited.stdout)["differences"]
    return found
