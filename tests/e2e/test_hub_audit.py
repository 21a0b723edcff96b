"""The audit of partners' events: it is silent while all is well, and names a segment that somebody removed."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.conftest import StartStack
from tests.e2e.buses import Bus, a_rule
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually

pytestmark = pytest.mark.long


@pytest.mark.timeout(180)
async def test_a_segment_that_is_removed_by_hand_is_a_difference(start_stack: StartStack, own_home: Path) -> None:
    stack = await asyncio.to_thread(start_stack, home=own_home, environment={"ARCHIVE_SEGMENT_SECONDS": "1"})
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        await Bus(partner, partner.operator, house_url(stack)).applied(a_rule())
        await partner.send(*(receipt(f"e{n}") for n in range(50)))
        await partner.eventually_archived(50)

        async def closed() -> bool:
            answer = await partner.operator.get("/v1/hub/archive/segments")
            return bool(sum(each["owners"].get(partner.name, 0) for each in answer.json()["segments"]) >= 50)

        await eventually(closed, 60.0)
    well = await asyncio.to_thread(stack.command, "audit", "--json")
    assert well.returncode == 0, well.stdout + well.stderr
    assert json.loads(well.stdout)["events"] == 50
    min((own_home / "archive").glob("writer-*/*.zst")).unlink()
    robbed = await asyncio.to_thread(stack.command, "audit", "--json")
    assert robbed.returncode == 1, robbed.stdout + robbed.stderr
    assert {each["book"] for each in json.loads(robbed.stdout)["differences"]} == {"archive"}
