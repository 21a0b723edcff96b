"""Partners see what became of the copies that were for them: delivered, waiting, given up, with every try."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from tests.e2e.buses import ARRIVES, Bus
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import Json, applied, opened, stands
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone


async def page(bus: Bus, by: httpx.AsyncClient | None = None, target: str = "hook", **query: Any) -> httpx.Response:
    return await (by or bus.by).get(f"/v1/hub/targets/{bus.name}/{target}/deliveries", params=query)


async def listed(bus: Bus, **query: Any) -> list[Json]:
    found: list[Json] = []
    cursor: Json = {}
    while True:
        answer = await page(bus, **query, **cursor)
        assert answer.status_code == 200, answer.text
        found += answer.json()["deliveries"]
        if (following := answer.json()["next_cursor"]) is None:
            return found
        cursor = {"cursor": following}


async def test_deliveries_are_seen_as_they_stand_with_their_attempts(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    refused = 0

    async def answers(heard: Heard) -> Response:
        nonlocal refused
        id_ = json.loads(heard.body)["id"]
        refused += id_ == "late"
        return Response(status_code=422 if id_ == "bad" or (id_ == "late" and refused == 1) else 200)

    async with Endpoint(answers) as endpoint:
        await applied(bus, endpoint, pause_cap="1s")
        await stands(bus, "healthy")
        sent = [await partner.send(receipt(name)) for name in ("good", "late", "bad")]  # of a page: in no order
        hubids = [each.json()["results"][0]["id"] for each in sent]

        async def all_ended() -> list[Json]:
            found = await listed(bus)
            assert [each["status"] for each in found] == ["delivered", "delivered", "dead"], found
            return found

        good, late, bad = await eventually(all_ended, 2 * ARRIVES)
        assert [each["hubid"] for each in (good, late, bad)] == hubids
        assert [(each["outcome"], each["status"]) for each in late["attempts"]] == [
            ("refused", 422),
            ("delivered", 200),
        ]
        assert [each["outcome"] for each in bad["attempts"]] == ["refused"] * 6 + ["dead"]
        assert (good["rules"], good["tries"]) == (["all"], 1)
        heard = {json.loads(each.body)["id"]: each.id for each in endpoint.heard}
        assert [each["delivery_id"] for each in (good, late, bad)] == [heard[name] for name in ("good", "late", "bad")]

        assert [each["hubid"] for each in await listed(bus, status="dead")] == hubids[2:]
        assert [each["hubid"] for each in await listed(bus, hubid=hubids[1])] == hubids[1:2]
        assert [each["hubid"] for each in await listed(bus, limit=1)] == hubids
        now = datetime.now(UTC)
        assert await listed(bus, to=(now - timedelta(hours=1)).isoformat()) == []
        assert len(await listed(bus, **{"from": (now - timedelta(hours=1)).isoformat()})) == 3


async def test_what_a_partner_reads_from_a_queue_is_told_as_waiting(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied()
    await partner.send(receipt("one"))

    async def waits() -> list[Json]:
        answer = await page(bus, target="books")
        return list(answer.json().get("deliveries", ()))

    (only,) = await eventually(waits, ARRIVES)
    assert (only["status"], only["attempts"], only["delivery_id"]) == (
        "waiting",
        [],
        (await bus.eventually_taken(1))[0].deliveryid,
    )


async def test_deliveries_are_their_partners_and_what_is_asked_wrongly_is_named(shop: Shop, stack: Stack) -> None:
    _, bus = await opened(shop, stack)
    stranger = await Partner.made(shop)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        by = await Partner.client(shop, stranger.name, "hub:read hub:write archive:read")
        assert (await page(bus, by)).status_code == 404
        assert (await page(bus, target="none")).status_code == 404
        assert (await page(bus, await Partner.client(shop, bus.partner.name, "events:publish"))).status_code == 403
        assert (await page(bus, await shop.operator())).status_code == 200
        wrong: list[tuple[str, Json]] = [
            ("status", {"status": "lost"}),
            ("limit", {"limit": 501}),
            ("limit", {"limit": 0}),
            ("hubid", {"hubid": "x"}),
            ("hubid", {"hubid": "01984f2a-90c1-7d7b-8e01-0123456789ab", "from": "2027-01-20T10:00:00Z"}),
            ("to", {"from": "2027-01-20T10:00:00Z", "to": "2027-01-20T10:00:00Z"}),
            ("cursor", {"cursor": "x"}),
            ("page", {"page": "2"}),
        ]
        for named, query in wrong:
            answer = await page(bus, **query)
            assert (answer.status_code, answer.json()["errors"][0].get("parameter")) == (422, named), answer.text
